"""A microphone of whatever sends samples: in pieces of any size, at any moment, made into periods at theirs.

A program that gives an eighth of a second at once, as arecord does, would have the engine run ahead of what it writes, and the
canceller lose its echo. So periods are given as they were spoken, 10 ms apart, as late as the latest piece has been.
"""

import time
from collections.abc import Callable
from typing import Protocol

import numpy as np

from satellite.audio.card import Channels, Samples
from satellite.core.units import PERIOD_MS
from satellite.errors import DeviceError
from satellite.external.rates import Resampler, card_rate_hz

# as long as the audio thread may be away from an ALSA device
LATE_MS = 200
# a program that has not begun by then, or has stopped, is hung
SILENT_S = 2.0

# nobody sleeps more exactly
_EARLY_S = 0.0005
# so often it is looked whether less could wait
_LOOK_PERIODS = 100
# that is too much for a whole look: the sender's clock is ahead of ours, or was late once
_SURPLUS_PERIODS = 2
# a surplus goes in ten seconds, slowly enough for the canceller to follow
_HASTE = 0.98

_PERIOD_S = PERIOD_MS / 1000


class Source(Protocol):
    """Whoever sends. Nothing but `wait` waits."""

    @property
    def label(self) -> str:
        """How messages begin."""

    @property
    def rate_hz(self) -> int: ...

    @property
    def rows(self) -> int:
        """The microphone, and what the device says that it played, if it does."""

    def wait(self, timeout_s: float) -> None:
        """Sleeps until more has come, at most so long."""

    def take(self) -> Channels:
        """What has come; none if nothing has. DeviceError if no more will."""

    def close(self) -> None:
        """May be called twice."""


class ExternalMicrophone:
    """The `Microphone` of a source."""

    every_channel = None

    def __init__(
        self, source: Source, clock: Callable[[], float] = time.monotonic, sleep: Callable[[float], None] = time.sleep
    ) -> None:
        self.rate_hz = card_rate_hz(source.rate_hz)
        self.overruns = 0
        self.loopback: Samples | None = None
        self._source, self._clock, self._sleep = source, clock, sleep
        self._resampler = Resampler(source.rate_hz, self.rate_hz, source.rows)
        self._period = self.rate_hz * PERIOD_MS // 1000
        self._most = self.rate_hz * LATE_MS // 1000
        self._held: Channels = np.zeros((source.rows, 0), np.int16)
        self._due_s = self._came_s = clock()
        self._is_awaited = False
        self._pace_s = _PERIOD_S
        self._looked = 0
        self._least = self._most

    def read(self) -> Samples | None:
        if self._until_due_s() != 0.0:
            return None
        period, self._held = self._held[:, : self._period], self._held[:, self._period :]
        self._due_s += self._pace_s
        self._look()
        self.loopback = period[1] if len(period) > 1 else None
        near: Samples = period[0]
        return near

    def wait(self, timeout_s: float) -> bool:
        """As `Card.wait`."""
        deadline_s = self._clock() + timeout_s
        while (rest_s := self._until_due_s()) != 0.0:
            left_s = deadline_s - self._clock()
            if left_s <= 0.0:
                return False
            if rest_s is None:
                self._is_awaited = True
                self._source.wait(left_s)
            else:
                self._sleep(min(rest_s, left_s))
        return True

    def _until_due_s(self) -> float | None:
        """How long a period has to wait that has come; None if none has."""
        now_s = self._clock()
        self._collect(now_s)
        if self._held.shape[1] < self._period:
            return None
        if self._is_awaited:
            # what comes late makes all that follows as late; what nobody has fetched was not late
            self._due_s, self._is_awaited = max(self._due_s, now_s), False
        rest_s = self._due_s - now_s
        return 0.0 if rest_s <= _EARLY_S else rest_s

    def _collect(self, now_s: float) -> None:
        taken = self._source.take()
        if not taken.size:
            if now_s - self._came_s > SILENT_S:
                raise DeviceError(f"{self._source.label} gives nothing")
            return
        self._came_s = now_s
        self._held = np.concatenate((self._held, self._resampler.of(taken)), axis=1)
        if self._held.shape[1] > self._most:
            self.overruns += 1
            self._held = self._held[:, -self._most :]
            self._due_s = max(self._due_s, now_s)

    def _look(self) -> None:
        self._least = min(self._least, self._held.shape[1])
        self._looked += 1
        if self._looked == _LOOK_PERIODS:
            has_surplus = self._least >= _SURPLUS_PERIODS * self._period
            self._pace_s = _PERIOD_S * _HASTE if has_surplus else _PERIOD_S
            self._looked, self._least = 0, self._most
