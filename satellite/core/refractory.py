"""One detection per spoken word: a word that was heard is not heard again for a while."""

from satellite.core.units import Frames


class Refractory:
    """Of one word, counted in frames of the stream."""

    def __init__(self, length: Frames) -> None:
        self._length = length
        self._last: Frames | None = None

    def admits(self, at: Frames) -> bool:
        """Whether a detection there is a new one; from it on the time runs anew."""
        # a stream that began anew counts from 0 again: that may not make us deaf
        if self._last is not None and 0 <= at - self._last < self._length:
            return False
        self._last = at
        return True
