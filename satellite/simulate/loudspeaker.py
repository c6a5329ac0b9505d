"""What a loudspeaker and its amplifier make of what they are given."""

import math
from typing import Protocol

import numpy as np

from satellite.core.units import RATE_HZ
from satellite.simulate.signals import Signal

# A clipper's distortion is told of a sine at this peak: the loudest that replies get.
REFERENCE_PEAK = 10.0 ** (-6.0 / 20.0)

# small amplifiers: they let nothing above this through for long, give way within a millisecond, and come back slowly
LIMIT_PEAK = 10.0 ** (-12.0 / 20.0)
_RELEASE_S = 0.2
_RELEASE = math.exp(-1.0 / (_RELEASE_S * RATE_HZ))


class Loudspeaker(Protocol):
    """Takes a stream in blocks of any length; how it is cut makes no difference."""

    def emit(self, block: Signal) -> Signal:
        """What the cone does of the next block."""


class Linear:
    """As they are drawn in textbooks."""

    def emit(self, block: Signal) -> Signal:
        return block


class SoftClip:
    """A cone whose suspension stiffens with its excursion: a tanh, the usual model without memory."""

    def __init__(self, thd: float) -> None:
        """Total harmonic distortion of a sine at REFERENCE_PEAK: above 0, at most 0.3. Soft sounds keep their level."""
        self._drive = np.float32(_drive_for(thd))

    def emit(self, block: Signal) -> Signal:
        clipped: Signal = np.tanh(self._drive * block) / self._drive
        return clipped


class Limiter:
    """An amplifier's peak limiter without look-ahead: it gives way at once, and takes a fifth of a second to come back."""

    def __init__(self) -> None:
        self._envelope = 0.0

    def emit(self, block: Signal) -> Signal:
        peaks = np.abs(block)
        if self._envelope <= LIMIT_PEAK and (not len(peaks) or float(peaks.max()) <= LIMIT_PEAK):
            # nothing to limit; an envelope below the limit decays unseen
            self._envelope = self._decayed(peaks)
            return block
        envelope = np.empty(len(block))
        now = self._envelope
        for i, peak in enumerate(peaks.tolist()):
            now = max(peak, now * _RELEASE)
            envelope[i] = now
        self._envelope = now
        limited: Signal = (block * np.minimum(1.0, LIMIT_PEAK / np.maximum(envelope, LIMIT_PEAK))).astype(np.float32)
        return limited

    def _decayed(self, peaks: Signal) -> float:
        decay = _RELEASE ** np.arange(len(peaks), -1, -1)
        return float(max(self._envelope * decay[0], np.max(peaks * decay[1:], initial=0.0)))


class Chain:
    """One after another: an amplifier, and the loudspeaker behind it."""

    def __init__(self, *stages: Loudspeaker) -> None:
        self._stages = stages

    def emit(self, block: Signal) -> Signal:
        for stage in self._stages:
            block = stage.emit(block)
        return block


def _drive_for(thd: float) -> float:
    """By bisection: a tanh distorts the more the harder it is driven."""
    if not 0.0 < thd <= 0.3:
        raise ValueError(f"a distortion of {thd} is none that a tanh has; it goes from 0 to 0.3")
    low, high = 1e-3, 100.0
    for _ in range(60):
        middle = math.sqrt(low * high)
        low, high = (middle, high) if _thd(middle) < thd else (low, middle)
    return low


def _thd(drive: float) -> float:
    sine = REFERENCE_PEAK * np.sin(2 * np.pi * np.arange(1024) * 16 / 1024)
    harmonics = np.abs(np.fft.rfft(np.tanh(drive * sine)))[16::16]
    return float(np.sqrt((harmonics[1:] ** 2).sum()) / harmonics[0])
