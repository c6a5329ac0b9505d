"""The TCP server that hubs connect to. Anybody may ask who we are; whoever sends `run-satellite` last is the hub.

Nothing here waits for anything but a socket: a hub whose pings queue behind unread speech takes us for dead.
"""

import asyncio
import errno
import logging
import reprlib
import socket
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Protocol, cast

from wyoming.event import Event

from satellite.errors import PeerError
from satellite.peer.framing import Decoder, Limits, encode
from satellite.peer.sockets import notice_loss

_log = logging.getLogger(__name__)

# connections that the system holds ready for us; a hub's and a few askers
_BACKLOG = 16

# addresses whose misbehaviour has been told; one house has fewer, and a liar's must not fill the memory
_MOST_BLAMED = 64

# of a silent peer's system, whether it is still there
_ASK_S = 10.0

# aborted sockets are gone with the next round of the loop
_ABORT_S = 1.0

# what a peer sent, on one line and never long, however deep it nests
_BRIEF = reprlib.Repr()
_BRIEF.maxstring, _BRIEF.maxdict, _BRIEF.maxlevel = 200, 20, 3


@dataclass(frozen=True, slots=True)
class ServerRule:
    """How long peers may be silent, and how much they may ask."""

    # Home Assistant opens a second connection every 30 s only to ask who we are
    idle_s: float = 30.0
    # it pings every 2 s and itself gives up after 5
    dead_s: float = 10.0
    # one that muted us says nothing, and neither does a machine that was switched off; bad Wi-Fi is back after half a minute
    lost_s: float = 50.0
    connections: int = 8
    # two minutes of microphone: a hub that has not read that is not listening
    unread_bytes: int = 4 * 1024 * 1024
    # one ping of Home Assistant's: it is back in 3 s instead of 13 if it finds us still reading
    goodbye_s: float = 2.2
    limits: Limits = Limits()


class SessionListener(Protocol):
    """Is told what happens to the session and what the hub says. PeerError from `session_event` closes the connection."""

    def session_opened(self, peer: str) -> None: ...

    def session_closed(self, why: str) -> None: ...

    def session_event(self, event: Event) -> None: ...


class HubServer:
    """Any number of askers, one hub. Whoever stops the server is not told that the session is closed."""

    def __init__(self, info: Callable[[], Event], listener: SessionListener, rule: ServerRule | None = None) -> None:
        self._info, self._listener, self.rule = info, listener, rule or ServerRule()
        self._server: asyncio.Server | None = None
        # oldest first, until the system has closed them
        self._connections: list[_Connection] = []
        self._session: _Connection | None = None
        self._blamed: dict[str, None] = {}
        self._is_empty = asyncio.Event()

    async def start(self, host: str | None = None, port: int = 0, *, sock: socket.socket | None = None) -> int:
        """Listens there, or on a socket that is bound already; the port. OSError if it is taken."""
        loop = asyncio.get_running_loop()
        if sock is not None:
            self._server = await loop.create_server(lambda: _Connection(self), sock=sock, backlog=_BACKLOG)
        else:
            self._server = await self._bind(host, port)
        bound: int = self._server.sockets[0].getsockname()[1]
        return bound

    async def _bind(self, host: str | None, port: int) -> asyncio.Server:
        loop = asyncio.get_running_loop()
        if port == 0:
            # IPv4 and IPv6 would each get another one
            with socket.create_server((host or "", 0)) as free:
                port = free.getsockname()[1]
        try:
            return await loop.create_server(lambda: _Connection(self), host, port, backlog=_BACKLOG)
        except OSError as error:
            if host or error.errno != errno.EADDRNOTAVAIL:
                raise
        # all addresses, and a kernel in which IPv6 was switched off
        return await loop.create_server(lambda: _Connection(self), "0.0.0.0", port, backlog=_BACKLOG)

    async def stop(self) -> None:
        """Accepts no more, lets a hub notice that we go, and closes."""
        if self._server is None:
            return
        self._server.close()
        self._server = None
        session, self._session = self._session, None
        for connection in self._connections:
            if connection is session and not session.is_paused:
                connection.say_goodbye()
            else:
                connection.close()
        await self._emptied(self.rule.goodbye_s)
        for connection in self._connections:
            connection.abort()
        await self._emptied(_ABORT_S)

    def send(self, event: Event) -> bool:
        """Writes to the hub without waiting; False if there is none, it muted us, or it does not read."""
        session = self._session
        return session is not None and not session.is_paused and session.write(event)

    async def _emptied(self, most_s: float) -> None:
        if self._connections:
            self._is_empty.clear()
            with suppress(TimeoutError):
                async with asyncio.timeout(most_s):
                    await self._is_empty.wait()

    # ---- what connections tell

    def is_session(self, connection: "_Connection") -> bool:
        """Whether the hub is at its other end."""
        return connection is self._session

    def connected(self, connection: "_Connection") -> None:
        """A peer is there."""
        self._connections.append(connection)
        if self._server is None:
            connection.abort()
            return
        alive = [c for c in self._connections if not c.is_closing]
        if len(alive) > self.rule.connections:
            oldest = next(c for c in alive if c is not self._session)
            self.drop(oldest, f"more than {self.rule.connections} connections")

    def disconnected(self, connection: "_Connection", why: str) -> None:
        """The system has closed it."""
        self._connections.remove(connection)
        if not self._connections:
            self._is_empty.set()
        self._lose(connection, why)

    def drop(self, connection: "_Connection", why: str, *, is_at_fault: bool = False) -> None:
        """Closes a connection, and the session if it is that."""
        level = logging.DEBUG
        if is_at_fault and connection.host not in self._blamed:
            level = logging.WARNING
            self._blamed[connection.host] = None
            if len(self._blamed) > _MOST_BLAMED:
                del self._blamed[next(iter(self._blamed))]
        _log.log(level, "closed the connection of %s: %s", connection.peer, why)
        connection.close()
        self._lose(connection, why)

    def handle(self, connection: "_Connection", event: Event) -> None:
        """A peer says something."""
        match event.type:
            case "describe":
                connection.write(self._info())
            case "ping":
                text = event.data.get("text")
                connection.write(Event("pong", {"text": text} if isinstance(text, str) else {}))
            case "run-satellite":
                self._open_session(connection)
            case _ if connection is self._session:
                # until it connects anew a hub that muted us does not read, whatever it still tells us of timers
                connection.is_paused = connection.is_paused or event.type == "pause-satellite"
                self._listener.session_event(event)

    def _open_session(self, connection: "_Connection") -> None:
        if connection is self._session and not connection.is_paused:
            return
        if self._session is not None and self._session is not connection:
            self.drop(self._session, f"{connection.peer} has taken over")
        connection.is_paused = False
        self._session = connection
        self._listener.session_opened(connection.peer)

    def _lose(self, connection: "_Connection", why: str) -> None:
        if self._session is connection:
            self._session = None
            self._listener.session_closed(why)


