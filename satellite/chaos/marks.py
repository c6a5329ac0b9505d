"""Every reply is a tone of its own, so that the loudspeaker's record tells which reply sounds."""

from collections.abc import Iterator, Mapping

import numpy as np

from satellite.audio.card import Samples
from satellite.core.units import RATE_HZ, Frames

BLOCK = Frames(1280)
"""80 ms: tones 75 Hz apart are told apart in it."""

# as many as nobody hears between one use of a tone and the next
TONES = 40
# above the notes of our own sounds, the highest of which is 1047 Hz
_LOWEST_HZ, _STEP_HZ = 1100.0, 75.0
# as loud as speech, with the rhythm of syllables
_PEAK, _SYLLABLES_HZ = 5000.0, 4.0
# -80 dBFS: what is softer than that is no sound
_AUDIBLE = 3.0
# of a block's power: what is another sound too is no mark
_PURE = 0.8

_WINDOW = np.hanning(BLOCK)
# bins of the window's main lobe, each side
_LOBE_BINS = 2


def sound(tone: int, seconds: float) -> Samples:
    """A reply with this mark."""
    t = np.arange(int(seconds * RATE_HZ)) / RATE_HZ
    syllables = 0.6 - 0.4 * np.cos(2 * np.pi * _SYLLABLES_HZ * t)
    samples: Samples = (_PEAK * syllables * np.sin(2 * np.pi * _hertz(tone) * t)).astype(np.int16)
    return samples


def tone_of(block: Samples) -> int | None:
    """The mark in a block of the record; None if there is none."""
    if np.sqrt(np.mean(block.astype(np.float64) ** 2)) < _AUDIBLE:
        return None
    powers = np.abs(np.fft.rfft(block * _WINDOW)) ** 2
    at = int(np.argmax(powers))
    tone = round((at * RATE_HZ / BLOCK - _LOWEST_HZ) / _STEP_HZ)
    is_pure = powers[max(at - _LOBE_BINS, 0) : at + _LOBE_BINS + 1].sum() > _PURE * powers.sum()
    return tone if is_pure and 0 <= tone < TONES and abs(_hertz(tone) - at * RATE_HZ / BLOCK) < _STEP_HZ / 3 else None


def _hertz(tone: int) -> float:
    return _LOWEST_HZ + _STEP_HZ * tone


class Texts(Mapping[str, Samples]):
    """What a text-to-speech server says to each text that ends with the number of its tone: `Answer 7.`"""

    def __init__(self, seconds: Mapping[int, float]) -> None:
        self._seconds = seconds

    def __getitem__(self, text: str) -> Samples:
        try:
            tone = int(text.rstrip(".?").split()[-1])
            return sound(tone, self._seconds[tone])
        except (ValueError, IndexError):
            raise KeyError(text) from None

    def __iter__(self) -> Iterator[str]:
        return iter(())

    def __len__(self) -> int:
        return 0
