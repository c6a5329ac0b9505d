"""The TCP server that hubs connect to. Anybody may ask who we are; whoever sends `run-satellite` last is the hub.

The reader waits for nothing but its socket: a hub whose pings queue behind unread speech takes us for dead.
"""

import asyncio
import logging
import socket
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from wyoming.event import Event

from satellite.errors import PeerError
from satellite.peer.framing import Decoder, Limits, encode

_log = logging.getLogger(__name__)

_READ_BYTES = 64 * 1024


@dataclass(frozen=True, slots=True)
class ServerRule:
    """How long peers may be silent, and how much they may ask."""

    # Home Assistant opens a second connection every 30 s only to ask who we are
    idle_s: float = 30.0
    # it pings every 2 s and itself gives up after 5
    dead_s: float = 10.0
    connections: int = 8
    # a minute of microphone: a hub that has not read that is not listening
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
    """Any number of askers, one hub."""

    def __init__(self, info: Callable[[], Event], listener: SessionListener, rule: ServerRule | None = None) -> None:
        self._info, self._listener, self._rule = info, listener, rule or ServerRule()
        self._server: asyncio.Server | None = None
        self._connections: list[_Connection] = []
        self._session: _Connection | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._blamed: set[str] = set()

    async def start(self, host: str, port: int) -> int:
        """Listens; the port, which the system chooses if 0 is asked. OSError if it is taken."""
        self._server = await asyncio.start_server(self._accept, host, port, limit=_READ_BYTES)
        bound: int = self._server.sockets[0].getsockname()[1]
        return bound

    async def stop(self) -> None:
        """Accepts no more, lets a hub notice that we go, and closes."""
        if self._server is not None:
            self._server.close()
        session = self._session
        self._session = None
        if session is not None and not session.is_paused:
            session.say_goodbye()
            if session.task is not None:
                await asyncio.wait([session.task], timeout=self._rule.goodbye_s)
        for connection in list(self._connections):
            connection.close()
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=1.0)

    def send(self, event: Event) -> bool:
        """Writes to the hub without waiting; False if there is none or it does not read."""
        session = self._session
        if session is None or session.is_paused:
            return False
        session.write(event)
        if session.unread_bytes > self._rule.unread_bytes:
            self._close_session(f"it has left {session.unread_bytes} bytes unread")
            return False
        return True

    # ---- connections

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connection = _Connection(reader, writer)
        connection.task = asyncio.current_task()
        if connection.task is not None:
            self._tasks.add(connection.task)
            connection.task.add_done_callback(self._tasks.discard)
        self._make_room()
        self._connections.append(connection)
        why = "it closed the connection"
        try:
            await self._serve(connection)
        except PeerError as error:
            why = f"it sent {error}"
            self._blame(connection.peer, why)
        except TimeoutError:
            why = "nothing came from it for too long"
        except OSError as error:
            why = str(error)
        finally:
            self._connections.remove(connection)
            connection.close()
            if self._session is connection:
                self._session = None
                self._listener.session_closed(why)

    async def _serve(self, connection: "_Connection") -> None:
        decoder = Decoder(self._rule.limits)
        while True:
            async with asyncio.timeout(self._patience_s(connection)):
                received = await connection.reader.read(_READ_BYTES)
            if not received:
                return
            for event in decoder.feed(received):
                self._handle(connection, event)

    def _patience_s(self, connection: "_Connection") -> float | None:
        if connection.is_paused:
            return None
        return self._rule.dead_s if connection is self._session else self._rule.idle_s

    def _make_room(self) -> None:
        if len(self._connections) < self._rule.connections:
            return
        oldest = next((c for c in self._connections if c is not self._session), None)
        if oldest is not None:
            _log.debug("x %s: too many connections", oldest.peer)
            oldest.close()

    def _blame(self, peer: str, why: str) -> None:
        address = peer.rpartition(":")[0]
        _log.log(logging.DEBUG if address in self._blamed else logging.WARNING, "closed the connection of %s: %s", peer, why)
        if len(self._blamed) < 64:
            self._blamed.add(address)

    # ---- events

    def _handle(self, connection: "_Connection", event: Event) -> None:
        if event.type != "audio-chunk":
            _log.debug("< %s", event.type)
        match event.type:
            case "describe":
                connection.write(self._info())
            case "ping":
                text = event.data.get("text")
                connection.write(Event("pong", {"text": text} if isinstance(text, str) else {}))
            case "run-satellite":
                self._open_session(connection)
            case _ if connection is self._session:
                # until it connects anew a hub that muted us neither reads nor writes
                connection.is_paused = event.type == "pause-satellite"
                self._listener.session_event(event)
            case _:
                _log.debug("< %s from %s, which is not the hub", event.type, connection.peer)

    def _open_session(self, connection: "_Connection") -> None:
        if connection is self._session and not connection.is_paused:
            return
        if self._session is not None and self._session is not connection:
            self._close_session(f"{connection.peer} has taken over")
        connection.is_paused = False
        self._session = connection
        self._listener.session_opened(connection.peer)

    def _close_session(self, why: str) -> None:
        session = self._session
        if session is not None:
            self._session = None
            session.close()
            self._listener.session_closed(why)


class _Connection:
    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self._writer = writer
        self.task: asyncio.Task[None] | None = None
        self.is_paused = False
        address = writer.get_extra_info("peername") or ("?", 0)
        self.peer = f"{address[0]}:{address[1]}"
        sock = writer.get_extra_info("socket")
        if sock is not None:
            # an interrupt is a small packet that must not wait for another
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    @property
    def unread_bytes(self) -> int:
        return self._writer.transport.get_write_buffer_size()

    def write(self, event: Event) -> None:
        if event.type != "audio-chunk":
            _log.debug("> %s", event.type)
        if not self._writer.is_closing():
            self._writer.write(encode(event))

    def say_goodbye(self) -> None:
        if not self._writer.is_closing() and self._writer.can_write_eof():
            self._writer.write_eof()

    def close(self) -> None:
        self._writer.close()
