"""A soft voice made louder, for those who understand words: WebRTC's second automatic gain control."""

import numpy as np
from pywebrtc_audio import GainController

from satellite.audio.card import Samples
from satellite.core.units import RATE_HZ

# Noise is not raised above it: where the microphone is as loud as this by itself, it is left as it is, and so is a far voice.
# The library's own default.
MOST_NOISE_DBFS = -50.0


class AutoGain:
    """Raises by at most `most_db`, and lowers nothing but peaks, without delay. Learns the voice: keep one for good.

    Not for the voice detector and what interrupts: their thresholds are levels, and a gain that moves would move them.
    """

    def __init__(self, most_db: float) -> None:
        self._most_db = most_db
        self._controller = GainController(RATE_HZ, 1, max_gain_db=most_db, max_output_noise_level_dbfs=MOST_NOISE_DBFS)

    @property
    def gain_db(self) -> float:
        """Of the last period."""
        return min(self._controller.gain_db, self._most_db)

    def process(self, samples: Samples) -> Samples:
        """10 ms, louder. Its limiter keeps them within 16 bits."""
        raised = self._controller.process(samples)
        excess_db = self._controller.gain_db - self._most_db
        # it begins with 15 dB, whatever is allowed, and lowers them by 6 dB a second
        return raised if excess_db <= 0.0 else (raised * np.float32(10.0 ** (-excess_db / 20.0))).astype(np.int16)
