"""A hub server on loopback, and those who connect to it."""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager, suppress

import pytest
from wyoming.event import Event, async_read_event, async_write_event

from satellite.peer.door import Door
from satellite.peer.server import HubServer, ServerRule

# nothing on loopback takes longer, on a busy machine either
SOON_S = 10.0

INFO = Event("info", {"satellite": {"name": "test"}})


class Listener:
    """Writes down what it is told, and insists on the order of sessions."""

    def __init__(self) -> None:
        self.told: list[str] = []
        self.peers: list[str] = []
        self.is_open = False
        self.on_event: Callable[[Event], object] = lambda event: None
        self._changed = asyncio.Event()

    def session_opened(self, peer: str) -> None:
        assert not self.is_open or self.told[-1] == "pause-satellite"
        self.is_open = True
        self.peers.append(peer)
        self._tell("opened")

    def session_closed(self, why: str) -> None:
        assert self.is_open
        self.is_open = False
        self._tell(f"closed: {why}")

    def session_event(self, event: Event) -> None:
        assert self.is_open
        self._tell(event.type)
        self.on_event(event)

    async def until(self, *told: str) -> None:
        """Waits until exactly this has been told; a word that ends in `...` stands for the rest."""
        while not self._matches(told):
            self._changed.clear()
            await self._changed.wait()

    def _tell(self, what: str) -> None:
        self.told.append(what)
        self._changed.set()

    def _matches(self, told: tuple[str, ...]) -> bool:
        pairs = list(zip(self.told, told, strict=False))
        return len(self.told) == len(told) and all(
            was.startswith(want.removesuffix("...")) if want.endswith("...") else was == want for was, want in pairs
        )


class Peer:
    """A client on the library's own reader and writer."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader, self._writer = reader, writer

    async def say(self, *kinds: str, payload: bytes | None = None) -> None:
        for kind in kinds:
            await async_write_event(Event(kind, payload=payload), self._writer)

    async def send(self, data: bytes) -> None:
        self._writer.write(data)
        await self._writer.drain()

    async def hears(self) -> Event | None:
        return await async_read_event(self._reader)

    async def ask(self, kind: str, **data: object) -> Event | None:
        await async_write_event(Event(kind, data), self._writer)
        return await self.hears()

    async def is_cut_off(self) -> bool:
        """Reads to the end, which comes only if the server ends it."""
        with suppress(ConnectionResetError):
            await self._reader.read(-1)
        return True

    async def rest(self) -> bytes:
        """All that comes to the end."""
        return await self._reader.read(-1)

    def half_close(self) -> None:
        self._writer.write_eof()

    async def close(self) -> None:
        self._writer.close()
        with suppress(OSError):
            await self._writer.wait_closed()


class House:
    """A server, and whoever connects to it."""

    def __init__(self, rule: ServerRule, info: Event, door: Door | None) -> None:
        self.listener = Listener()
        self.server = HubServer(lambda: info, self.listener, rule, door)
        self.port = 0
        self._peers: list[Peer] = []

    async def peer(self, host: str = "127.0.0.1") -> Peer:
        """A new connection from this address."""
        peer = Peer(*await asyncio.open_connection("127.0.0.1", self.port, local_addr=(host, 0)))
        self._peers.append(peer)
        return peer

    async def hub(self, host: str = "127.0.0.1") -> Peer:
        """A new connection that is the session."""
        peer = await self.peer(host)
        await peer.say("run-satellite")
        # answered in order, so that the session is open by now
        assert await peer.ask("describe") == INFO
        return peer

    async def close(self) -> None:
        for peer in self._peers:
            await peer.close()


@asynccontextmanager
async def house(
    rule: ServerRule | None = None, info: Event = INFO, door: Door | None = None, within_s: float = SOON_S
) -> AsyncIterator[House]:
    """A server on loopback, stopped at the end."""
    place = House(rule or ServerRule(goodbye_s=0.05), info, door)
    async with asyncio.timeout(within_s):
        place.port = await place.server.start("127.0.0.1", 0)
        try:
            yield place
        finally:
            await place.close()
            await place.server.stop()


def play(story: Coroutine[None, None, None]) -> None:
    """Runs a test's story."""
    asyncio.run(story)


async def until_s(after_s: float) -> None:
    """Waits so long by the loop's clock, which is virtual."""
    later = asyncio.get_running_loop().create_future()
    asyncio.get_running_loop().call_later(after_s, later.set_result, None)
    await later


def warnings(caplog: pytest.LogCaptureFixture) -> list[str]:
    """What the operator is told."""
    return [r.getMessage() for r in caplog.records if r.levelno == logging.WARNING]
