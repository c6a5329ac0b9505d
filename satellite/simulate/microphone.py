"""The capturing half of the simulated card."""

from collections.abc import Callable

from satellite.audio.card import Samples
from satellite.core.units import PERIOD_FRAMES, RATE_HZ
from satellite.errors import DeviceError
from satellite.simulate.air import Air, Source
from satellite.simulate.jitter import Jitter
from satellite.simulate.signals import CROSSINGS, Sinc, pcm

# what the driver keeps for a reader that is late, as a capture buffer of 20 periods does
BUFFER_MS = 200
_BUFFER_PERIODS = BUFFER_MS * RATE_HZ // 1000 // PERIOD_FRAMES


class SimulatedMicrophone:
    """Hears the room from when it was opened. Inside, periods are counted in frames of the air at any rate."""

    loopback = None
    every_channel = None

    def __init__(self, air: Air, source: Source, rate_hz: int, latency_ms: float, jitter: Jitter) -> None:
        self.rate_hz = rate_hz
        self.overruns = 0
        self._air = air
        self._source = source
        self._latency_s = latency_ms / 1000
        self._jitter = jitter
        self._sinc = None if rate_hz == RATE_HZ else Sinc(RATE_HZ / rate_hz)
        if self._sinc is not None and latency_ms * RATE_HZ / 1000 <= CROSSINGS:
            raise ValueError("a microphone that is not at the rate of the air needs a latency of 1 ms for its filter")
        self.converter: Callable[[Samples], Samples] | None = None
        """What is made of each period before it can be read."""
        self._stalled_until_s = air.clock.now_s()
        self._connected = True
        self._next_frame = 0
        self._begin_anew()

    def read(self) -> Samples | None:
        """The next whole period (rate_hz / 100 samples), or None if it is not there yet. DeviceError if it is gone."""
        with self._air.lock:
            if not self._ready():
                return None
            self._air.catch_up(self._source, self._air.clock.now_s())
            start = self._next_frame
            self._next_frame += PERIOD_FRAMES
            heard = self._air.room.heard
            if self._sinc is None:
                period = heard.between(start, start + PERIOD_FRAMES)
            else:
                period = pcm(self._sinc.at(heard, start, self.rate_hz * PERIOD_FRAMES // RATE_HZ))
            return period if self.converter is None else self.converter(period)

    def ready(self) -> bool:
        """Whether a period can be read. DeviceError if the device is gone."""
        with self._air.lock:
            return self._ready()

    def due_s(self) -> float:
        """When the next period can be read. DeviceError if the device is gone."""
        with self._air.lock:
            self._check()
            captured_s = self._air.time_of(self._next_frame + PERIOD_FRAMES)
            return max(captured_s + self._latency_of(self._next_frame), self._stalled_until_s)

    def connect(self) -> None:
        """Makes it usable; it hears from now on. The caller holds the lock of the air."""
        if not self._connected:
            self._connected = True
            self._begin_anew()

    def disconnect(self) -> None:
        """Makes it fail; what was not read is lost. The caller holds the lock of the air."""
        self._connected = False

    def stall(self, ms: float) -> None:
        """Holds back what it hears for so long. The caller holds the lock of the air."""
        self._stalled_until_s = max(self._stalled_until_s, self._air.clock.now_s() + ms / 1000)

    def inject_xrun(self) -> None:
        """Loses all that was not read, counted, and hears from now on. The caller holds the lock of the air."""
        self._check()
        self.overruns += 1
        self._begin_anew()

    def _ready(self) -> bool:
        self._check()
        now_s = self._air.clock.now_s()
        if now_s < self._stalled_until_s:
            return False
        unread = (self._air.frame(now_s - self._latency_s) - self._next_frame) // PERIOD_FRAMES
        while unread > 0 and not self._has_come(self._next_frame + (unread - 1) * PERIOD_FRAMES, now_s):
            unread -= 1
        if unread > _BUFFER_PERIODS:
            self._next_frame += (unread - _BUFFER_PERIODS) * PERIOD_FRAMES
            self.overruns += 1
        return unread > 0

    def _has_come(self, first_frame: int, now_s: float) -> bool:
        return self._air.frame(now_s - self._latency_of(first_frame)) >= first_frame + PERIOD_FRAMES

    def _latency_of(self, first_frame: int) -> float:
        return self._latency_s + self._jitter.late_s(first_frame // PERIOD_FRAMES)

    def _check(self) -> None:
        if not self._connected:
            raise DeviceError("the simulated microphone is gone")

    def _begin_anew(self) -> None:
        self._next_frame = self._air.begun(self._air.clock.now_s(), RATE_HZ)
