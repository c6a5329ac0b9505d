"""What of a reply has really left the speaker: the books between what was written and what the card still holds."""

from collections import deque
from dataclasses import dataclass


@dataclass(slots=True)
class _Entry:
    count: int
    source: int | None
    audible: bool


class Ledger:
    """Follows one reply through the speaker's queue. Counts frames at the speaker's rate."""

    def __init__(self) -> None:
        self._queue: deque[_Entry] = deque()
        self._queued = 0
        self.played = 0
        """One past the furthest frame of the reply that has left the speaker."""
        self.heard = 0
        """How many of them left it loud enough to be followed, counting repeats once."""
        self._heard_until = 0

    def wrote(self, count: int, source: int | None, audible: bool) -> None:
        """Frames given to the speaker: `source` is the reply's first frame among them, None for silence."""
        self._queue.append(_Entry(count, source, audible))
        self._queued += count

    def settle(self, queued: int) -> None:
        """The card holds `queued` frames that it has not clocked out; all that was written before them has left."""
        leaving = self._queued - queued
        while leaving > 0 and self._queue:
            entry = self._queue[0]
            count = min(leaving, entry.count)
            self._left(entry, count)
            leaving -= count
            self._queued -= count
            entry.count -= count
            if entry.count:
                break
            self._queue.popleft()

    def discard(self) -> None:
        """The card has dropped all that it still held."""
        self._queue.clear()
        self._queued = 0

    def _left(self, entry: _Entry, count: int) -> None:
        if entry.source is None:
            return
        end = entry.source + count
        self.played = max(self.played, end)
        if entry.audible:
            self.heard += max(0, end - max(entry.source, self._heard_until))
            self._heard_until = max(self._heard_until, end)
        entry.source = end
