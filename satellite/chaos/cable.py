"""The network between the hub and the satellite, and what may be wrong with it. Real sockets; nobody is told what goes wrong."""

import asyncio
from contextlib import suppress
from dataclasses import dataclass
from enum import StrEnum

# so slow a line is seen to be slow within a chunk
_CHUNK_BYTES = 4096
# what a line holds that does not deliver: more than a fault lasts
_HELD_BYTES = 16 * 1024 * 1024


class Way(StrEnum):
    """Which of the two directions."""

    TO_HUB = "to the hub"
    TO_SATELLITE = "to the satellite"


@dataclass(eq=False)
class _Link:
    """One connection through the cable."""

    ends: tuple[asyncio.StreamWriter, asyncio.StreamWriter]
    is_dead: bool = False


class Cable:
    """Forwards every connection to `port` to the satellite's."""

    def __init__(self, satellite_port: int) -> None:
        self.port = 0
        self.bytes_per_s: dict[Way, float | None] = dict.fromkeys(Way)
        """How fast it is, each way; None: at once."""
        self._satellite_port = satellite_port
        self._server: asyncio.Server | None = None
        self._delivers = asyncio.Event()
        self._delivers.set()
        self._links: set[_Link] = set()
        self._plugged: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> "Cable":
        self._server = await asyncio.start_server(self._plug_in, "127.0.0.1", 0, limit=_HELD_BYTES)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *exc: object) -> None:
        assert self._server is not None
        self._server.close()
        for task in self._plugged:
            task.cancel()
        await asyncio.gather(*self._plugged, return_exceptions=True)

    def lose(self) -> None:
        """Delivers nothing for a while: what is sent, also a connection or its end, arrives when it delivers again."""
        self._delivers.clear()

    def deliver(self) -> None:
        """Ends `lose`."""
        self._delivers.set()

    def half_open(self) -> None:
        """The connections of now stay open at both ends, and nothing goes through them any more; others work."""
        for link in self._links:
            link.is_dead = True

    def mend(self) -> None:
        """Ends `half_open`: both ends of what was dead are told so."""
        self._cut(*(link for link in self._links if link.is_dead))

    def _cut(self, *links: _Link) -> None:
        for link in links:
            for end in link.ends:
                end.transport.abort()

    async def _plug_in(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._plugged.add(task)
        try:
            await self._delivers.wait()
            far_reader, far_writer = await asyncio.open_connection("127.0.0.1", self._satellite_port, limit=_HELD_BYTES)
            await self._forward(reader, writer, far_reader, far_writer)
        # asyncio asks the task of a connection for its exception, also one that was cancelled
        except (OSError, asyncio.CancelledError):
            pass
        finally:
            self._plugged.discard(task)
            writer.transport.abort()

    async def _forward(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        far_reader: asyncio.StreamReader,
        far_writer: asyncio.StreamWriter,
    ) -> None:
        link = _Link((writer, far_writer))
        self._links.add(link)
        ways = ((Way.TO_SATELLITE, reader, far_writer), (Way.TO_HUB, far_reader, writer))
        pumps = [asyncio.create_task(self._pump(link, *way)) for way in ways]
        try:
            await asyncio.wait(pumps)
        finally:
            for pump in pumps:
                pump.cancel()
            self._links.discard(link)
            far_writer.transport.abort()

    async def _pump(self, link: _Link, way: Way, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError):
            while data := await reader.read(_CHUNK_BYTES):
                await self._delivers.wait()
                if bytes_per_s := self.bytes_per_s[way]:
                    await asyncio.sleep(len(data) / bytes_per_s)
                if not link.is_dead:
                    writer.write(data)
                    await writer.drain()
        await self._delivers.wait()
        if not link.is_dead:
            writer.close()
            with suppress(OSError):
                # what is still to be written, too
                await writer.wait_closed()
