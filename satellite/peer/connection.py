"""One connection of the server that hubs connect to: its bytes, its bounds, its silence. What its events mean others know."""

import asyncio
import logging
import reprlib
import socket
from dataclasses import dataclass
from typing import Protocol, cast

from wyoming.event import Event

from satellite.core.networks import address
from satellite.errors import PeerError
from satellite.peer.framing import Decoder, Limits, encode
from satellite.peer.sockets import notice_loss

_log = logging.getLogger("satellite.peer.server")

# what a peer sent, on one line and never long, however deep it nests
_BRIEF = reprlib.Repr()
_BRIEF.maxstring, _BRIEF.maxdict, _BRIEF.maxlevel = 200, 20, 3

# of a silent hub's system, whether it is still there
_ASK_S = 10.0


@dataclass(frozen=True, slots=True)
class ServerRule:
    """How long peers may be silent, and how much they may ask."""

    # from one event to the end of the next. Home Assistant opens a second connection every 30 s, asks who we are, and closes it
    idle_s: float = 30.0
    # it pings every 2 s and itself gives up after 5
    dead_s: float = 10.0
    # one that muted us says nothing, and neither does a machine that was switched off; bad Wi-Fi is back after half a minute
    lost_s: float = 50.0
    connections: int = 8
    # beside the hub's; Home Assistant has one, for a moment
    connections_each: int = 4
    # two minutes of microphone: a hub that has not read that is not listening
    unread_bytes: int = 4 * 1024 * 1024
    # one ping of Home Assistant's: it is back in 3 s instead of 13 if it finds us still reading
    goodbye_s: float = 2.2
    limits: Limits = Limits()


class Owner(Protocol):
    """Whom a connection tells, and asks."""

    rule: ServerRule

    def admits(self, connection: "Connection") -> bool: ...

    def is_session(self, connection: "Connection") -> bool: ...

    def connected(self, connection: "Connection") -> None: ...

    def disconnected(self, connection: "Connection", why: str) -> None: ...

    def drop(self, connection: "Connection", why: str, *, fault: str | None = None) -> None: ...

    def handle(self, connection: "Connection", event: Event) -> None: ...


class Connection(asyncio.Protocol):
    """One peer."""

    def __init__(self, server: Owner) -> None:
        self._server, self._rule = server, server.rule
        self._decoder = Decoder(self._rule.limits)
        self._loop = asyncio.get_running_loop()
        self._watch: asyncio.TimerHandle | None = None
        self._transport: asyncio.Transport
        self._is_admitted = False
        self.is_paused = False
        self.is_closing = False
        self.address = address("")
        self.peer = "?"

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        host, port = (transport.get_extra_info("peername") or ("?", 0))[:2]
        self.address = address(host)
        host = str(self.address or host)
        self.peer = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
        self._is_admitted = self._server.admits(self)
        if not self._is_admitted:
            self.abort()
            return
        # an interrupt is a small packet that must not wait for another
        transport.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._watch_silence()
        self._server.connected(self)

    def data_received(self, data: bytes) -> None:
        if self.is_closing:
            return
        has_spoken = False
        try:
            for event in self._decoder.feed(data):
                has_spoken = True
                self._trace("<", event)
                self._server.handle(self, event)
                if self.is_closing:
                    return
            is_hub = self._server.is_session(self)
            # strangers have nothing to say that is as long as speech
            if self._decoder.held_bytes > self._rule.limits.header and not is_hub:
                raise PeerError(f"more than {self._rule.limits.header} bytes of one event, and no `run-satellite` before it")
        except PeerError as error:
            self._server.drop(self, f"it sent {error}", fault="sent")
        else:
            # a stranger who sends a byte now and then has said nothing
            if has_spoken or is_hub:
                self._watch_silence()

    def connection_lost(self, exc: Exception | None) -> None:
        self.is_closing = True
        self._stop_watching()
        if self._is_admitted:
            where = "" if self._decoder.is_between_events else " in the middle of an event"
            self._server.disconnected(self, f"it closed the connection{where}" if exc is None else str(exc))

    def keep_alive(self) -> None:
        """Has the system find out whether its machine is there, also while it has nothing to say."""
        notice_loss(self._transport.get_extra_info("socket"), self._rule.lost_s, _ASK_S)

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
        self._loop.call_soon(lambda: self._server.drop(self, why, fault="unread"))
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
        what = "nothing" if self._server.is_session(self) else "no whole event"
        self._server.drop(self, f"{what} came from it for {patience_s:g} s")

    def _trace(self, way: str, event: Event) -> None:
        # speech would drown everything else
        if event.type != "audio-chunk" and _log.isEnabledFor(logging.DEBUG):
            _log.debug("%s %s %s %s", self.peer, way, _BRIEF.repr(event.type), _BRIEF.repr(event.data))
