"""A small Wyoming server for the mocks, and a client call; both on the wyoming library's own reader and writer."""

import asyncio
import socket
import struct
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from typing import Self

from wyoming.event import Event, async_read_event, async_write_event
from wyoming.info import Attribution

from satellite.mock.journal import Journal

ATTRIBUTION = Attribution(name="satellite's mock servers", url="")

# nothing in a mock takes longer
CONNECT_TIMEOUT_S = 5.0

Talk = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]

# more closed connections than a test has
_MOST_REMEMBERED = 1000
# a client that says more than this while it is being answered is read no further: ten seconds of its microphone
_MOST_UNANSWERED = 1000


class MockServer:
    """Listens on loopback and hands every connection to `_talk`. Used as `async with`."""

    def __init__(self, host: str = "127.0.0.1", port: int = 0) -> None:
        self._host, self._port = host, port
        self._server: asyncio.Server | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self.journal = Journal()
        """What was said on all connections of a server that keeps to `Line`."""
        self.connections = 0
        """How many were ever accepted."""
        self.closed_at_s: deque[float] = deque(maxlen=_MOST_REMEMBERED)
        """When a client closed a connection, by the loop's clock."""

    @property
    def uri(self) -> str:
        """Where it listens."""
        return f"tcp://{self._host}:{self._port}"

    async def start(self) -> None:
        """Listens; a port of 0 is chosen by the system."""
        self._server = await asyncio.start_server(self._accept, self._host, self._port)
        self._port = self._server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        """Closes everything and waits until it is closed."""
        if self._server is not None:
            self._server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(self, *exc: object) -> None:
        await self.stop()

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        self.connections += 1
        try:
            with suppress(OSError, asyncio.IncompleteReadError):
                await self._talk(reader, writer)
        except asyncio.CancelledError:
            # the server stops: this is the end of the task, and nobody is left to be told
            pass
        finally:
            writer.close()
            self._tasks.discard(task)

    async def _talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        raise NotImplementedError


class Line:
    """A connection that is read all the time, whatever its server is doing: that a client has gone is known at once."""

    def __init__(self, server: MockServer, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._server, self._reader, self._writer = server, reader, writer
        self._events: asyncio.Queue[Event] = asyncio.Queue(_MOST_UNANSWERED)
        self._has_hung_up = False
        self.interrupted = asyncio.Event()
        """Set by an `interrupt`."""

    async def talk(self, work: Callable[["Line"], Awaitable[None]]) -> None:
        """Does a server's work until that is done and the client has gone; a client that goes ends it. Raises what it raises."""
        working = asyncio.ensure_future(self._until_done(work))
        try:
            await self._read()
        finally:
            working.cancel()
            (end,) = await asyncio.gather(working, return_exceptions=True)
        if isinstance(end, Exception):
            raise end

    async def _read(self) -> None:
        with suppress(OSError, asyncio.IncompleteReadError):
            while (event := await read(self._reader)) is not None:
                self._server.journal.note("received", event)
                if event.type == "interrupt":
                    self.interrupted.set()
                else:
                    await self._events.put(event)
        if not self._has_hung_up:
            self._server.closed_at_s.append(asyncio.get_running_loop().time())

    async def _until_done(self, work: Callable[["Line"], Awaitable[None]]) -> None:
        try:
            with suppress(OSError):
                await work(self)
        except Exception:
            # a server that fails takes its client along, who would wait for it
            self.cut()
            raise

    async def next(self) -> Event:
        """What the client says, but for interruptions."""
        return await self._events.get()

    async def say(self, event: Event) -> None:
        """Sends an event."""
        self._server.journal.note("sent", event)
        await write(self._writer, event)

    async def say_raw(self, garbage: bytes) -> None:
        """Sends bytes that may be no event."""
        self._writer.write(garbage)
        await self._writer.drain()

    def hang_up(self) -> None:
        """Closes the connection from this end."""
        self._has_hung_up = True
        self._writer.close()

    def cut(self) -> None:
        """Resets it, as the system does for a process that was killed; what was sent may be lost."""
        self._has_hung_up = True
        linger = struct.pack("ii", 1, 0)
        self._writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        self._writer.transport.abort()


class LineServer(MockServer):
    """One whose every connection is a `Line`, which `_serve` serves."""

    async def _talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await Line(self, reader, writer).talk(self._serve)

    async def _serve(self, line: Line) -> None:
        raise NotImplementedError


@asynccontextmanager
async def connection(uri: str) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    """A connection to `tcp://host:port`, closed at the end."""
    host, _, port = uri.removeprefix("tcp://").rpartition(":")
    async with asyncio.timeout(CONNECT_TIMEOUT_S):
        reader, writer = await asyncio.open_connection(host, int(port))
    try:
        yield reader, writer
    finally:
        writer.close()
        with suppress(OSError):
            await writer.wait_closed()


async def read(reader: asyncio.StreamReader) -> Event | None:
    """The next event; None at the end of the stream."""
    return await async_read_event(reader)


async def write(writer: asyncio.StreamWriter, event: Event) -> None:
    """Sends an event."""
    await async_write_event(event, writer)
