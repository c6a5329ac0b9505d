"""The microphone in periods of 160 samples at 16 kHz, whatever rate the card gives."""

import numpy as np

from satellite.audio.card import Microphone, Samples
from satellite.audio.resample import PeriodResampler
from satellite.core.units import RATE_HZ

# The one that is due, and one beyond it: a device whose own period is 20 ms gives two at a time. At three the thread is at
# least 10 ms late, and a queue of 30 ms, filled up when it last ran, is nearly empty.
_PUNCTUAL_PERIODS = 2


class Punctuality:
    """Counts how often the audio thread missed its deadline: it came, and more than one period beyond the due one waited."""

    def __init__(self) -> None:
        self.misses = 0
        self._at_once = 0

    def found(self, is_period: bool) -> None:
        """The microphone was asked once more, and gave a period, or had no other."""
        self._at_once = self._at_once + 1 if is_period else 0
        # once, however many there are
        self.misses += self._at_once == _PUNCTUAL_PERIODS + 1


class Capture:
    """Reads a microphone, amplifies and resamples. What the device says that it played is not amplified."""

    def __init__(self, microphone: Microphone, gain_db: float = 0.0, punctuality: Punctuality | None = None) -> None:
        self._microphone = microphone
        self._punctuality = punctuality or Punctuality()
        self._gain = np.float32(10.0 ** (gain_db / 20.0))
        rate_hz = microphone.rate_hz
        self._near = None if rate_hz == RATE_HZ else PeriodResampler(rate_hz)
        self._loopback = None if rate_hz == RATE_HZ else PeriodResampler(rate_hz)
        self.loopback: Samples | None = None
        """As `Microphone.loopback`, at 16 kHz: it belongs to the period that `read` gave last."""

    def read(self) -> Samples | None:
        """The next period, or None if it has not come yet. DeviceError if the device is gone."""
        near = self._microphone.read()
        self._punctuality.found(near is not None)
        if near is None:
            return None
        self.loopback = self._microphone.loopback
        if self.loopback is not None and self._loopback is not None:
            self.loopback = self._loopback.period(self.loopback)
        if self._gain != 1.0:
            near = np.rint(np.clip(near * self._gain, -32768, 32767)).astype(np.int16)
        return near if self._near is None else self._near.period(near)
