"""Every way out of the machine, and what goes out there: connections through recorders, and no door but those."""

import asyncio
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

from wyoming.event import Event

from satellite.mqtt.messages import Told
from satellite.peer.framing import Decoder

_READ_BYTES = 64 * 1024

Heard = Callable[[str, Event, bytes], None]
"""Gets the recorder's name, what was said, and the bytes of the connection that it was read from, as they came."""


class Recorder:
    """Stands between the satellite and a peer, passes everything on, and reads all that the satellite says.

    What is behind it is a server at `port`: the peer's, or, with `is_hub`, the satellite's own, which then speaks the other way.
    """

    def __init__(self, name: str, heard: Heard, is_hub: bool = False) -> None:
        self.name, self._heard, self._is_hub = name, heard, is_hub
        self._server: asyncio.Server | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self.bytes = 0

    async def start(self, port: int) -> int:
        """In front of that port; its own."""
        self._behind = port
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", 0)
        own: int = self._server.sockets[0].getsockname()[1]
        return own

    async def stop(self) -> None:
        """Closes all connections."""
        assert self._server is not None
        self._server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        writers = [writer]
        try:
            inner_reader, inner_writer = await asyncio.open_connection("127.0.0.1", self._behind)
            writers.append(inner_writer)
            outward = (inner_reader, writer) if self._is_hub else (reader, inner_writer)
            inward = (reader, inner_writer) if self._is_hub else (inner_reader, writer)
            await asyncio.gather(self._pump(*outward, Decoder()), self._pump(*inward, None))
        except asyncio.CancelledError:
            # the recorder stops: this is the end of the task, and nobody is left to be told
            pass
        finally:
            for each in writers:
                each.close()
            self._tasks.discard(task)

    async def _pump(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, decoder: Decoder | None) -> None:
        with suppress(OSError):
            while data := await reader.read(_READ_BYTES):
                if decoder is not None:
                    self.bytes += len(data)
                    for event in decoder.feed(data):
                        self._heard(self.name, event, data)
                writer.write(data)
                await writer.drain()
        writer.close()


class Broker:
    """In place of the connection to an MQTT broker: all that is to be published."""

    def __init__(self, told: Callable[[Told], None]) -> None:
        self._told, self._is_open = told, False

    def make(self, access: object, *, on_connected: Callable[[], None], **_: Any) -> "Broker":
        """As the bridge makes its connection."""
        self._on_connected = on_connected
        return self

    def start(self) -> None:
        """The broker is there at once."""
        self._is_open = True
        self._on_connected()

    async def stop(self) -> None:
        """Closes."""
        self._is_open = False

    def tell(self, told: Told) -> None:
        """Publishes."""
        if self._is_open:
            self._told(told)


class Doors:
    """What this process asks the system for that leads out, whoever of it asks."""

    def __init__(self) -> None:
        self.opened: list[str] = []
        self.known: set[int] = set()
        """Ports on loopback at which somebody of the house is."""

    def look(self, event: str, arguments: tuple[Any, ...]) -> None:
        """The interpreter tells of all of it."""
        match event, arguments:
            case "socket.connect", (_, (str(host), int(port), *_)) if host == "127.0.0.1" and port in self.known:
                pass
            case "socket.connect", (_, address) if not isinstance(address, str):
                self.opened.append(f"a connection to {address}")
            case "socket.sendto" | "socket.sendmsg", (_, address):
                self.opened.append(f"a datagram to {address}")
            case "socket.getaddrinfo", (host, *_) if host not in ("127.0.0.1", None):
                self.opened.append(f"a look for {host}")
            case "subprocess.Popen", (program, *_):
                self.opened.append(f"a program {program}")


_doors: list[Doors] = []


def _look(event: str, arguments: tuple[Any, ...]) -> None:
    for doors in _doors:
        doors.look(event, arguments)


@contextmanager
def watched() -> Iterator[Doors]:
    """All doors, for a while."""
    if not _is_hooked:
        # it stays for as long as the process does, and looks at nothing outside of this
        sys.addaudithook(_look)
        _is_hooked.append(True)
    doors = Doors()
    _doors.append(doors)
    try:
        yield doors
    finally:
        _doors.remove(doors)


_is_hooked: list[bool] = []
