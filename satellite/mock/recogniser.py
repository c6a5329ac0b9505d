"""Speech-to-text by comparison: finds which of a few known recordings is in what was heard, or that none is.

A recording that went through a room and a canceller still correlates with itself once both are whitened, and its parts are
found where the whole is; with other speech neither is so. Nothing is scripted: what lost its words, or holds the loudspeaker
instead of the user, does not fit.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from satellite.audio.card import Samples
from satellite.core.units import RATE_HZ

# measured through a reverberant room and the canceller: right recordings from 1.9, 80 others up to 1.6
SURE_PROMINENCE = 1.8

# or two of three parts within 2 ms of where the whole is, which happened to no other recording
_PARTS = 3
SURE_PARTS = 2
_TOLERANCE_FRAMES = RATE_HZ // 500

# where speech and little noise is
_LOWEST_HZ, _HIGHEST_HZ = 80.0, 6000.0
# of the loudest bin; and not quite white: both keep the noise between the harmonics down
_REGULARISATION = 1e-4
_WHITENING = 0.8

# what the room adds to a peak lies within 50 ms of it
_REVERBERATION = RATE_HZ // 20


@dataclass(frozen=True, slots=True)
class Match:
    """Where a recording begins in what was heard, in frames, and what speaks for it."""

    text: str
    start_frame: int
    prominence: float
    parts: int

    @property
    def is_sure(self) -> bool:
        """Whether it is really there."""
        return self.prominence >= SURE_PROMINENCE or self.parts >= SURE_PARTS


class TemplateRecogniser:
    """Knows some recordings by heart. Several may have one text."""

    def __init__(self, templates: Sequence[tuple[str, Samples]]) -> None:
        self._templates = tuple(templates)

    def recognise(self, heard: Samples) -> str:
        """The text of the recording that is in there; empty if none is."""
        match = self.best(heard)
        return match.text if match is not None and match.is_sure else ""

    def best(self, heard: Samples) -> Match | None:
        """The likeliest recording; None if what was heard is too short to hold anything."""
        if len(heard) < RATE_HZ // 4 or not heard.any():
            return None
        return max((_match(text, template, heard) for text, template in self._templates), key=_likelihood)


def locate(template: Samples, heard: Samples) -> tuple[int, float]:
    """Where in `heard` the template begins (negative: before it), and its correlation over that of the next best place."""
    size = 1 << (len(template) + len(heard) - 1).bit_length()
    spectrum = np.conj(np.fft.rfft(template, size)) * np.fft.rfft(heard, size)
    magnitude = np.abs(spectrum)
    loudest = magnitude.max()
    if loudest == 0.0:
        return 0, 0.0
    hertz = np.fft.rfftfreq(size, 1 / RATE_HZ)
    spectrum[(hertz < _LOWEST_HZ) | (hertz > _HIGHEST_HZ)] = 0.0
    correlation = np.fft.irfft(spectrum / (magnitude + _REGULARISATION * loudest) ** _WHITENING, size)
    lag = int(np.argmax(correlation))
    peak = float(correlation[lag])
    correlation[np.arange(lag - _REVERBERATION, lag + _REVERBERATION) % size] = 0.0
    return (lag if lag < len(heard) else lag - size), peak / float(np.abs(correlation).max())


def _match(text: str, template: Samples, heard: Samples) -> Match:
    lag, prominence = locate(template, heard)
    parts = 0
    for number in range(_PARTS):
        begin, end = len(template) * number // _PARTS, len(template) * (number + 1) // _PARTS
        found, _ = locate(template[begin:end], heard)
        parts += abs(found - begin - lag) <= _TOLERANCE_FRAMES
    return Match(text, lag, prominence, parts)


def _likelihood(match: Match) -> tuple[bool, float]:
    return match.is_sure, match.prominence
