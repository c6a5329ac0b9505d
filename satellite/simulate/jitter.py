"""How late a capture period comes, as on USB, where the host's and the device's timing add a little to each transfer."""

import math

import numpy as np

from satellite.core.units import PERIOD_MS

# then it begins anew: 41 s, too long a time to be a rhythm
_PERIODS = 4096


class Jitter:
    """A lateness for each period, evenly spread and a function of the period's number alone; none overtakes another."""

    def __init__(self, most_ms: float, seed: int) -> None:
        drawn = np.random.default_rng(seed).uniform(0, most_ms, _PERIODS)
        # no sooner than those before it, which a longer lateness than a period can hold up
        held_up = [np.roll(drawn, by) - by * PERIOD_MS for by in range(math.ceil(most_ms / PERIOD_MS) + 1)]
        self._late_s = (np.max(held_up, axis=0) / 1000).tolist()

    def late_s(self, period: int) -> float:
        """How much later than without jitter this period can be read."""
        late_s: float = self._late_s[period % _PERIODS]
        return late_s
