"""The microphone in periods of 160 samples at 16 kHz, whatever rate the card gives."""

import numpy as np

from satellite.audio.card import Microphone, Samples
from satellite.audio.resample import PeriodResampler
from satellite.core.units import RATE_HZ


class Capture:
    """Reads a microphone, amplifies and resamples. What the device says that it played is not amplified."""

    def __init__(self, microphone: Microphone, gain_db: float = 0.0) -> None:
        self._microphone = microphone
        self._gain = np.float32(10.0 ** (gain_db / 20.0))
        rate_hz = microphone.rate_hz
        self._near = None if rate_hz == RATE_HZ else PeriodResampler(rate_hz)
        self._loopback = None if rate_hz == RATE_HZ else PeriodResampler(rate_hz)
        self.loopback: Samples | None = None
        """As `Microphone.loopback`, at 16 kHz: it belongs to the period that `read` gave last."""

    def read(self) -> Samples | None:
        """The next period, or None if it has not come yet. DeviceError if the device is gone."""
        near = self._microphone.read()
        if near is None:
            return None
        self.loopback = self._microphone.loopback
        if self.loopback is not None and self._loopback is not None:
            self.loopback = self._loopback.period(self.loopback)
        if self._gain != 1.0:
            near = np.rint(np.clip(near * self._gain, -32768, 32767)).astype(np.int16)
        return near if self._near is None else self._near.period(near)
