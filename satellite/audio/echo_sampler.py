"""The loop delay: a stretch of reference and microphone while something plays, from which it is measured elsewhere."""

import numpy as np

from satellite.audio.card import Samples
from satellite.audio.commands import EchoSample
from satellite.core.units import PERIOD_FRAMES, Frames, frames

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

    @property
    def is_taking(self) -> bool:
        """Whether a sample is wanted and not full yet."""
        return self._at is not None

    def add(self, reference: Samples, microphone: Samples) -> EchoSample | None:
        """One period of both; the sample when it is full."""
        at = self._at
        if at is None or (at == 0 and not is_audible(reference)):
            return None
        end = at + PERIOD_FRAMES
        self._reference[at:end], self._microphone[at:end] = reference, microphone
        if end < SAMPLE_FRAMES:
            self._at = end
            return None
        self._at = None
        return EchoSample(self._reference.copy(), self._microphone.copy())


class LoopDelay:
    """How long what is written takes to come back, kept right between two measurements by what is known to have moved it."""

    def __init__(self, frames: int) -> None:
        self._frames = frames
        self._slip = 0
        self._sampler = EchoSampler()
        self._slip_of_sample: int | None = None
        self._sampled_slip = 0

    def measure(self) -> None:
        """Takes a sample of the next sound."""
        self._sampler.begin()
        self._slip_of_sample = None

    def add(self, reference: Samples, microphone: Samples, slip_frames: int) -> EchoSample | None:
        """One period of both; a full sample, unless the reference slipped within its sound, and then it is taken anew."""
        if self._sampler.is_taking and is_audible(reference):
            if self._slip_of_sample not in (None, slip_frames):
                self._sampler.begin()
            self._slip_of_sample = slip_frames
        sample = self._sampler.add(reference, microphone)
        if sample is not None:
            assert self._slip_of_sample is not None
            self._sampled_slip = self._slip_of_sample
        return sample

    def measured(self, frames: int) -> None:
        """What the last sample says."""
        self._frames, self._slip = frames, self._sampled_slip

    def at(self, slip_frames: int) -> Frames:
        """With the reference having slipped so much since the beginning."""
        return Frames(max(self._frames + slip_frames - self._slip, 0))


def is_audible(reference: Samples) -> bool:
    """Whether it is no pause."""
    return int(np.abs(reference).max()) >= _AUDIBLE
