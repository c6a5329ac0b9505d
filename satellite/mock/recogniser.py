"""Recognises recordings it knows in audio that went through a room, a canceller and a noise suppressor.

It compares phases, not loudness: a spectrum with every bin set to length one keeps what an utterance has for its own,
and neither reverberation, echo leftovers nor level take that away, while another speaker's same words do not have it.
So it knows *recordings*, not words: of a living voice it understands nothing.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from satellite.audio.card import Samples
from satellite.core.units import RATE_HZ

Spectrum = NDArray[np.complex64]
"""Frames by bins."""

# 64 ms hold the direct sound and the early reflections of a room; 32 and 48 ms tell "stop" at SER -10 dB less well
_WINDOW_FRAMES = 1024
_HOP_FRAMES = 256

# below it rooms rumble, above it noise suppressors leave little of a distant voice
_BAND_HZ = (150, 5000)

# bins this weak are digital silence: they are not blown up to length one
_FLOOR = float(_WINDOW_FRAMES) ** 0.5

# where a recording is 35 dB under its loudest it is the silence around the words
_SILENCE_DB = -35.0

# the best of all places in noise scores 1.9 to 2.1 over the number of frames, whatever the noise
_CHANCE = 2.0

# other speech of the same synthetic voice reaches 0.019 over chance, "stop" ducked in at SER -10 dB at least 0.04
_MARGIN = 0.02

# 0.45 s, about two words; a shorter piece cannot be told from chance in a noisy room
_PIECE_FRAMES = 28

# one piece of three may be cut off or drowned; with two gone a real recogniser would not have got it either
_PIECES_NEEDED = 0.6

# a place where the audio is this quiet against its loudest is not scored up: -10 dB of energy
_ENERGY_FLOOR = 0.1

# where speech and little noise is
_LOWEST_HZ, _HIGHEST_HZ = 80.0, 6000.0
# of the loudest bin; and not quite white: both keep the noise between the harmonics down
_REGULARISATION = 1e-4
_WHITENING = 0.8

# what the room adds to a peak lies within 50 ms of it
_REVERBERATION = RATE_HZ // 20


@dataclass(frozen=True, slots=True)
class Match:
    """A recording found in audio."""

    text: str
    score: float
    """Coherence over what chance gives."""
    start_ms: int
    end_ms: int


class TemplateRecogniser:
    """Knows some recordings (16 kHz mono) by heart. Several may have one text."""

    def __init__(self, templates: Sequence[tuple[str, Samples]]) -> None:
        self._templates = [(text, _spectrum(_trimmed(recording))) for text, recording in templates]

    def recognise(self, samples: Samples) -> str:
        """The text of the recording that is most surely in there; empty if none is."""
        matches = self.matches(samples)
        return max(matches, key=lambda match: match.score).text if matches else ""

    def matches(self, samples: Samples) -> list[Match]:
        """Every known recording in the audio, in order; each text once, and no two in one place."""
        if not self._templates or len(samples) == 0:
            return []
        longest = max(len(template) for _, template in self._templates)
        audio = _Audio(_spectrum(samples), longest)
        found = [m for text, template in self._templates if (m := audio.find(text, template)) is not None]
        chosen: list[Match] = []
        for match in sorted(found, key=lambda m: -m.score):
            if not any(match.text == other.text or _overlap(match, other) for other in chosen):
                chosen.append(match)
        return sorted(chosen, key=lambda m: m.start_ms)


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


class _Audio:
    """Audio in which templates are looked for, with as much silence around it as the longest of them has frames."""

    def __init__(self, spectrum: Spectrum, margin_frames: int) -> None:
        self._margin = margin_frames
        self._padded = np.pad(spectrum, ((margin_frames, margin_frames), (0, 0)))
        self._size = 1 << (len(self._padded) + margin_frames).bit_length()
        self._transformed = np.fft.fft(self._padded, self._size, axis=0)
        energy = np.abs(self._padded).astype(np.float64) ** 2
        self._energy_until = np.pad(np.cumsum(energy, axis=0), ((1, 0), (0, 0)))

    def find(self, text: str, template: Spectrum) -> Match | None:
        frames = len(template)
        scores = self._scores(template)
        place = int(scores.argmax())
        score = float(scores[place]) - _CHANCE / frames
        if score < _MARGIN or not _heard_enough(self._padded[place : place + frames], template):
            return None
        start_ms = (place - self._margin) * _HOP_FRAMES * 1000 // RATE_HZ
        return Match(text, score, start_ms, start_ms + frames * _HOP_FRAMES * 1000 // RATE_HZ)

    def _scores(self, template: Spectrum) -> NDArray[np.float64]:
        """Mean coherence over the bins, 0 to 1, for every place the template can be in."""
        frames = len(template)
        there = np.fft.ifft(self._transformed * np.conj(np.fft.fft(template, self._size, axis=0)), axis=0)
        places = len(self._padded) - frames + 1
        energy = self._energy_until[frames:] - self._energy_until[:-frames]
        energy = np.maximum(energy, _ENERGY_FLOOR * energy.max(axis=0) + 1e-9)
        own = (np.abs(template) ** 2).sum(axis=0) + 1e-9
        scores: NDArray[np.float64] = (np.abs(there[:places]) ** 2 / (energy * own)).mean(axis=1)
        return scores


def _heard_enough(audio: Spectrum, template: Spectrum) -> bool:
    """Whether most pieces of the template are there, not one strong word alone."""
    count = max(1, len(template) // _PIECE_FRAMES)
    heard = 0
    for part, own in zip(np.array_split(audio, count), np.array_split(template, count), strict=True):
        energy = (np.abs(part) ** 2).sum(axis=0) * (np.abs(own) ** 2).sum(axis=0) + 1e-9
        score = float((np.abs((part * np.conj(own)).sum(axis=0)) ** 2 / energy).mean())
        heard += score > _CHANCE / len(own) + _MARGIN
    return heard >= _PIECES_NEEDED * count


def _overlap(one: Match, other: Match) -> bool:
    """Whether they share more than half of the shorter one."""
    shared_ms = min(one.end_ms, other.end_ms) - max(one.start_ms, other.start_ms)
    return 2 * shared_ms > min(one.end_ms - one.start_ms, other.end_ms - other.start_ms)


def _spectrum(samples: Samples) -> Spectrum:
    """Frames of the short-time spectrum within the band, every bin that is no silence of length one."""
    padded = np.pad(samples.astype(np.float32), _WINDOW_FRAMES)
    frames = np.lib.stride_tricks.sliding_window_view(padded, _WINDOW_FRAMES)[::_HOP_FRAMES]
    low, high = (hz * _WINDOW_FRAMES // RATE_HZ for hz in _BAND_HZ)
    window = np.hanning(_WINDOW_FRAMES).astype(np.float32)
    bins = np.fft.rfft(frames * window)[:, low:high]
    flat: Spectrum = (bins / (np.abs(bins) + _FLOOR)).astype(np.complex64)
    return flat


def _trimmed(samples: Samples) -> Samples:
    """A recording without the silence before and after its words."""
    frame = RATE_HZ // 100
    blocks = samples[: len(samples) // frame * frame].reshape(-1, frame).astype(np.float64)
    energy = (blocks**2).mean(axis=1)
    loud = np.flatnonzero(energy > energy.max() * 10 ** (_SILENCE_DB / 10))
    return samples[loud[0] * frame : (loud[-1] + 1) * frame]