class _Connection(asyncio.Protocol):
    """One peer: its bytes, its bounds, its silence. What its events mean is the server's business."""

    def __init__(self, server: HubServer) -> None:
        self._server, self._rule = server, server.rule
        self._decoder = Decoder(self._rule.limits)
        self._loop = asyncio.get_running_loop()
        self._watch: asyncio.TimerHandle | None = None
        self._transport: asyncio.Transport
        self.is_paused = False
        self.is_closing = False
        self.host = self.peer = "?"

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        self.host, port = (transport.get_extra_info("peername") or ("?", 0))[:2]
        self.peer = f"[{self.host}]:{port}" if ":" in self.host else f"{self.host}:{port}"
        # an interrupt is a small packet that must not wait for another
        transport.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        notice_loss(transport.get_extra_info("socket"), self._rule.lost_s, _ASK_S)
        self._watch_silence()
        self._server.connected(self)

    def data_received(self, data: bytes) -> None:
        if self.is_closing:
            return
        try:
            for event in self._decoder.feed(data):
                self._trace("<", event)
                self._server.handle(self, event)
                if self.is_closing:
                    return
            # strangers have nothing to say that is as long as speech
            if self._decoder.held_bytes > self._rule.limits.header and not self._server.is_session(self):
                raise PeerError(f"more than {self._rule.limits.header} bytes of one event, and no `run-satellite` before it")
        except PeerError as error:
            self._server.drop(self, f"it sent {error}", is_at_fault=True)
        else:
            self._watch_silence()

    def connection_lost(self, exc: Exception | None) -> None:
        self.is_closing = True
        self._stop_watching()
        where = "" if self._decoder.is_between_events else " in the middle of an event"
        self._server.disconnected(self, f"it closed the connection{where}" if exc is None else str(exc))

    def write(self, event: Event) -> bool:
        """Without waiting; False if the connection is closing, or has just been closed for not reading."""
        if self.is_closing:
            return False
        self._trace(">", event)
        self._transport.write(encode(event))
        unread = self._transport.get_write_buffer_size()
        if unread <= self._rule.unread_bytes:
            return True
        # whoever writes is in the middle of something, which the end of the session must not overtake
        self.is_closing = True
        why = f"it has left {unread} bytes unread"
        self._loop.call_soon(lambda: self._server.drop(self, why, is_at_fault=True))
        return False

    def say_goodbye(self) -> None:
        """Ends our half, and reads on, so that the peer does not run into a closed door."""
        self.is_closing = True
        self._stop_watching()
        try:
            self._transport.write_eof()
        except OSError:
            # it was faster, and the loop has not looked yet
            self._transport.abort()

    def close(self) -> None:
        """Now, if the peer has taken all that was written; what it has not taken it will not get."""
        self.is_closing = True
        self._stop_watching()
        if self._transport.get_write_buffer_size():
            self._transport.abort()
        else:
            self._transport.close()

    def abort(self) -> None:
        """Now."""
        self.is_closing = True
        self._stop_watching()
        self._transport.abort()

    # ---- silence

    def _patience_s(self) -> float | None:
        if self.is_paused:
            return None
        return self._rule.dead_s if self._server.is_session(self) else self._rule.idle_s

    def _watch_silence(self) -> None:
        self._stop_watching()
        if (patience_s := self._patience_s()) is not None:
            self._watch = self._loop.call_later(patience_s, self._on_silence, patience_s)

    def _stop_watching(self) -> None:
        if self._watch is not None:
            self._watch.cancel()
            self._watch = None

    def _on_silence(self, patience_s: float) -> None:
        self._server.drop(self, f"nothing came from it for {patience_s:g} s")

    def _trace(self, way: str, event: Event) -> None:
        # speech would drown everything else
        if event.type != "audio-chunk" and _log.isEnabledFor(logging.DEBUG):
            _log.debug("%s %s %s %s", self.peer, way, _BRIEF.repr(event.type), _BRIEF.repr(event.data))
