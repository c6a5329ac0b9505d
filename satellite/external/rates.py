"""What comes and goes as bytes at any rate, and what a card may give and take."""

import numpy as np
import soxr

from satellite.audio.card import Channels
from satellite.audio.sample_format import SampleFormat
from satellite.core.units import PERIOD_MS, RATE_HZ

# above it, 10 ms are a whole number of samples
_STEP_HZ = 1000 // PERIOD_MS

# of two rates: 22050 and 22100 Hz are
_CLOSE = 0.01


def card_rate_hz(rate_hz: int) -> int:
    """The next rate that a card may have: 22050 Hz, of which no whole number makes 10 ms, comes to 22100."""
    return max(RATE_HZ, -(-rate_hz // _STEP_HZ) * _STEP_HZ)


class Rows:
    """Makes rows of samples, one for each wanted channel, of interleaved frames that come in pieces of any length."""

    def __init__(self, sample_format: SampleFormat, channels: int, wanted: tuple[int, ...]) -> None:
        self._format, self._channels, self._wanted = sample_format, channels, wanted
        self._part = b""

    def of(self, data: bytes) -> Channels:
        """The whole frames; what makes none waits for the rest of it."""
        data = self._part + data
        end = len(data) - len(data) % (self._format.octets * self._channels)
        self._part = data[end:]
        return np.stack([self._format.channel_of(data[:end], self._channels, channel) for channel in self._wanted])


class Resampler:
    """Rows from one rate to another, in blocks of its own: none of what is fed is lost, but some of it comes later."""

    def __init__(self, from_hz: int, to_hz: int, rows: int) -> None:
        self._rows = rows
        # holds 60 ms back where the better ones hold twice as much; without a filter none, and rates that close need none
        quality = "QQ" if abs(from_hz / to_hz - 1.0) < _CLOSE else "LQ"
        self._stream = None if from_hz == to_hz else soxr.ResampleStream(from_hz, to_hz, rows, dtype="int16", quality=quality)

    def of(self, rows: Channels) -> Channels:
        """What is ready of these and earlier ones."""
        if self._stream is None or not rows.size:
            return rows
        converted: Channels = self._stream.resample_chunk(np.ascontiguousarray(rows.T))
        return converted.reshape(-1, self._rows).T

    def forget(self) -> None:
        """What has been held back is never told."""
        if self._stream is not None:
            self._stream.clear()
