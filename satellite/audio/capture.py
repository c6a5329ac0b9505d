"""The microphone in periods of 160 samples at 16 kHz, whatever rate the card gives."""

import numpy as np

from satellite.audio.card import Microphone, Samples
from satellite.core.units import PERIOD_FRAMES, RATE_HZ


class Capture:
    """Reads a microphone and resamples."""

    def __init__(self, microphone: Microphone) -> None:
        self._microphone = microphone
        self._stream = None
        if microphone.rate_hz != RATE_HZ:
            import soxr

            self._stream = soxr.ResampleStream(microphone.rate_hz, RATE_HZ, 1, dtype="int16", quality="LQ")
        self._waiting: Samples = np.zeros(0, np.int16)

    def read(self) -> Samples | None:
        """The next period, or None if it has not come yet. DeviceError if the device is gone."""
        if self._stream is None:
            return self._microphone.read()
        while len(self._waiting) < PERIOD_FRAMES:
            block = self._microphone.read()
            if block is None:
                return None
            self._waiting = np.concatenate((self._waiting, self._stream.resample_chunk(block)))
        period, self._waiting = self._waiting[:PERIOD_FRAMES], self._waiting[PERIOD_FRAMES:]
        return period
