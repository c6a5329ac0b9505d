"""A small Wyoming server for the mocks, and a client call; both on the wyoming library's own reader and writer."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from typing import Self

from wyoming.event import Event, async_read_event, async_write_event
from wyoming.info import Attribution

ATTRIBUTION = Attribution(name="satellite's mock servers", url="")

# nothing in a mock takes longer
CONNECT_TIMEOUT_S = 5.0

Talk = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


class MockServer:
    """Listens on loopback and hands every connection to `_talk`. Used as `async with`."""

    def __init__(self, host: str = "127.0.0.1", port: int = 0) -> None:
        self._host, self._port = host, port
        self._server: asyncio.Server | None = None
        self._tasks: set[asyncio.Task[None]] = set()

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
