"""The reader of the wire under any bytes: `python -m tests.fuzz.reader --runs 10000000`."""

import zlib
from collections.abc import Iterator, Sequence

from wyoming.event import Event

from satellite.core.units import Millis
from satellite.errors import PeerError
from satellite.peer import codec, framing
from satellite.peer.framing import Decoder, Limits, encode
from tests.fuzz.engine import fuzz

# so small that they are reached
LIMITS = Limits(header=300, data=200, payload=400)

_LONGEST_MESSAGE = 400

_MOST_BYTE_BY_BYTE = 64

# a few events; what follows from a whole conversation is the target `hub`'s
LONGEST_INPUT = 1024


def check(stream: bytes) -> None:
    """Whatever it is: the same events and error wherever it is cut, nothing held that is not allowed, nothing else escapes."""
    whole = decoded([stream])
    for pieces in _cuts(stream):
        assert decoded(pieces) == whole, "where the network cuts the stream makes a difference"
    events, _, _ = whole
    for event in events:
        _check_event(event)
    _check_again(events)


def decoded(pieces: Sequence[bytes]) -> tuple[list["Same"], str, bool]:
    """The events, what is wrong with what follows them, and whether the stream may end there."""
    decoder, events = Decoder(LIMITS), list[Same]()
    try:
        for piece in pieces:
            events += map(Same, decoder.feed(piece))
            assert decoder.held_bytes <= max(LIMITS.header, LIMITS.data + LIMITS.payload), "more is held than is allowed"
    except PeerError as error:
        assert_tellable(error)
        return events, str(error), False
    return events, "", decoder.is_between_events


class Same:
    """An event that equals one that is not a number where it is not."""

    __slots__ = ("event", "shown")

    def __init__(self, event: Event) -> None:
        self.event, self.shown = event, repr(event)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Same) and self.shown == other.shown

    __hash__ = None  # type: ignore[assignment]


def assert_tellable(error: PeerError) -> None:
    """Nobody fills the log, or writes lines of his own into it."""
    assert len(str(error)) <= _LONGEST_MESSAGE and str(error).isprintable(), f"{str(error)[:1000]!r}"


def _cuts(stream: bytes) -> Iterator[list[bytes]]:
    """In five, anywhere; the places are the stream's own, so that an input is the same each time. Short ones byte by byte too."""
    dice = zlib.crc32(stream)
    places = sorted((dice >> shift) % (len(stream) + 1) for shift in (0, 7, 13, 20))
    yield [stream[a:b] for a, b in zip([0, *places], [*places, len(stream)], strict=True)]
    if len(stream) <= _MOST_BYTE_BY_BYTE:
        yield [stream[at : at + 1] for at in range(len(stream))]


def _check_event(same: Same) -> None:
    """What everybody relies on, and what ours makes of it."""
    event = same.event
    assert isinstance(event.type, str) and isinstance(event.data, dict)
    assert event.payload is None or (isinstance(event.payload, bytes) and event.payload)
    codec.to_core(event, Millis(0))
    codec.wake_words(event)
    codec.detected(event)
    try:
        codec.timer(event)
    except PeerError as error:
        assert_tellable(error)


def _check_again(events: list[Same]) -> None:
    """What we write of it is read as what it was, but for half characters, which nobody can write."""
    stream = b"".join(encode(same.event) for same in events)
    again = list(map(Same, Decoder().feed(stream)))
    assert len(again) == len(events)
    for before, after in zip(events, again, strict=True):
        assert before == after or "\\ud" in before.shown, "what was written is not what was read"


if __name__ == "__main__":
    fuzz("reader", check, [framing, codec], LONGEST_INPUT)
