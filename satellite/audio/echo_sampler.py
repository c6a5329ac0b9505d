"""Collects a stretch of reference and microphone while something plays, from which the loop delay is measured elsewhere."""

import numpy as np

from satellite.audio.card import Samples
from satellite.audio.commands import EchoSample
from satellite.core.units import PERIOD_FRAMES, frames

# long enough for a sound correlation in a reverberant room
SAMPLE_FRAMES = frames(1000)
# below this the reference is a pause
_AUDIBLE = 100


class EchoSampler:
    """Once armed, it begins with the first audible reference."""

    def __init__(self) -> None:
        self._reference: Samples = np.zeros(SAMPLE_FRAMES, np.int16)
        self._microphone: Samples = np.zeros(SAMPLE_FRAMES, np.int16)
        self._at: int | None = None

    def begin(self) -> None:
        """Takes one sample from the next sound on."""
        self._at = 0

    def add(self, reference: Samples, microphone: Samples) -> EchoSample | None:
        """One period of both; the sample when it is full."""
        at = self._at
        if at is None or (at == 0 and int(np.abs(reference).max()) < _AUDIBLE):
            return None
        end = at + PERIOD_FRAMES
        self._reference[at:end], self._microphone[at:end] = reference, microphone
        if end < SAMPLE_FRAMES:
            self._at = end
            return None
        self._at = None
        return EchoSample(self._reference.copy(), self._microphone.copy())
