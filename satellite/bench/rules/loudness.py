"""Loudness as Pipecat measures it: ITU-R BS.1770 with its K weighting, on one gating block of its own choosing."""

from functools import cache
from math import cos, pi, sin, sqrt

import numpy as np
from numpy.typing import NDArray

from satellite.bench.trace import Levels
from satellite.core.units import RATE_HZ

# of BS.1770-4: what a block's mean square is below its loudness
_OFFSET_DB = -0.691
# the two stages of the K weighting as pyloudnorm designs them for any rate: a shelf of 4 dB for the head, a high pass
_SHELF_HZ, _SHELF_DB, _SHELF_Q = 1500.0, 4.0, 1.0 / sqrt(2.0)
_HIGH_PASS_HZ, _HIGH_PASS_Q = 38.0, 0.5
# the high pass has died away to a millionth by then
_TAPS = 1024
# windows that are transformed at once: 16 MB
_AT_ONCE = 1024


def of_windows(windows: NDArray[np.float64]) -> Levels:
    """LUFS of each window by itself, the filters at rest before it; -inf of silence. shape (windows, n) -> (windows,)"""
    length = windows.shape[1]
    size = 2 * length
    response = np.fft.rfft(_weighting()[:length], size)
    powers = np.zeros(len(windows))
    for at in range(0, len(windows), _AT_ONCE):
        weighted = np.fft.irfft(np.fft.rfft(windows[at : at + _AT_ONCE], size) * response, size)[:, :length]
        powers[at : at + _AT_ONCE] = (weighted**2).mean(axis=1)
    return _loudness(powers)


def rolling(windows: NDArray[np.float64], block_frames: int) -> Levels:
    """LUFS of the last `block_frames` at the end of each window; -inf until there are so many. shape as above

    `block_frames` is a whole number of half windows. The filters run through, where the source lets them start at each
    block's begin: a hundredth of a dB.
    """
    half = windows.shape[1] // 2
    halves = (_weighted(windows.reshape(-1)).reshape(-1, half) ** 2).mean(axis=1)
    count = block_frames // half
    sums = np.concatenate([np.zeros(count), np.cumsum(halves)])
    powers = np.maximum(sums[count:] - sums[:-count], 0.0)[1::2] / count
    powers[: (count + 1) // 2 - 1] = 0.0
    return _loudness(powers)


def _loudness(powers: Levels) -> Levels:
    with np.errstate(divide="ignore"):
        loudness: Levels = _OFFSET_DB + 10.0 * np.log10(powers)
    return loudness


def _weighted(samples: NDArray[np.float64]) -> NDArray[np.float64]:
    size = 2 * _TAPS
    response = np.fft.rfft(_weighting(), size)
    blocks = -(-len(samples) // _TAPS)
    padded = np.concatenate([np.zeros(_TAPS), samples, np.zeros(blocks * _TAPS - len(samples))])
    weighted = np.zeros((blocks, _TAPS))
    for at in range(0, blocks, _AT_ONCE):
        count = min(_AT_ONCE, blocks - at)
        frames = np.lib.stride_tricks.sliding_window_view(padded[at * _TAPS : (at + count + 1) * _TAPS], size)[::_TAPS]
        weighted[at : at + count] = np.fft.irfft(np.fft.rfft(frames, size) * response, size)[:, _TAPS:]
    return weighted.reshape(-1)[: len(samples)]


@cache
def _weighting() -> NDArray[np.float64]:
    """Impulse response of both stages. shape (taps,)"""
    sound = np.zeros(_TAPS)
    sound[0] = 1.0
    for forward, back in (_shelf(), _high_pass()):
        sound = _filtered(sound, forward, back)
    return sound


def _shelf() -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Coefficients of a second-order high shelf (Bristow-Johnson's cookbook): forward, back."""
    gain, turn = 10.0 ** (_SHELF_DB / 40.0), 2.0 * pi * _SHELF_HZ / RATE_HZ
    slope = 2.0 * sqrt(gain) * sin(turn) / (2.0 * _SHELF_Q)
    more, less, c = gain + 1.0, gain - 1.0, cos(turn)
    forward = (gain * (more + less * c + slope), -2.0 * gain * (less + more * c), gain * (more + less * c - slope))
    return forward, (more - less * c + slope, 2.0 * (less - more * c), more - less * c - slope)


def _high_pass() -> tuple[tuple[float, ...], tuple[float, ...]]:
    turn = 2.0 * pi * _HIGH_PASS_HZ / RATE_HZ
    width, c = sin(turn) / (2.0 * _HIGH_PASS_Q), cos(turn)
    return ((1.0 + c) / 2.0, -(1.0 + c), (1.0 + c) / 2.0), (1.0 + width, -2.0 * c, 1.0 - width)


def _filtered(sound: NDArray[np.float64], forward: tuple[float, ...], back: tuple[float, ...]) -> NDArray[np.float64]:
    """Short sounds only: a loop over samples."""
    out = np.zeros(len(sound))
    driven = np.convolve(sound, forward)[: len(sound)]
    for n in range(len(sound)):
        out[n] = (driven[n] - back[1] * (out[n - 1] if n else 0.0) - back[2] * (out[n - 2] if n > 1 else 0.0)) / back[0]
    return out
