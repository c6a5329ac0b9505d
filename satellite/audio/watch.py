"""What a driver does not say: a device that stands still, gives nothing but zeros, clips, or has one xrun after the other.

A microphone and a speaker as the audio thread sees them, which look at what goes through. They end as any other that is lost:
with a DeviceError, by the half that it is of.
"""

from collections import deque
from collections.abc import Callable
from typing import TypeVar

import numpy as np

from satellite.audio.card import Channels, Microphone, Samples, Speaker
from satellite.core.hardware import Condition, Half
from satellite.core.units import PERIOD_MS
from satellite.errors import DeviceError

# five times what a stalled microphone has to let a reply go on, and with all that follows announced within two seconds
STALL_S = 1.0
# until the first sound: a source of a sound server that slept takes two
START_S = 3.0
# who was away so long himself cannot say that nothing came
_ABSENT_S = 0.2

# no room is that quiet, and no converter
SILENT_S = 10
# long enough for a slammed door not to count
CLIPPING_S = 10
# one sample in five hundred: of a sentence in it so loud that it is cut, one in a hundred
CLIPPED_SHARE = 0.002
# of 32768: a driver that converts rounds the tops a little
_FULL_SCALE = 32_700
# so long without, and it is well again
_UNCLIPPED_WINDOWS = 6

# more than a buffer of 200 ms can have by a thread that comes too late
STORM_XRUNS, STORM_S = 30, 3.0

T = TypeVar("T")

_PERIODS_PER_S = 1000 // PERIOD_MS


class HalfLost(DeviceError):
    """One of the two devices is lost, or as good as that."""

    def __init__(self, half: Half, why: str, is_stalled: bool = False) -> None:
        super().__init__(why)
        self.half, self.is_stalled = half, is_stalled


