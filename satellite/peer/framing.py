"""Wyoming's framing, with bounds: a JSON header line, a block of JSON data, a binary payload.

The wyoming library's reader takes whatever length a peer announces, so that anybody on the network could fill the memory of
a Pi; and it takes garbage for the end of the stream. This one refuses both, by name. Lengths: header 64 KiB, as the library's
own; data 1 MiB; payload 16 MiB, because some versions of Home Assistant send a whole answer as one chunk.
"""

import json
import reprlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from wyoming.event import Event
from wyoming.version import __version__ as _WYOMING_VERSION

from satellite.errors import PeerError


@dataclass(frozen=True, slots=True)
class Limits:
    """The most that is taken, in bytes."""

    header: int = 64 * 1024
    data: int = 1024 * 1024
    payload: int = 16 * 1024 * 1024


@dataclass(slots=True)
class _Header:
    type: str
    data: dict[str, Any]
    data_length: int
    payload_length: int


class Decoder:
    """Bytes in, events out; knows no socket. After a PeerError it must not be fed again."""

    def __init__(self, limits: Limits | None = None) -> None:
        self._limits = limits or Limits()
        self._buffer = bytearray()
        self._scanned = 0
        self._header: _Header | None = None

    @property
    def held_bytes(self) -> int:
        """Received of an event that is not complete yet."""
        return len(self._buffer)

    @property
    def is_between_events(self) -> bool:
        """Whether the stream may end here."""
        return self._header is None and not self._buffer

    def feed(self, received: bytes) -> Iterator[Event]:
        """The events that are complete with these bytes; then PeerError if what follows them is not allowed by the protocol."""
        self._buffer += received
        return self._complete()

    def _complete(self) -> Iterator[Event]:
        at = 0
        try:
            while (end := self._end_of_next(at)) is not None:
                event, at = self._take(at, end), end
                if event is not None:
                    yield event
        finally:
            # once a call, so that a megabyte of small chunks is not moved a thousand times
            del self._buffer[:at]
            self._scanned = max(self._scanned - at, 0)

    def _end_of_next(self, at: int) -> int | None:
        if self._header is not None:
            end = at + self._header.data_length + self._header.payload_length
            return end if len(self._buffer) >= end else None
        newline = self._buffer.find(b"\n", max(at, self._scanned))
        if (len(self._buffer) if newline < 0 else newline) - at > self._limits.header:
            raise PeerError(f"a header line of more than {self._limits.header} bytes")
        if newline < 0:
            self._scanned = len(self._buffer)
            return None
        return newline + 1

    def _take(self, at: int, end: int) -> Event | None:
        if self._header is None:
            self._header = self._parse_header(self._bytes(at, end))
            if self._header.data_length or self._header.payload_length:
                return None
            end = at
        header, self._header = self._header, None
        split = at + header.data_length
        if header.data_length:
            header.data.update(_object(self._bytes(at, split), f"{_shown(header.type)}: data"))
        payload = self._bytes(split, end) if header.payload_length else None
        return Event(type=header.type, data=header.data, payload=payload)

    def _bytes(self, at: int, end: int) -> bytes:
        # a slice of the buffer itself would be one copy more, of up to 16 MiB
        with memoryview(self._buffer) as whole, whole[at:end] as part:
            return bytes(part)

    def _parse_header(self, line: bytes) -> _Header:
        fields = _object(line, "a header")
        kind = fields.get("type")
        if not isinstance(kind, str):
            raise PeerError(f"a header whose type is {type(kind).__name__}, not a string")
        data = fields.get("data")
        if data is not None and not isinstance(data, dict):
            raise PeerError(f"{_shown(kind)}: data is {type(data).__name__}, not an object")
        return _Header(
            kind,
            data or {},
            _length(kind, "data_length", fields.get("data_length"), self._limits.data),
            _length(kind, "payload_length", fields.get("payload_length"), self._limits.payload),
        )


def encode(event: Event) -> bytes:
    """An event byte for byte as the library writes it, so that every version of it reads it. PeerError if that cannot be.

    Only what a peer has sent can be nested so deep, and only just: it was read with more of the stack left.
    """
    header: dict[str, Any] = {"type": event.type, "version": _WYOMING_VERSION}
    data = _json(event.data) if event.data else b""
    payload = event.payload or b""
    if data:
        header["data_length"] = len(data)
    if payload:
        header["payload_length"] = len(payload)
    return b"".join((_json(header), b"\n", data, payload))


def _json(value: dict[str, Any]) -> bytes:
    # a peer can smuggle in half a character as an escape; the text that we give back must not fail on it
    try:
        return json.dumps(value, ensure_ascii=False).encode(errors="replace")
    except RecursionError:
        raise PeerError("data that is nested too deep to be passed on") from None


def _object(text: bytes, what: str) -> dict[str, Any]:
    try:
        # decoded here: json.loads would take UTF-16 as well
        value = json.loads(text.decode())
    except RecursionError:
        raise PeerError(f"{what} that is nested too deep") from None
    except ValueError as error:
        raise PeerError(f"{what} that is not JSON: {error}") from None
    if not isinstance(value, dict):
        raise PeerError(f"{what} that is {type(value).__name__}, not an object")
    return value


def _length(kind: str, name: str, value: object, most: int) -> int:
    if value is None:
        return 0
    if not isinstance(value, int) or isinstance(value, bool) or value < 0:
        raise PeerError(f"{_shown(kind)}: {name} is {_shown(value)}, not a count")
    if value > most:
        raise PeerError(f"{_shown(kind)}: {name} is {_shown(value)}; at most {most} bytes are taken")
    return value


def _shown(value: object) -> str:
    """For a log line: short and on one line, whatever the peer put in."""
    return reprlib.repr(value)
