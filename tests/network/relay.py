"""The network between a hub and a satellite, which a test may lose, as bad Wi-Fi is lost: nobody is told, nothing is reset.

What is sent meanwhile comes later, in order, the end of a connection too: that is what TCP makes of packets that got lost. Who
wants a new connection is told that there is no way: a hub in the same network learns that from its own system, after a moment.
"""

import asyncio
from collections import deque
from typing import TypeAlias, cast

_EOF = "has said all"
_RESET = "is gone"

_Piece: TypeAlias = bytes | str


class Relay:
    """Listens on loopback and connects to `port`. Used as `async with`."""

    def __init__(self, port: int) -> None:
        self._to = port
        self._server: asyncio.Server | None = None
        self.port = 0
        self.lines: list[Line] = []
        """The connections that there are, oldest first."""
        self.connections = 0
        """How many there ever were."""
        self.is_up = True
        self.piece_bytes, self.piece_s = 0, 0.0
        self.is_slow_to_hub = False

    async def __aenter__(self) -> "Relay":
        await self._listen()
        return self

    async def __aexit__(self, *exc: object) -> None:
        self.lose()
        for line in [*self.lines]:
            line.cut()

    async def _listen(self) -> None:
        self._server = await asyncio.get_running_loop().create_server(self._accept, "127.0.0.1", self.port)
        self.port = self._server.sockets[0].getsockname()[1]

    def lose(self) -> None:
        """Nothing comes through from now on, either way."""
        self.is_up = False
        if self._server is not None:
            self._server.close()

    async def restore(self) -> None:
        """What was lost has been sent again."""
        self.is_up = True
        for line in [*self.lines]:
            line.come_through()
        await self._listen()

    def forget(self) -> None:
        """The hub's machine has lost its power: its connections are never heard of again, and new ones work."""
        for line in self.lines:
            line.is_dead = True

    def trickle(self, piece_bytes: int, piece_s: float, *, to_hub: bool = False) -> None:
        """What one of them says, the satellite or else the hub, comes in pieces of so many bytes; all at once with 0."""
        self.piece_bytes, self.piece_s, self.is_slow_to_hub = piece_bytes, piece_s, to_hub

    def _accept(self) -> asyncio.Protocol:
        self.connections += 1
        line = Line(self)
        self.lines.append(line)
        return line.hub

    def connect(self, line: "Line") -> None:
        """To the satellite."""
        loop = asyncio.get_running_loop()
        line.connecting = loop.create_task(loop.create_connection(lambda: line.satellite, "127.0.0.1", self._to))  # type: ignore[arg-type]


class Line:
    """One connection through the relay."""

    def __init__(self, relay: Relay) -> None:
        self.relay, self.is_dead = relay, False
        self.hub, self.satellite = _End(self), _End(self, is_satellite=True)
        self.hub.other, self.satellite.other = self.satellite, self.hub
        self.connecting: asyncio.Task[object] | None = None

    @property
    def is_up(self) -> bool:
        """Whether anything comes through."""
        return self.relay.is_up and not self.is_dead

    def come_through(self) -> None:
        """What waits goes on."""
        if not self.is_up:
            return
        if self.connecting is None:
            self.relay.connect(self)
        self.hub.deliver()
        self.satellite.deliver()

    def end(self) -> None:
        """Nothing is left of it."""
        if self in self.relay.lines:
            self.relay.lines.remove(self)

    def cut(self) -> None:
        """Without a goodbye, for the end of a test."""
        if self.connecting is not None:
            self.connecting.cancel()
        for end in (self.hub, self.satellite):
            if end.transport is not None:
                end.transport.abort()
        self.end()


class _End(asyncio.Protocol):
    """One of a line's two ends; `waiting` is on its way to it."""

    other: "_End"

    def __init__(self, line: Line, is_satellite: bool = False) -> None:
        self._line, self._is_satellite = line, is_satellite
        self.waiting: deque[_Piece] = deque()
        self.transport: asyncio.Transport | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._has_said_all = self._is_told_all = self.is_gone = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)
        self._line.come_through()

    def data_received(self, data: bytes) -> None:
        self.other.take(data)

    def eof_received(self) -> bool:
        self._has_said_all = True
        self.other.take(_EOF)
        self._close_if_over()
        return True

    def connection_lost(self, exc: Exception | None) -> None:
        self.is_gone = True
        if exc is not None:
            self.other.take(_RESET)
        if self.other.is_gone or self.other.transport is None:
            self._line.end()

    def take(self, piece: _Piece) -> None:
        """Something is sent to it."""
        self.waiting.append(piece)
        self.deliver()

    def deliver(self) -> None:
        """All that may, goes through."""
        while self.waiting and self._line.is_up and self.transport is not None and self._timer is None:
            if self._line.relay.piece_bytes and self._is_satellite is not self._line.relay.is_slow_to_hub:
                self._deliver_a_piece()
            else:
                self._write(self.waiting.popleft())

    def _deliver_a_piece(self) -> None:
        first, size = self.waiting.popleft(), self._line.relay.piece_bytes
        if isinstance(first, bytes) and len(first) > size:
            self.waiting.appendleft(first[size:])
            first = first[:size]
        self._write(first)
        self._timer = asyncio.get_running_loop().call_later(self._line.relay.piece_s, self._go_on)

    def _go_on(self) -> None:
        self._timer = None
        self.deliver()

    def _write(self, piece: _Piece) -> None:
        assert self.transport is not None
        if self.transport.is_closing():
            return
        if piece == _RESET:
            self.transport.abort()
        elif piece == _EOF:
            self._is_told_all = True
            try:
                self.transport.write_eof()
            except OSError:
                # it is gone, and the loop has not looked yet
                self.transport.abort()
            self._close_if_over()
        elif isinstance(piece, bytes):
            self.transport.write(piece)

    def _close_if_over(self) -> None:
        if self._has_said_all and self._is_told_all and self.transport is not None:
            self.transport.close()