class _Clockwork:
    """Whether something moves, for whoever looks often enough."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._moved_s = self._looked_s = clock()
        self.has_moved = False
        """Ever."""

    def moved(self) -> None:
        """It has, since it was looked at last."""
        self.has_moved = True
        self._moved_s = self._looked_s = self._clock()

    def stands_still(self) -> bool:
        """Whether it has done so for too long. To be asked often."""
        now_s = self._clock()
        away_s, self._looked_s = now_s - self._looked_s, now_s
        if away_s > _ABSENT_S:
            self._moved_s += away_s
        return now_s - self._moved_s > (STALL_S if self.has_moved else START_S)


class _Storm:
    """Whether xruns come so fast that there is nothing between them."""

    def __init__(self, clock: Callable[[], float], known: int) -> None:
        self._clock, self._known = clock, known
        self._times: deque[float] = deque(maxlen=STORM_XRUNS)

    def forget(self, xruns: int) -> None:
        """Those that came by now count for nothing."""
        self._known = xruns

    def rages(self, xruns: int) -> bool:
        """`xruns`: since it was opened."""
        now_s = self._clock()
        while self._known < xruns:
            self._known += 1
            self._times.append(now_s)
        return len(self._times) == STORM_XRUNS and now_s - self._times[0] < STORM_S


class WatchedMicrophone:
    """The `Microphone` of a device that nobody but its driver feeds."""

    def __init__(
        self,
        watched: Microphone,
        wait: Callable[[float], bool],
        name: str,
        clock: Callable[[], float],
        condition: Condition = Condition.WORKING,
    ) -> None:
        """`condition`: SILENT for one that is opened again because of that; it is so until it is heard."""
        self.watched = watched
        self.condition = condition
        self.rate_hz = watched.rate_hz
        self._wait, self._name = wait, name
        self._clockwork, self._storm = _Clockwork(clock), _Storm(clock, watched.overruns)
        self._silent = 0
        self._periods = self._clipped = self._unclipped_windows = 0

    @property
    def overruns(self) -> int:
        return self.watched.overruns

    @property
    def loopback(self) -> Samples | None:
        return self.watched.loopback

    @property
    def every_channel(self) -> Channels | None:
        return self.watched.every_channel

    @property
    def is_proven(self) -> bool:
        """Whether it has given a period."""
        return self._clockwork.has_moved

    def read(self) -> Samples | None:
        """As `Microphone.read`. HalfLost if it is gone."""
        try:
            period = self.watched.read()
        except DeviceError as error:
            raise HalfLost(Half.MICROPHONE, str(error)) from error
        if period is not None:
            self._clockwork.moved()
            self._judge(period)
        return period

    def wait(self, timeout_s: float) -> bool:
        """As `Card.wait`. HalfLost if it is gone, or as good as gone."""
        try:
            has_come = self._wait(timeout_s)
        except DeviceError as error:
            raise HalfLost(Half.MICROPHONE, str(error)) from error
        if self._storm.rages(self.watched.overruns):
            raise HalfLost(Half.MICROPHONE, f"{self._name}: {STORM_XRUNS} overruns in less than {STORM_S:.0f} s")
        if not has_come and self._clockwork.stands_still():
            raise HalfLost(Half.MICROPHONE, f"{self._name} gives nothing: its clock stands still", is_stalled=True)
        return has_come

    def _judge(self, period: Samples) -> None:
        self._silent = self._silent + 1 if period[0] == period[-1] and np.ptp(period) == 0 else 0
        if self._silent >= SILENT_S * _PERIODS_PER_S:
            self.condition = Condition.SILENT
        elif self.condition is Condition.SILENT and not self._silent:
            self.condition = Condition.WORKING
        self._periods += 1
        self._clipped += int(np.count_nonzero((period >= _FULL_SCALE) | (period <= -_FULL_SCALE)))
        if self._periods == CLIPPING_S * _PERIODS_PER_S:
            self._judge_window(self._clipped / (self._periods * len(period)))
            self._periods = self._clipped = 0

    def _judge_window(self, clipped_share: float) -> None:
        self._unclipped_windows += 1
        if clipped_share >= CLIPPED_SHARE:
            self._unclipped_windows = 0
            self.condition = Condition.CLIPPING
        elif self.condition is Condition.CLIPPING and self._unclipped_windows >= _UNCLIPPED_WINDOWS:
            self.condition = Condition.WORKING


class WatchedSpeaker:
    """The `Speaker` of a device whose queue its driver empties; whoever uses it keeps it filled."""

    def __init__(self, watched: Speaker, name: str, clock: Callable[[], float]) -> None:
        self.watched = watched
        self.rate_hz, self.capacity_frames = watched.rate_hz, watched.capacity_frames
        self._name, self._clock = name, clock
        self._clockwork, self._storm = _Clockwork(clock), _Storm(clock, watched.underruns)
        self._expected = 0
        self._asked_s = clock()

    @property
    def underruns(self) -> int:
        return self.watched.underruns

    @property
    def is_proven(self) -> bool:
        """Whether it has played anything."""
        return self._clockwork.has_moved

    def queued(self) -> int:
        """As `Speaker.queued`. HalfLost if it is gone, or as good as gone."""
        queued = self._of_device(self.watched.queued)
        now_s = self._clock()
        if now_s - self._asked_s > 2 * PERIOD_MS / 1000:
            # it may have run dry because nobody came to fill it
            self._storm.forget(self.watched.underruns)
        self._asked_s = now_s
        if queued < self._expected:
            self._clockwork.moved()
        self._expected = queued
        if self._storm.rages(self.watched.underruns):
            raise HalfLost(Half.SPEAKER, f"{self._name}: {STORM_XRUNS} underruns in less than {STORM_S:.0f} s")
        if self._clockwork.stands_still():
            raise HalfLost(Half.SPEAKER, f"{self._name} plays nothing: its clock stands still", is_stalled=True)
        return queued

    def write(self, samples: Samples) -> int:
        """As `Speaker.write`. HalfLost if it is gone."""
        taken = self._of_device(lambda: self.watched.write(samples))
        self._expected += taken
        return taken

    def drop(self) -> None:
        """As `Speaker.drop`. HalfLost if it is gone."""
        self._of_device(self.watched.drop)
        self._expected = 0

    def _of_device(self, ask: Callable[[], T]) -> T:
        try:
            return ask()
        except DeviceError as error:
            raise HalfLost(Half.SPEAKER, str(error)) from error
