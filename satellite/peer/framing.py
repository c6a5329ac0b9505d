"""Wyoming's framing, with bounds: a JSON header line, a block of JSON data, a binary payload.

The wyoming library's reader takes whatever length a peer announces, so that anybody on the network could fill the memory of
a Pi; and it takes garbage for the end of the stream. This one refuses both, by name. Lengths: header 64 KiB, as the library's
own; data 1 MiB; payload 16 MiB, because some versions of Home Assistant send a whole answer as one chunk.
"""

import json
from dataclasses import dataclass
from typing import Any

from wyoming.event import Event

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

    def feed(self, received: bytes) -> list[Event]:
        """The events that are complete with these bytes. PeerError for what the protocol does not allow."""
        self._buffer += received
        events = []
        at = 0
        while (end := self._end_of_next(at)) is not None:
            if (event := self._take(at, end)) is not None:
                events.append(event)
            at = end
        # once a call, so that a megabyte of small chunks is not moved a thousand times
        del self._buffer[:at]
        self._scanned = max(self._scanned - at, 0)
        return events

    def _end_of_next(self, at: int) -> int | None:
        if self._header is not None:
            end = at + self._header.data_length + self._header.payload_length
            return end if len(self._buffer) >= end else None
        newline = self._buffer.find(b"\n", max(at, self._scanned))
        if newline < 0:
            self._scanned = len(self._buffer)
            if len(self._buffer) - at > self._limits.header:
                raise PeerError(f"a header line of more than {self._limits.header} bytes")
            return None
        if newline - at > self._limits.header:
            raise PeerError(f"a header line of {newline - at} bytes; at most {self._limits.header} are taken")
        return newline + 1

    def _take(self, at: int, end: int) -> Event | None:
        if self._header is None:
            self._header = self._parse_header(bytes(self._buffer[at:end]))
            if self._header.data_length or self._header.payload_length:
                return None
            end = at
        header, self._header = self._header, None
        split = at + header.data_length
        if header.data_length:
            header.data.update(_object(bytes(self._buffer[at:split]), "data"))
        payload = bytes(self._buffer[split:end]) if header.payload_length else None
        return Event(type=header.type, data=header.data, payload=payload)

    def _parse_header(self, line: bytes) -> _Header:
        fields = _object(line, "header")
        kind = fields.get("type")
        if not isinstance(kind, str):
            raise PeerError(f"a header whose type is {type(kind).__name__}, not a string")
        data = fields.get("data")
        if data is not None and not isinstance(data, dict):
            raise PeerError(f"{kind}: data is {type(data).__name__}, not an object")
        return _Header(
            kind,
            data or {},
            _length(kind, "data_length", fields.get("data_length"), self._limits.data),
            _length(kind, "payload_length", fields.get("payload_length"), self._limits.payload),
        )


def encode(event: Event) -> bytes:
    """An event as every version of the library reads it."""
    header: dict[str, Any] = {"type": event.type, "version": "1"}
    data = json.dumps(event.data, ensure_ascii=False).encode() if event.data else b""
    payload = event.payload or b""
    if data:
        header["data_length"] = len(data)
    if payload:
        header["payload_length"] = len(payload)
    return b"".join((json.dumps(header, ensure_ascii=False).encode(), b"\n", data, payload))


def _object(text: bytes, what: str) -> dict[str, Any]:
    try:
        value = json.loads(text)
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
        raise PeerError(f"{kind}: {name} is {value!r}, not a count")
    if value > most:
        raise PeerError(f"{kind}: {name} is {value}; at most {most} bytes are taken")
    return value
