"""One request to a Wyoming server, on a connection of its own: to abandon it is to close that.

Servers of today read nothing while they work, so a word on the connection would reach them when it is too late. What the system
has not sent of such a word when it is time to close is thrown away.
"""

import asyncio
import socket
from dataclasses import dataclass
from typing import Self

from wyoming.event import Event as WireEvent

from satellite.errors import PeerError
from satellite.peer.framing import Decoder, Limits, encode
from satellite.peer.outgoing import connect
from satellite.peer.reach import reason
from satellite.trust import Trust

_READ_BYTES = 64 * 1024


@dataclass(frozen=True, slots=True)
class RequestRule:
    """How long a server may take, and how much it may send at once."""

    # it is in the house; one that is further away is still there in a tenth of that
    connect_s: float = 2.0
    # of what it has not read: two minutes of microphone
    unread_bytes: int = 4 * 1024 * 1024
    limits: Limits = Limits()


class Request:
    """Used from one event loop; whoever opened it abandons it."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, rule: RequestRule) -> None:
        self._reader, self._writer, self._rule = reader, writer, rule
        self._decoder = Decoder(rule.limits)
        self._events: list[WireEvent] = []
        self.is_open = True

    @classmethod
    async def open(cls, host: str, port: int, rule: RequestRule, trust: Trust | None = None) -> Self:
        """Connects, over TLS with `trust`; the host's name is looked up each time. PeerError says why not."""
        reader, writer = await connect(host, port, rule.connect_s, trust)
        writer.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return cls(reader, writer, rule)

    @property
    def is_heard(self) -> bool:
        """Whether there is still somebody at the other end."""
        return self.is_open and not self._reader.at_eof() and not self._writer.transport.is_closing()

    def send(self, *events: WireEvent) -> None:
        """Writes without waiting. PeerError if the server does not read."""
        if not self.is_open:
            return
        self._writer.write(b"".join(map(encode, events)))
        unread = self._writer.transport.get_write_buffer_size()
        if unread > self._rule.unread_bytes:
            raise PeerError(f"it has left {unread} bytes unread")

    async def next(self, patience_s: float) -> WireEvent:
        """The next event. PeerError if none comes in time, if it makes no sense, or if the server has closed the connection."""
        try:
            async with asyncio.timeout(patience_s):
                while not self._events:
                    received = await self._reader.read(_READ_BYTES)
                    if not received:
                        raise PeerError("it closed the connection")
                    self._events += self._decoder.feed(received)
        except TimeoutError:
            raise PeerError(f"it has said nothing for {patience_s:g} s") from None
        except OSError as error:
            raise PeerError(f"the connection broke: {reason(error)}") from None
        return self._events.pop(0)

    def abandon(self, *farewell: WireEvent) -> None:
        """Closes it now, after a last word if there is room for that; may be called twice."""
        if not self.is_open:
            return
        self.is_open = False
        if farewell and not self._writer.transport.is_closing():
            self._writer.write(b"".join(map(encode, farewell)))
        if self._writer.transport.get_write_buffer_size():
            self._writer.transport.abort()
        else:
            self._writer.close()
