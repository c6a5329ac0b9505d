"""A Wyoming event service: wyoming-satellite's LED examples, and what was written like them. It is told all that happens.

It need not say anything. Whoever tells it something never waits: what it does not read is not kept for long.
"""

import asyncio
import logging
import time
from collections import deque
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from wyoming.audio import AudioStart
from wyoming.event import Event as WireEvent
from wyoming.ping import Ping, Pong

from satellite.core.units import RATE_HZ
from satellite.errors import ConfigError, PeerError
from satellite.peer.codec import text_of
from satellite.peer.framing import Decoder, Limits, encode
from satellite.peer.outgoing import Place, connect, place_of
from satellite.peer.reconnect import Reconnecting
from satellite.peer.sockets import never_wait_long
from satellite.trust import Trust

_log = logging.getLogger(__name__)

# at once from a socket; it has next to nothing to say
_READ_BYTES = 16 * 1024

# of events that the system may hold, beside those that we do
_SEND_BUFFER_BYTES = 64 * 1024


@dataclass(frozen=True, slots=True)
class EventServiceRule:
    """How long it may take, and what is kept for it."""

    # it is on this machine, or in the house
    connect_s: float = 2.0
    # a service that is restarted is back at once; lights that are dark for ten seconds more bother nobody
    first_retry_s: float = 0.5
    most_retry_s: float = 10.0
    # a connection that held so long was good; one that breaks sooner is tried as if there had been none
    steady_s: float = 10.0
    # nothing that is on the network leaves an event unacknowledged for so long
    stuck_s: float = 10.0
    # what is kept while it is away, and how old it may be when it is back: a light for what is long over helps nobody
    queue: int = 100
    stale_s: float = 5.0
    # what may wait for a service that does not read: some hundreds of events
    unread_bytes: int = 256 * 1024
    # at the end of the service: for the last of it to leave
    goodbye_s: float = 0.5
    limits: Limits = Limits(header=64 * 1024, data=64 * 1024, payload=64 * 1024)


class EventService:
    """Connects to `uri`, tcp or tls://HOST:PORT or unix:///PATH, again and again until stopped. ConfigError if it is neither."""

    def __init__(
        self,
        uri: str,
        rule: EventServiceRule | None = None,
        *,
        clock_s: Callable[[], float] = time.monotonic,
        trust: Trust | None = None,
    ) -> None:
        self._uri, self._rule, self._clock_s = uri, rule or EventServiceRule(), clock_s
        self._path, self._place = _parsed(uri)
        self._trust = trust
        self._task: asyncio.Task[None] | None = None
        # only while connected
        self._writer: asyncio.StreamWriter | None = None
        # only while not
        self._last, self._is_stopped = "", False
        self._waiting: deque[tuple[float, bytes]] = deque(maxlen=self._rule.queue)
        self._is_stuck = self._is_stopping = False
        retry = self._rule.first_retry_s, self._rule.most_retry_s, self._rule.steady_s
        lack, who = "hooks.event_uri: nobody is told what happens", f"the event service {uri}"
        self._service = Reconnecting(_log, lack, who, *retry, clock_s)

    async def start(self) -> None:
        """Begins to connect."""
        self._task = asyncio.create_task(self._service.keep(self._talk))

    async def stop(self) -> None:
        """Closes the connection; what has been told to it is sent first, if it reads."""
        if self._task is None:
            return
        self._is_stopping, writer = True, self._writer
        self._task.cancel()
        with suppress(asyncio.CancelledError):
            await self._task
        if writer is not None:
            writer.close()
            with suppress(TimeoutError, OSError):
                async with asyncio.timeout(self._rule.goodbye_s):
                    await writer.wait_closed()
            writer.transport.abort()

    def tell(self, kind: str, data: Mapping[str, Any]) -> None:
        """Sends this event, at once or when the service is there. For the event loop."""
        if kind == "played" and self._is_stopped and self._last != "audio-stop":
            # wyoming-satellite's examples switch their light off at one that comes right behind the other, as it always did there
            self.tell("audio-stop", {})
        self._is_stopped = kind == "audio-stop" or (self._is_stopped and kind != "played")
        self._last = kind
        event = encode(_wire(kind, data))
        if self._writer is None:
            self._waiting.append((self._clock_s(), event))
        else:
            self._write(self._writer, event)

    def _write(self, writer: asyncio.StreamWriter, event: bytes) -> None:
        writer.write(event)
        if writer.transport.get_write_buffer_size() > self._rule.unread_bytes:
            self._is_stuck, self._writer = True, None
            writer.transport.abort()

    # ---- the connection

    async def _talk(self) -> None:
        """One connection; it only ends by an error."""
        reader, writer = await self._connect()
        try:
            self._service.found()
            self._writer, self._is_stuck = writer, False
            self._send_waiting(writer)
            await self._receive(reader, writer)
        finally:
            self._writer = None
            if not self._is_stopping:
                writer.transport.abort()

    async def _connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        if self._place is None:
            async with asyncio.timeout(self._rule.connect_s):
                return await asyncio.open_unix_connection(self._path)
        reader, writer = await connect(self._place.host, self._place.port, self._rule.connect_s, self._trust)
        never_wait_long(writer.get_extra_info("socket"), self._rule.stuck_s, _SEND_BUFFER_BYTES)
        return reader, writer

    def _send_waiting(self, writer: asyncio.StreamWriter) -> None:
        waiting, self._waiting = self._waiting, deque(maxlen=self._rule.queue)
        for told_at_s, event in waiting:
            if self._clock_s() - told_at_s <= self._rule.stale_s and not self._is_stuck:
                self._write(writer, event)

    async def _receive(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        decoder = Decoder(self._rule.limits)
        while received := await reader.read(_READ_BYTES):
            for event in decoder.feed(received):
                if Ping.is_type(event.type) and self._writer is not None:
                    self._write(writer, encode(Pong(text_of(event.data, "text") or None).event()))
        raise PeerError("it does not read what it is told" if self._is_stuck else "it closed the connection")


def _parsed(uri: str) -> tuple[str, Place | None]:
    """A path, or a host and a port."""
    scheme, _, rest = uri.partition("://")
    host, _, port = rest.rpartition(":")
    if scheme == "unix" and rest.startswith("/"):
        return rest, None
    if scheme in ("tcp", "tls") and host and port.isdecimal() and 0 < int(port) < 65536:
        return "", place_of(uri)
    raise ConfigError(f"hooks.event_uri: it is {uri!r}; it has to be tcp://HOST:PORT, tls://HOST:PORT or unix:///PATH")


def _wire(kind: str, data: Mapping[str, Any]) -> WireEvent:
    if AudioStart.is_type(kind) and "rate" not in data:
        # it must name a format, or the library cannot read it; no audio follows, so it is the one that our `info` names
        return AudioStart(rate=RATE_HZ, width=2, channels=1).event()
    return WireEvent(kind, dict(data))
