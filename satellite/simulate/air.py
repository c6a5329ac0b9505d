"""What the two halves of a simulated card share: the room's time on a clock, and the rule that the room follows it."""

import math
import threading
from typing import Protocol

from satellite.core.units import PERIOD_FRAMES, RATE_HZ
from satellite.simulate.clock import Clock
from satellite.simulate.room import Room
from satellite.simulate.signals import Signal

# of a frame: times are sums of floats, and a frame is due at its time, not a rounding error later
_TOLERANCE = 1e-3


class Source(Protocol):
    """What drives the loudspeaker."""

    def clock_out(self, t_s: float) -> None:
        """Takes from the queue what was due by then."""

    def sounding(self, start_frame: int, end_frame: int) -> Signal:
        """What the loudspeaker is given during these frames of the air."""


class Air:
    """The time of a room, in frames, on a clock. The caller holds `lock` while the room catches up."""

    def __init__(self, room: Room, clock: Clock) -> None:
        self.room = room
        self.clock = clock
        self.lock = threading.Lock()
        self.epoch_s = clock.now_s() - room.end_frame / RATE_HZ

    def frame(self, t_s: float) -> int:
        """How many frames of the air have passed by then."""
        return self.passed(t_s, RATE_HZ)

    def passed(self, t_s: float, rate_hz: float) -> int:
        """How many frames at this rate have passed by then since the room began."""
        return math.floor((t_s - self.epoch_s) * rate_hz + _TOLERANCE)

    def begun(self, t_s: float, rate_hz: float) -> int:
        """How many frames at this rate have begun before then: the next to begin."""
        return math.ceil((t_s - self.epoch_s) * rate_hz - _TOLERANCE)

    def time_of(self, frame: int) -> float:
        """When a frame of the air begins."""
        return self.epoch_s + frame / RATE_HZ

    def catch_up(self, source: Source, t_s: float, least_frames: int = 1) -> None:
        """Lets the room live until then, if it is at least so many frames behind."""
        target = self.frame(t_s)
        if target - self.room.end_frame < least_frames:
            return
        while (start := self.room.end_frame) < target:
            end = min(target, start + PERIOD_FRAMES)
            source.clock_out(self.time_of(end))
            self.room.advance(source.sounding(start, end))
