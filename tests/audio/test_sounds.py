"""Sounds beside speech: computed, or from a file of the operator's."""

import wave
from pathlib import Path

import numpy as np
import pytest

from satellite.audio.sounds import SoundFile, error_tone, load_sound
from satellite.errors import ConfigError


def _wav(path: Path, rate_hz: int = 16_000, channels: int = 1, width: int = 2, seconds: float = 0.1) -> Path:
    with wave.open(str(path), "wb") as file:
        file.setparams((channels, width, rate_hz, 0, "NONE", ""))
        file.writeframes(bytes([1, 2] * int(rate_hz * seconds * channels * width / 2)))
    return path


@pytest.mark.parametrize("rate_hz", [8000, 16_000, 48_000])
def test_the_sound_of_an_error_is_short_and_soft_at_any_rate(rate_hz: int) -> None:
    """It begins and ends without a click."""
    tone = error_tone(rate_hz)
    assert 0.2 < len(tone) / rate_hz < 0.4
    assert 2000 < np.abs(tone).max() < 32767 * 0.2
    assert max(abs(int(tone[0])), abs(int(tone[-1]))) < 50


@pytest.mark.parametrize(("rate_hz", "channels"), [(16_000, 1), (48_000, 2), (44_100, 1), (8000, 1)])
def test_a_wav_file_of_any_rate_is_played_at_ours(tmp_path: Path, rate_hz: int, channels: int) -> None:
    """As long as it is."""
    samples = load_sound(_wav(tmp_path / "a.wav", rate_hz, channels), "sounds.error", 16_000)
    assert samples.dtype == np.int16 and len(samples) == pytest.approx(1600, abs=2)


def test_what_cannot_be_played_is_the_operators_mistake(tmp_path: Path) -> None:
    """Told with its key, its path, and what is wrong."""
    text = tmp_path / "text.wav"
    text.write_text("no sound")
    for path, words in (
        (tmp_path / "missing.wav", "No such file"),
        (text, "this is no WAV file"),
        (_wav(tmp_path / "wide.wav", width=4), "16-bit WAV is understood"),
        (_wav(tmp_path / "long.wav", seconds=11), "it lasts 11 s; at most 10 s"),
    ):
        with pytest.raises(ConfigError, match=f"^sounds.error: {path}: .*{words}"):
            SoundFile("sounds.error", str(path), error_tone)


def test_an_operator_may_have_silence_or_the_sound_that_comes_with_us(tmp_path: Path) -> None:
    """Or his own, which is read once for each rate."""
    assert SoundFile("sounds.error", None, error_tone).at(16_000) is None
    default = SoundFile("sounds.error", "default", error_tone).at(48_000)
    assert default is not None and np.array_equal(default, error_tone(48_000))
    own = SoundFile("sounds.error", str(_wav(tmp_path / "own.wav")), error_tone)
    (tmp_path / "own.wav").unlink()
    samples = own.at(16_000)
    assert samples is not None and len(samples) == 1600
