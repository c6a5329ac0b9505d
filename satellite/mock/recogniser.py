"""Speech-to-text by comparison: finds which of a few known recordings is in what was heard, or that none is.

A recording that went through a room still correlates with itself once both are whitened, and with nothing else. Nothing is
scripted: what lost its beginning, or holds the loudspeaker instead of the user, does not fit.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from satellite.audio.card import Samples
from satellite.core.units import RATE_HZ

# measured through two reverberant rooms at 2 and 3 m, with noise: right texts from 2.6, 120 other recordings up to 1.7
LEAST_PROMINENCE = 2.0

# 50 ms on either side
_REVERBERATION = RATE_HZ // 20

# of the loudest bin; below is noise, which whitening would make as loud as the rest
_REGULARISATION = 1e-3


@dataclass(frozen=True, slots=True)
class Match:
    """Where a recording begins in what was heard, in frames, and how far its correlation stands out from the next best place."""

    text: str
    start_frame: int
    prominence: float


class TemplateRecogniser:
    """Knows some recordings by heart. Several may have one text."""

    def __init__(self, templates: Sequence[tuple[str, Samples]]) -> None:
        self._templates = tuple(templates)

    def recognise(self, heard: Samples) -> str:
        """The text of the recording that is in there; empty if none is."""
        match = self.best(heard)
        return match.text if match is not None and match.prominence >= LEAST_PROMINENCE else ""

    def best(self, heard: Samples) -> Match | None:
        """The likeliest recording; None if what was heard is too short to hold anything."""
        if len(heard) < RATE_HZ // 4 or not heard.any():
            return None
        matches = (Match(text, *locate(template, heard)) for text, template in self._templates)
        return max(matches, key=lambda match: match.prominence)


def locate(template: Samples, heard: Samples) -> tuple[int, float]:
    """Where in `heard` the template begins (negative: before it), and how far that stands out. Neither may be silent."""
    size = 1 << (len(template) + len(heard) - 1).bit_length()
    spectrum = np.conj(np.fft.rfft(template, size)) * np.fft.rfft(heard, size)
    magnitude = np.abs(spectrum)
    correlation = np.fft.irfft(spectrum / (magnitude + _REGULARISATION * magnitude.max()), size)
    lag = int(np.argmax(correlation))
    peak = float(correlation[lag])
    # what the room adds to the peak itself does not count against it
    correlation[np.arange(lag - _REVERBERATION, lag + _REVERBERATION) % size] = 0.0
    return (lag if lag < len(heard) else lag - size), peak / float(np.abs(correlation).max())
