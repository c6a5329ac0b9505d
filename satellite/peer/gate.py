"""Which answer does this audio belong to? The hub gives its streams no name, and does not stop an old one for a new one.

Home Assistant sends a reply to its end, whatever happens meanwhile, and the chunks of an old reply and of a new one come
mixed on one connection. They can be told apart by their timestamps: each stream counts from its own beginning, so a chunk
belongs to the stream that is due to go on just there.
"""

from collections import deque
from dataclasses import dataclass

# more streams at once than any hub has sent; the oldest is forgotten
_MOST_STREAMS = 8

# of audio that nobody will ever wait for
_NO_TURN = -1


@dataclass(slots=True, eq=False)
class Stream:
    """One reply or announcement on its way. `turn` is None for an announcement."""

    turn: int | None
    next_ms: int | None


class StreamGate:
    """Follows the streams of one connection."""

    def __init__(self) -> None:
        self._streams: deque[Stream] = deque(maxlen=_MOST_STREAMS)
        self._turn = 0
        self._awaits_answer = False
        self._is_dying = False
        self._owed: deque[int] = deque(maxlen=_MOST_STREAMS)
        self.stale = 0
        """Chunks of answers that nobody waits for any more."""

    def begin_turn(self, turn: int, owed: bool) -> None:
        """From now on earlier answers are stale; `owed` says that the last one's audio has not begun, and will come."""
        if owed:
            self._owed.append(self._turn)
        self._turn = turn
        self._awaits_answer = False

    def run_is_dying(self, is_dying: bool) -> None:
        """The hub is cancelling a run. A stream that begins meanwhile is the last sign of that run."""
        self._is_dying = is_dying

    def expect_answer(self) -> None:
        """The present turn has been understood, so that a stream may now be its answer."""
        self._awaits_answer = True

    def start(self, timestamp_ms: int | None) -> Stream:
        """A stream begins. First come, first assigned: what an earlier turn is owed comes before the present answer."""
        if self._owed:
            turn: int | None = self._owed.popleft()
        elif self._is_dying:
            turn = _NO_TURN
        elif self._awaits_answer:
            turn, self._awaits_answer = self._turn, False
        else:
            turn = None
        stream = Stream(turn, timestamp_ms or 0)
        self._streams.append(stream)
        return stream

    def chunk(self, timestamp_ms: int | None, frames: int, rate_hz: int) -> Stream | None:
        """The stream that a chunk belongs to, if it is wanted; None if it is stale or belongs to none."""
        stream = self._find(timestamp_ms)
        if stream is None:
            self.stale += 1
            return None
        if stream.next_ms is not None:
            # the hub's own arithmetic: whole milliseconds of every chunk, rounded down
            stream.next_ms += frames * 1000 // rate_hz
        if not self.is_wanted(stream):
            self.stale += 1
            return None
        return stream

    def stop(self, timestamp_ms: int | None) -> Stream | None:
        """The stream that ends, if it is wanted."""
        stream = self._find(timestamp_ms)
        if stream is None:
            return None
        self._streams.remove(stream)
        return stream if self.is_wanted(stream) else None

    def is_wanted(self, stream: Stream) -> bool:
        """Whether it is the present turn's answer, or an announcement."""
        return stream.turn is None or stream.turn == self._turn

    def _find(self, timestamp_ms: int | None) -> Stream | None:
        if not self._streams:
            return None
        newest_first = tuple(reversed(self._streams))
        if timestamp_ms is None:
            # announcements end without a time, and peers of other makes send none at all
            return next((s for s in newest_first if s.turn is None), newest_first[0])
        return next((s for s in newest_first if s.next_ms == timestamp_ms), newest_first[0])
