"""What is made of a period of the microphone before anything is decided: cancelled, and judged by every detector."""

from dataclasses import dataclass

import numpy as np

from satellite.audio.card import Samples
from satellite.audio.detectors import VOICING_FRAMES, Canceller, NearEndDetector, VoiceDetector, Voicing
from satellite.audio.levels import swing_db
from satellite.core.echo import Excess
from satellite.core.units import PERIOD_FRAMES, SILENCE_DB, Decibels, Frames, Probability

# windows below it are no part of any word
_SILENT_PROBABILITY = 0.10


@dataclass(frozen=True, slots=True)
class Sense:
    """Of one period."""

    clean: Samples
    """Behind the canceller."""
    probability: Probability | None
    """Of the voice detector's window that ended in it, if one did."""
    near_end: Excess
    voicing: float
    """Of the raw microphone in that window, where no reply drowns it ..."""
    level: Decibels
    """... and its level."""


class Ear:
    """For one thread; one period a call."""

    def __init__(self, canceller: Canceller, detector: VoiceDetector, near_end: NearEndDetector, voicing: Voicing) -> None:
        self.near_end = near_end
        self._canceller, self._detector, self._voicing = canceller, detector, voicing
        self._recent: Samples = np.zeros(VOICING_FRAMES, np.int16)

    @property
    def hop_frames(self) -> Frames:
        """From one window of the voice detector to the next."""
        return Frames(self._detector.hop_frames)

    def hear(
        self,
        near: Samples,
        reference: Samples,
        echoing: Samples | None,
        *,
        is_alone: bool,
        has_reply: bool,
        is_idle: bool,
        is_talk: bool,
    ) -> Sense:
        """`reference` leads its echo; `echoing` is what reaches the microphone in this very period, None if that is not known.

        `is_alone`: nothing of ours is heard, or it was ducked. `has_reply`: one is there, playing or not. `is_idle`: none is, and
        the user does not have the floor. `is_talk`: talk was going on then.
        """
        clean = self._canceller.process(near, reference)
        told = self._detector.feed(clean)
        excess = Excess() if echoing is None else self.near_end.feed(near, echoing, is_idle, is_talk)
        self._recent[:-PERIOD_FRAMES] = self._recent[PERIOD_FRAMES:]
        self._recent[-PERIOD_FRAMES:] = near
        if told is None:
            return Sense(clean, None, excess, 0.0, SILENCE_DB)
        # the voicing takes as long as the voice detector, so only where a voice may be judged
        is_asked = is_alone and (has_reply or told >= _SILENT_PROBABILITY)
        voicing = self._voicing(self._recent) if is_asked else 0.0
        return Sense(clean, Probability(told), excess, voicing, swing_db(self._recent) if is_alone else SILENCE_DB)
