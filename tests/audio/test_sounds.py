"""Sounds beside speech: computed, or from a file of the operator's."""

import struct
import wave
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import soundfile

from satellite.audio.sounds import SoundFile, load_sound
from satellite.audio.tones import MELODIES, melody
from satellite.errors import ConfigError


def _wav(path: Path, rate_hz: int = 16_000, channels: int = 1, width: int = 2, seconds: float = 0.1) -> Path:
    with wave.open(str(path), "wb") as file:
        file.setparams((channels, width, rate_hz, 0, "NONE", ""))
        file.writeframes(bytes([1, 2] * int(rate_hz * seconds * channels * width / 2)))
    return path


_error = partial(melody, "error")


@pytest.mark.parametrize("rate_hz", [8000, 16_000, 48_000])
@pytest.mark.parametrize("name", MELODIES)
def test_each_sound_is_short_and_soft_at_any_rate(name: str, rate_hz: int) -> None:
    """It begins and ends without a click."""
    tone = melody(name, rate_hz)
    assert 0.04 < len(tone) / rate_hz < 1.3
    assert 2000 < np.abs(tone).max() < 32767 * 0.2
    assert max(abs(int(tone[0])), abs(int(tone[-1]))) < 50


@pytest.mark.parametrize(("rate_hz", "channels"), [(16_000, 1), (48_000, 2), (44_100, 1), (8000, 1)])
def test_a_file_of_any_rate_is_played_at_ours(tmp_path: Path, rate_hz: int, channels: int) -> None:
    """As long as it is."""
    sound = SoundFile("sounds.error", str(_wav(tmp_path / "a.wav", rate_hz, channels)), _error)
    samples = sound.at(16_000)
    assert samples is not None and samples.dtype == np.int16 and len(samples) == pytest.approx(1600, abs=2)


@pytest.mark.parametrize(("name", "kind"), [("a.flac", "PCM_16"), ("a.flac", "PCM_24"), ("a.wav", "PCM_24"), ("a.wav", "FLOAT")])
def test_flac_and_any_width_are_understood(tmp_path: Path, name: str, kind: str) -> None:
    """The same samples come out."""
    tone = np.sin(np.arange(4800) / 20) * 0.5
    soundfile.write(tmp_path / name, tone, 48_000, subtype=kind)
    samples, rate_hz = load_sound(tmp_path / name, "sounds.awake")
    assert rate_hz == 48_000 and np.abs(samples / 32768 - tone).max() < 1e-3


def test_a_header_that_promises_more_is_not_believed(tmp_path: Path) -> None:
    """Programs that stream into a file write the largest number there is."""
    path = _wav(tmp_path / "streamed.wav", 24_000)
    content = bytearray(path.read_bytes())
    content[40:44] = content[4:8] = struct.pack("<I", 0xFFFFFFFF)
    path.write_bytes(content)
    assert len(load_sound(path, "sounds.awake")[0]) == 2400


def test_what_cannot_be_played_is_the_operators_mistake(tmp_path: Path) -> None:
    """Told with its key, its path, and what is wrong."""
    text = tmp_path / "text.wav"
    text.write_text("no sound")
    soundfile.write(tmp_path / "other.ogg", np.zeros(4800), 48_000)
    for path, words in (
        (tmp_path / "missing.wav", "No such file"),
        (tmp_path, "Is a directory"),
        (text, "this is no WAV or FLAC file"),
        (tmp_path / "other.ogg", "OGG at 48000 Hz: WAV and FLAC from 8 to 192 kHz are understood"),
        (_wav(tmp_path / "long.wav", seconds=11), "it is too long; at most 10 s"),
    ):
        with pytest.raises(ConfigError, match=f"^sounds.error: {path}: .*{words}"):
            SoundFile("sounds.error", str(path), _error)


def test_an_operator_may_have_silence_or_the_sound_that_comes_with_us(tmp_path: Path) -> None:
    """Or his own, which is read once."""
    assert SoundFile("sounds.error", None, _error).at(16_000) is None
    default = SoundFile("sounds.error", "default", _error).at(48_000)
    assert default is not None and np.array_equal(default, _error(48_000))
    own = SoundFile("sounds.error", str(_wav(tmp_path / "own.wav")), _error)
    (tmp_path / "own.wav").unlink()
    for rate_hz in (16_000, 48_000):
        samples = own.at(rate_hz)
        assert samples is not None and len(samples) == rate_hz // 10


def test_each_sound_has_a_volume() -> None:
    """As the ear has it: half is 12 dB less."""
    loud, half = (SoundFile("sounds.error", "default", _error, volume).at(16_000) for volume in (100, 50))
    assert loud is not None and half is not None
    assert np.abs(half).max() == pytest.approx(np.abs(loud).max() / 4, abs=1)
