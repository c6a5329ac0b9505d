"""The loop delay: a stretch of reference and microphone while something plays, from which it is measured elsewhere."""

import numpy as np

from satellite.audio.card import Samples
from satellite.audio.commands import EchoSample
from satellite.core.units import PERIOD_FRAMES, Frames, frames

# long enough for a sound correlation in a reverberant room
SAMPLE_FRAMES = frames(1000)
# a sample with two delays in it has none
_SAME_LEAD = frames(2)
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
    """How long what is written takes to come back: the lead, which the engine knows at any time, and what is beyond it.

    The lead is what the speaker has queued less what waits in the reference; drift, stalls and late threads move it. Converters
    and air do not move, so a measurement is kept as what it found beyond the lead of its time.
    """

    def __init__(self) -> None:
        self.has_sampled = False
        """Whether a sound has been long enough to be measured; before, what is beyond the lead is not known."""
        self._beyond = 0
        self._sampler = EchoSampler()
        self._lead_of_sample: int | None = None
        self._sampled_lead = 0

    def measure(self) -> None:
        """Takes a sample of the next sound."""
        self._sampler.begin()
        self._lead_of_sample = None

    def add(self, reference: Samples, microphone: Samples, lead_frames: int) -> EchoSample | None:
        """One period of both; a full sample, unless the lead moved within its sound, and then it is taken anew."""
        if self._sampler.is_taking and is_audible(reference):
            if self._lead_of_sample is not None and abs(lead_frames - self._lead_of_sample) > _SAME_LEAD:
                self.measure()
            if self._lead_of_sample is None:
                self._lead_of_sample = lead_frames
        sample = self._sampler.add(reference, microphone)
        if sample is not None:
            assert self._lead_of_sample is not None
            self._sampled_lead, self.has_sampled = self._lead_of_sample, True
        return sample

    def measured(self, frames: int) -> None:
        """What the last sample says."""
        self._beyond, self.has_sampled = frames - self._sampled_lead, True

    def at(self, lead_frames: int) -> Frames:
        """With this lead."""
        return Frames(max(lead_frames + self._beyond, 0))


def is_audible(reference: Samples) -> bool:
    """Whether it is no pause."""
    return int(np.abs(reference).max()) >= _AUDIBLE
