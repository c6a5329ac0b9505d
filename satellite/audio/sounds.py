"""Short sounds beside speech: those that come with us are computed, any other is a file of the operator's."""

from collections.abc import Callable
from pathlib import Path

import numpy as np

from satellite.audio.card import Samples
from satellite.audio.levels import gain_of_volume
from satellite.errors import ConfigError

# in place of a path
DEFAULT = "default"

# what is longer is no sign but a message
LONGEST_S = 10.0

_RATES_HZ = range(8000, 192_001)


def load_sound(path: Path, key: str) -> tuple[Samples, int]:
    """A WAV or FLAC file as mono, and its rate. ConfigError says what is wrong with it, and at which key.

    As long as the file is, whatever its header says: programs that stream into a file write nonsense there.
    """
    # half a megabyte of library, for those who have a file of their own
    import soundfile

    try:
        with path.open("rb") as opened, soundfile.SoundFile(opened) as file:
            if file.format not in ("WAV", "WAVEX", "FLAC") or file.samplerate not in _RATES_HZ:
                raise ConfigError(
                    f"{key}: {path}: {file.format} at {file.samplerate} Hz: WAV and FLAC from 8 to 192 kHz are understood"
                )
            own_hz = int(file.samplerate)
            # what is too long need not be read to its end
            samples = file.read(int(LONGEST_S * own_hz) + 1, dtype="float32", always_2d=True)
    except OSError as error:
        raise ConfigError(f"{key}: {path}: {error.strerror or error}") from error
    except soundfile.SoundFileError as error:
        raise ConfigError(f"{key}: {path}: this is no WAV or FLAC file") from error
    if len(samples) > LONGEST_S * own_hz:
        raise ConfigError(f"{key}: {path}: it is too long; at most {LONGEST_S:.0f} s are played")
    mono: Samples = np.clip(samples.mean(axis=1) * 32768, -32768, 32767).astype(np.int16)
    return mono, own_hz


def _resampled(samples: Samples, own_hz: int, rate_hz: int) -> Samples:
    if own_hz == rate_hz:
        return samples
    import soxr

    resampled: Samples = soxr.resample(samples, own_hz, rate_hz)
    return resampled


class SoundFile:
    """A sound that the operator may replace, make softer, or switch off."""

    def __init__(self, key: str, file: str | None, default: Callable[[int], Samples], volume: int = 100) -> None:
        """`file` is `default`, a path, or None for silence; `volume` from 0 to 100. ConfigError if it cannot be played."""
        self._default, self._is_wanted = default, file is not None
        self._own = None if file is None or file == DEFAULT else load_sound(Path(file), key)
        self._gain = gain_of_volume(volume)
        self._made: dict[int, Samples] = {}

    def at(self, rate_hz: int) -> Samples | None:
        """Its samples at this rate; None for silence."""
        if not self._is_wanted:
            return None
        if rate_hz not in self._made:
            self._made = {rate_hz: self._make(rate_hz)}
        return self._made[rate_hz]

    def _make(self, rate_hz: int) -> Samples:
        samples = self._default(rate_hz) if self._own is None else _resampled(*self._own, rate_hz)
        return samples if self._gain == 1.0 else (samples * self._gain).astype(np.int16)
