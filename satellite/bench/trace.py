"""What the satellite's own detectors made of a scene, period by period, beside the truth: what other rules are judged on.

It is taken while the reply plays on whatever is heard, so that every rule sees the same signals: the canceller's output, and
the raw microphone.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from satellite.audio.card import Samples
from satellite.core.units import PERIOD_FRAMES

Levels = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Windows:
    """The voice detector's windows of 32 ms, each `hop_frames` after the last, none overlapping; shape (n,)."""

    ends: NDArray[np.int64]
    """The frame at which each ends, counted like the trace's periods."""
    clean: Levels
    """Probability of speech behind the canceller ..."""
    raw: Levels
    """... and on the raw microphone."""
    hop_frames: int = 512


@dataclass(frozen=True, slots=True)
class Trace:
    """Frames are those of the microphone's stream at 16 kHz, from the satellite's start on."""

    near: Samples
    """The raw microphone ..."""
    clean: Samples
    """... behind the canceller ..."""
    far: Samples
    """... and what was played, as it reaches the microphone: the echo is this, through the echo path. All of one length."""
    windows: Windows
    reply_begin: int
    """Where the last reply begins to sound at the microphone ..."""
    reply_end: int
    """... and where it has ended."""
    first_reply_begin: int
    onset: int | None = None
    """The user's first sound at the microphone; None without one."""
    sound_end: int | None = None

    @property
    def far_db(self) -> Levels:
        """Level of what was played in each whole period of 10 ms; dB relative to full scale. shape (periods,)"""
        return _levels(self.far)


def _levels(samples: Samples) -> Levels:
    periods = samples[: len(samples) // PERIOD_FRAMES * PERIOD_FRAMES].reshape(-1, PERIOD_FRAMES).astype(np.float64) / 32768.0
    levels: Levels = 10.0 * np.log10((periods**2).mean(axis=1) + 1e-12)
    return levels
