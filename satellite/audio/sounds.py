"""Short sounds beside speech: those that come with us are computed, any other is a WAV file."""

import wave
from collections.abc import Callable
from pathlib import Path

import numpy as np

from satellite.audio.card import Samples
from satellite.core.units import RATE_HZ
from satellite.errors import ConfigError

# in place of a path
DEFAULT = "default"

# two notes that fall by a fourth: nobody takes them for good news
_NOTES_HZ = (440.0, 330.0)
_NOTE_S = 0.13
# softer than speech, and above a room's noise
_PEAK = 0.15

# what is longer is no sign but a message
LONGEST_S = 10.0


def error_tone(rate_hz: int) -> Samples:
    """Something went wrong."""
    return np.concatenate([_note(hertz, rate_hz) for hertz in _NOTES_HZ])


def _note(hertz: float, rate_hz: int) -> Samples:
    t = np.arange(int(rate_hz * _NOTE_S)) / rate_hz
    swell = np.sin(np.pi * t / _NOTE_S) ** 2
    note = np.sin(2 * np.pi * hertz * t) + 0.3 * np.sin(4 * np.pi * hertz * t)
    samples: Samples = (note * swell * _PEAK * 32767 / 1.3).astype(np.int16)
    return samples


def load_sound(path: Path, key: str, rate_hz: int) -> Samples:
    """A WAV file of 16 bits at any rate, as mono at this one. ConfigError says what is wrong with it, and at which key."""
    try:
        with wave.open(str(path), "rb") as file:
            channels, width, own_hz, frames = file.getparams()[:4]
            if width != 2 or not 1 <= channels <= 8 or not 8000 <= own_hz <= 192_000:
                raise ConfigError(f"{key}: {path}: {width * 8} bits, {channels} channels, {own_hz} Hz: 16-bit WAV is understood")
            if frames > LONGEST_S * own_hz:
                raise ConfigError(f"{key}: {path}: it lasts {frames / own_hz:.0f} s; at most {LONGEST_S:.0f} s are played")
            pcm = file.readframes(frames)
    except OSError as error:
        raise ConfigError(f"{key}: {path}: {error.strerror}") from error
    except (wave.Error, EOFError) as error:
        raise ConfigError(f"{key}: {path}: this is no WAV file: {error or 'it is empty'}") from error
    whole = np.frombuffer(pcm[: len(pcm) // (2 * channels) * 2 * channels], "<i2").reshape(-1, channels)
    mono: Samples = whole.mean(axis=1).astype(np.int16)
    if own_hz == rate_hz:
        return mono
    import soxr

    resampled: Samples = soxr.resample(mono, own_hz, rate_hz)
    return resampled


class SoundFile:
    """A sound that the operator may replace or switch off."""

    def __init__(self, key: str, wanted: str | None, default: Callable[[int], Samples]) -> None:
        """`wanted` is `default`, the path of a WAV file, or None for silence. ConfigError if it cannot be played."""
        self._key, self._wanted, self._default = key, wanted, default
        self._made: dict[int, Samples | None] = {}
        self.at(RATE_HZ)

    def at(self, rate_hz: int) -> Samples | None:
        """Its samples at this rate; None for silence."""
        if rate_hz not in self._made:
            self._made = {rate_hz: self._make(rate_hz)}
        return self._made[rate_hz]

    def _make(self, rate_hz: int) -> Samples | None:
        if self._wanted is None:
            return None
        return self._default(rate_hz) if self._wanted == DEFAULT else load_sound(Path(self._wanted), self._key, rate_hz)
