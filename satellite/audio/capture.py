"""The microphone in periods of 160 samples at 16 kHz, whatever rate the card gives."""

from satellite.audio.card import Microphone, Samples
from satellite.audio.resample import PeriodResampler
from satellite.core.units import RATE_HZ


class Capture:
    """Reads a microphone and resamples."""

    def __init__(self, microphone: Microphone) -> None:
        self._microphone = microphone
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
        return near if self._near is None else self._near.period(near)
