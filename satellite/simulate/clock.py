"""Where a simulated card takes its time from: the machine's clock, or one that runs as fast as the program does."""

import time
from typing import Protocol


class Clock(Protocol):
    """Seconds that never go back."""

    def now_s(self) -> float:
        """The time, from an arbitrary beginning."""

    def sleep_until(self, t_s: float) -> None:
        """Returns once it is so late; at once if it is already."""


class RealClock:
    """The machine's monotonic clock."""

    def now_s(self) -> float:
        return time.monotonic()

    def sleep_until(self, t_s: float) -> None:
        while (left_s := t_s - time.monotonic()) > 0:
            time.sleep(left_s)


class VirtualClock:
    """Stands still but in `sleep_until`, which takes no time. For one thread."""

    def __init__(self, start_s: float = 0.0) -> None:
        self._now_s = start_s

    def now_s(self) -> float:
        return self._now_s

    def sleep_until(self, t_s: float) -> None:
        self._now_s = max(self._now_s, t_s)
