"""Loudspeakers of the simulated room: what the cone makes of what it is given.

One is for one stream, and remembers of it what it needs; the result does not depend on how the stream is cut into blocks.
"""

import math
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from satellite.core.units import PERIOD_FRAMES, RATE_HZ
from satellite.simulate.signals import Signal

# the peak of the sine for which a distortion is stated, -6 dBFS: that of the bundled reply to 0.3 dB. Most replies peak higher:
# the 16 that figures were taken with at -9 to 0 dBFS, the median at -3.4. Of a sine so loud it is more, see `SoftClip`
LOUDEST = 0.5

# of a sine that tanh makes a square wave of; a little below its 48 %
_MOST_THD = 0.45
# times the sine's peak: there tanh has more than that
_MOST_DRIVE = 64.0
# samples of the sine's cycle; the harmonics that fold back onto others are below 1e-6 at 10 % of distortion
_CYCLE = 1024
# halvings of the drive's interval: to the precision of a float
_HALVINGS = 52

# -12 dBFS: 3 to 12 dB below the peaks of the same replies, so that it works in every loud syllable
THRESHOLD = 10 ** (-12 / 20)
# as fast as amplifiers without look-ahead are set, so that an onset passes and a vowel does not
ATTACK_MS = 1.0
# slow enough not to follow the voice's own period, and over within a word or two
RELEASE_MS = 200.0


class Loudspeaker(Protocol):
    """From the amplifier's input to the cone's movement, for one stream."""

    def emit(self, block: Signal) -> Signal:
        """The next block, of any length, as it leaves the cone; may be the block itself, which is never changed."""


class Linear:
    """One that does nothing wrong."""

    def emit(self, block: Signal) -> Signal:
        """The block itself."""
        return block


class SoftClip:
    """Saturates without memory by tanh(drive x) / drive, so that what is soft passes unchanged.

    tanh is one of the usual models of an overdriven amplifier or cone in the literature on nonlinear echo cancelling. It makes
    odd harmonics only; those above 8 kHz fold back, as the room has 16 kHz.
    """

    def __init__(self, thd: float) -> None:
        """`thd`: all harmonics over the fundamental, for a sine with its peak at LOUDEST. ValueError outside (0, 0.45].

        It grows with the peak: 1, 5, and 10 % there are 1.8, 8.2, and 15 % of a sine 2.6 dB louder, the median of replies' peaks.
        """
        if not 0 < thd <= _MOST_THD:
            raise ValueError(f"no soft clipping has a distortion of {thd}; it is above 0 and at most {_MOST_THD}")
        self._drive = np.float32(_excursion_with(thd) / LOUDEST)

    def emit(self, block: Signal) -> Signal:
        """The next block."""
        out: Signal = np.tanh(self._drive * block) / self._drive
        return out


class Limiter:
    """Keeps peaks at THRESHOLD by a gain computed from the sound itself, without look-ahead: what is sudden passes at first.

    The gain computer, its smoothing by a decoupled peak detector, and the smoothing's place behind the logarithm are those of
    Giannoulis, Massberg, Reiss: Digital dynamic range compressor design, J. Audio Eng. Soc. 60 (2012); the ratio is infinite.
    """

    def __init__(self) -> None:
        count = np.arange(1, PERIOD_FRAMES + 1)
        self._release = np.exp(-count * (1000 / RATE_HZ / RELEASE_MS))
        self._attack = np.exp(-count * (1000 / RATE_HZ / ATTACK_MS))
        self._share = 1 - float(self._attack[0])
        # by how much the sound is too loud, and by how much it is lowered, both as natural logarithms
        self._excess = 0.0
        self._lowered = 0.0

    def emit(self, block: Signal) -> Signal:
        """The next block."""
        if len(block) <= PERIOD_FRAMES:
            return self._emit_period(block)
        return np.concatenate([self._emit_period(block[at : at + PERIOD_FRAMES]) for at in range(0, len(block), PERIOD_FRAMES)])

    def _emit_period(self, block: Signal) -> Signal:
        if len(block) == 0:
            return block
        release, attack = self._release[: len(block)], self._attack[: len(block)]
        # the two recursions of the detector, as sums and maxima of what has decayed since the block began
        over: NDArray[np.float64] = np.log(np.maximum(np.abs(block) / THRESHOLD, 1.0, dtype=np.float64))
        excess = release * np.maximum(np.maximum.accumulate(over / release), self._excess)
        lowered = attack * (self._lowered + self._share * np.cumsum(excess / attack))
        self._excess, self._lowered = float(excess[-1]), float(lowered[-1])
        out: Signal = block * np.exp(-lowered).astype(np.float32)
        return out


class Chain:
    """Several, one behind the other: an amplifier that limits before a cone that clips."""

    def __init__(self, *stages: Loudspeaker) -> None:
        self._stages = stages

    def emit(self, block: Signal) -> Signal:
        """The next block, through all of them."""
        for stage in self._stages:
            block = stage.emit(block)
        return block


def _excursion_with(thd: float) -> float:
    """The peak of the sine of which tanh distorts so much; the distortion grows with it."""
    low, high = 0.0, _MOST_DRIVE
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        low, high = (middle, high) if _thd_of_tanh(middle) < thd else (low, middle)
    return high


def _thd_of_tanh(peak: float) -> float:
    cycle = np.tanh(peak * np.sin(2 * np.pi * np.arange(_CYCLE) / _CYCLE))
    harmonics = np.abs(np.fft.rfft(cycle))[1:]
    return math.sqrt(float(np.sum(harmonics[1:] ** 2))) / float(harmonics[0])
