"""A network cable between the hub and the satellite, which can go dead without anybody being told."""

import asyncio
from contextlib import suppress

# what one end has sent and the other has not taken
_CHUNK_BYTES = 64 * 1024


class Cable:
    """Forwards every connection to `port` to the satellite. What is open when it goes dead stays open, and silent."""

    def __init__(self, satellite_port: int) -> None:
        self.port = 0
        self._satellite_port = satellite_port
        self._server: asyncio.Server | None = None
        self._is_alive = asyncio.Event()
        self._is_alive.set()
        self._links: set[tuple[asyncio.StreamWriter, asyncio.StreamWriter]] = set()
        self._dead: list[tuple[asyncio.StreamWriter, asyncio.StreamWriter]] = []
        self._pumps: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> "Cable":
        self._server = await asyncio.start_server(self._plug_in, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *exc: object) -> None:
        assert self._server is not None
        self._server.close()
        for task in self._pumps:
            task.cancel()
        await asyncio.gather(*self._pumps, return_exceptions=True)
        self._cut(list(self._links))

    def go_dead(self) -> None:
        """Neither end hears anything of the other from now on, and whoever connects meanwhile waits for nothing."""
        self._is_alive.clear()
        self._dead = list(self._links)

    def revive(self) -> None:
        """New connections work again; those from before it went dead come to nothing."""
        self._cut(self._dead)
        self._dead = []
        self._is_alive.set()

    def _cut(self, links: list[tuple[asyncio.StreamWriter, asyncio.StreamWriter]]) -> None:
        for pair in links:
            for writer in pair:
                writer.transport.abort()

    async def _plug_in(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if not self._is_alive.is_set():
            await self._is_alive.wait()
            writer.transport.abort()
            return
        try:
            far_reader, far_writer = await asyncio.open_connection("127.0.0.1", self._satellite_port)
        except OSError:
            writer.transport.abort()
            return
        link = (writer, far_writer)
        self._links.add(link)
        pumps = [asyncio.create_task(self._pump(*ends)) for ends in ((reader, far_writer), (far_reader, writer))]
        self._pumps.update(pumps)
        try:
            await asyncio.wait(pumps)
        finally:
            self._pumps.difference_update(pumps)
            self._links.discard(link)

    async def _pump(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError):
            while data := await reader.read(_CHUNK_BYTES):
                await self._is_alive.wait()
                writer.write(data)
                await writer.drain()
        await self._is_alive.wait()
        writer.close()
