"""The TCP server that hubs connect to. Whoever is let in may ask who we are; one of them sends `run-satellite`, and is the hub.

Nothing here waits for anything but a socket: a hub whose pings queue behind unread speech takes us for dead.
"""

import asyncio
import errno
import logging
import socket
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Protocol

from wyoming.event import Event

from satellite.core.admission import Blame
from satellite.peer.connection import Connection, ServerRule
from satellite.peer.door import Door

__all__ = ["HubServer", "Presence", "ServerRule", "SessionListener"]

_log = logging.getLogger(__name__)

# connections that the system holds ready for us; a hub's and a few askers
_BACKLOG = 16

# aborted sockets are gone with the next round of the loop
_ABORT_S = 1.0


@dataclass(frozen=True, slots=True)
class Presence:
    """Who is here, for people."""

    hub: str
    """Address and port; empty if there is none."""
    for_s: float
    refused: int
    """How often somebody was not let in, or sent away for what it wanted."""


class SessionListener(Protocol):
    """Is told what happens to the session and what the hub says. PeerError from `session_event` closes the connection."""

    def session_opened(self, peer: str) -> None: ...

    def session_closed(self, why: str) -> None: ...

    def session_event(self, event: Event) -> None: ...


class HubServer:
    """Any number of askers, one hub. Whoever stops the server is not told that the session is closed."""

    def __init__(
        self,
        info: Callable[[], Event],
        listener: SessionListener,
        rule: ServerRule | None = None,
        door: Door | None = None,
    ) -> None:
        self._info, self._listener, self.rule = info, listener, rule or ServerRule()
        self.door = door or Door()
        self._servers: list[asyncio.Server] = []
        # oldest first, until the system has closed them
        self._connections: list[Connection] = []
        self._session: Connection | None = None
        self._opened_at_s = 0.0
        self._blame = Blame()
        self._is_empty = asyncio.Event()

    async def start(self, host: str | None = None, port: int = 0, *, socks: Sequence[socket.socket] = ()) -> int:
        """Listens there, or on sockets that are bound already; the port. OSError if it is taken."""
        loop = asyncio.get_running_loop()
        if socks:
            listening = [loop.create_server(lambda: Connection(self), sock=sock, backlog=_BACKLOG) for sock in socks]
            self._servers = [await server for server in listening]
        else:
            self._servers = [await self._bind(host, port)]
        self.door.start()
        bound: int = self._servers[0].sockets[0].getsockname()[1]
        return bound

    @property
    def descriptors(self) -> list[int]:
        """Of the sockets that listen."""
        return [sock.fileno() for server in self._servers for sock in server.sockets]

    async def _bind(self, host: str | None, port: int) -> asyncio.Server:
        loop = asyncio.get_running_loop()
        if port == 0:
            # IPv4 and IPv6 would each get another one
            with socket.create_server((host or "", 0)) as free:
                port = free.getsockname()[1]
        try:
            return await loop.create_server(lambda: Connection(self), host, port, backlog=_BACKLOG)
        except OSError as error:
            if host or error.errno != errno.EADDRNOTAVAIL:
                raise
        # all addresses, and a kernel in which IPv6 was switched off
        return await loop.create_server(lambda: Connection(self), "0.0.0.0", port, backlog=_BACKLOG)

    async def stop(self) -> None:
        """Accepts no more, lets a hub notice that we go, and closes."""
        if not self._servers:
            return
        for server in self._servers:
            server.close()
        self._servers = []
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
        await self.door.stop()

    def send(self, event: Event) -> bool:
        """Writes to the hub without waiting; False if there is none, it muted us, or it does not read."""
        session = self._session
        return session is not None and not session.is_paused and session.write(event)

    @property
    def presence(self) -> Presence:
        """Who is the hub."""
        if self._session is None:
            return Presence("", 0.0, self.door.refused)
        return Presence(self._session.peer, asyncio.get_running_loop().time() - self._opened_at_s, self.door.refused)

    async def _emptied(self, most_s: float) -> None:
        if self._connections:
            self._is_empty.clear()
            with suppress(TimeoutError):
                async with asyncio.timeout(most_s):
                    await self._is_empty.wait()

    # ---- what connections tell

    def is_session(self, connection: Connection) -> bool:
        """Whether the hub is at its other end."""
        return connection is self._session

    def admits(self, connection: Connection) -> bool:
        """Somebody has connected; whether that is wanted."""
        if not self._servers:
            return False
        if (refusal := self.door.connects(connection.address)) is None:
            return True
        self._tell(connection, refusal.why, refusal.key)
        return False

    def connected(self, connection: Connection) -> None:
        """One who was let in is there."""
        self._connections.append(connection)
        others = [c for c in self._connections if not c.is_closing and c is not self._session]
        same = [c for c in others if c.address == connection.address]
        if len(same) > self.rule.connections_each:
            self.drop(same[0], f"more than {self.rule.connections_each} connections from its address")
        elif len(others) + (self._session is not None) > self.rule.connections:
            # of those who have most the oldest
            crowd = Counter(c.address for c in others)
            oldest = max(others, key=lambda c: crowd[c.address])
            self.drop(oldest, f"more than {self.rule.connections} connections")

    def disconnected(self, connection: Connection, why: str) -> None:
        """The system has closed it."""
        self._connections.remove(connection)
        if not self._connections:
            self._is_empty.set()
        self._lose(connection, why)

    def drop(self, connection: Connection, why: str, *, fault: str | None = None) -> None:
        """Closes a connection, and the session if it is that. `fault`: what the operator is told of it, once."""
        self._tell(connection, why, fault)
        connection.close()
        self._lose(connection, why)

    def _tell(self, connection: Connection, why: str, fault: str | None) -> None:
        at_s = asyncio.get_running_loop().time()
        is_news = fault is not None and self._blame.is_news(connection.address, fault, at_s)
        _log.log(logging.WARNING if is_news else logging.DEBUG, "closed the connection of %s: %s", connection.peer, why)

    def handle(self, connection: Connection, event: Event) -> None:
        """A peer says something."""
        if connection is not self._session and (refusal := self.door.asks(connection.address)) is not None:
            self.drop(connection, refusal.why, fault=refusal.key)
            return
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

    def _open_session(self, connection: Connection) -> None:
        if connection is self._session and not connection.is_paused:
            return
        present = None if self._session is None else self._session.address
        if (refusal := self.door.opens(connection.address, present)) is not None:
            self.drop(connection, refusal.why, fault=refusal.key)
            return
        if self._session is not None and self._session is not connection:
            self.drop(self._session, f"{connection.peer} has taken over")
        connection.is_paused = False
        connection.keep_alive()
        self._session, self._opened_at_s = connection, asyncio.get_running_loop().time()
        self.door.opened(connection.address)
        self._listener.session_opened(connection.peer)

    def _lose(self, connection: Connection, why: str) -> None:
        if self._session is connection:
            self._session = None
            self._listener.session_closed(why)
