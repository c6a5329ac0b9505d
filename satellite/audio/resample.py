"""From a device's rate to 16 kHz, one period in, one period out.

soxr, which resamples whole replies here, works in blocks of its own: of 10 ms periods at 48 kHz it makes none, 300, 300,
none ... frames and holds up to 20 ms back. That is a duck 20 ms later, and a reference that does not keep step. A period is a
whole number of frames at both rates, so every period is the same few dot products.
"""

import numpy as np
from numpy.typing import NDArray

from satellite.audio.card import Samples
from satellite.core.units import PERIOD_FRAMES, PERIOD_MS

# zero crossings of the kernel on each side, which are frames at 16 kHz of delay: 1 ms for 70 dB of stop band
DELAY_FRAMES = 16

# of 8 kHz: half-power point of the kernel, which leaves what is below 6.5 kHz untouched
_CUT_OFF = 0.94

# of the Kaiser window around the kernel: 70 dB
_KAISER_BETA = 7.0


class PeriodResampler:
    """A stream at `rate_hz`, at least 16 kHz, in periods of 10 ms. Its output is DELAY_FRAMES late."""

    def __init__(self, rate_hz: int) -> None:
        self._count = rate_hz * PERIOD_MS // 1000
        step = self._count / PERIOD_FRAMES
        reach = int(np.ceil(DELAY_FRAMES * step))
        # where in the line, whose last frames are the new period, a frame of the output lies
        places = 2 * reach + (np.arange(PERIOD_FRAMES) - DELAY_FRAMES) * step
        self._starts = np.floor(places).astype(np.int64) - reach + 1
        distances = places[:, None] - self._starts[:, None] - np.arange(2 * reach)
        inside = np.clip(1 - (distances / (DELAY_FRAMES * step)) ** 2, 0.0, 1.0)
        kernels = np.sinc(distances * _CUT_OFF / step) * np.i0(_KAISER_BETA * np.sqrt(inside)) * (inside > 0.0)
        # what is constant stays constant, at every phase
        self._kernels = (kernels / kernels.sum(axis=1, keepdims=True)).astype(np.float32)
        self._line = np.zeros(self._count + 2 * reach, np.float32)
        self._rows = np.lib.stride_tricks.sliding_window_view(self._line, 2 * reach)

    def period(self, samples: Samples) -> Samples:
        """The next period."""
        line = self._line
        line[: -self._count] = line[self._count :]
        line[-self._count :] = samples
        values: NDArray[np.float32] = np.einsum("ij,ij->i", self._rows[self._starts], self._kernels)
        return np.rint(np.clip(values, -32768, 32767)).astype(np.int16)
