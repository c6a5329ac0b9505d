"""The ring of a timer: a sound over and over, for as long as nobody ends it, and no larger in memory than once."""

import numpy as np

from satellite.audio.card import Samples
from satellite.audio.reply import Reply
from satellite.core.units import Millis, millis


class Ring(Reply):
    """A reply that is a sound, a pause, and the sound again."""

    def __init__(self, sound: Samples, rate_hz: int, pause_s: float, times: int | None, limit_s: int) -> None:
        """`times`: how often, or None for until somebody ends it; never longer than `limit_s`."""
        super().__init__(0, rate_hz)
        self._round = np.concatenate((sound, np.zeros(int(pause_s * rate_hz), np.int16)))
        limit = limit_s * rate_hz
        self._frames = limit if times is None else min(len(self._round) * times, limit)
        self.is_complete = True

    @property
    def total_ms(self) -> Millis:
        """How long it is, if nobody ends it."""
        return millis(self._frames, self.rate_hz)

    def read(self, start: int, count: int) -> Samples:
        """As of any reply."""
        end = min(start + count, self._frames)
        return self._round.take(np.arange(start, end), mode="wrap")
