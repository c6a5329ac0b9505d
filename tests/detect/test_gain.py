"""A soft voice is raised, noise is not, and nothing is late or clipped."""

import numpy as np
import pytest

from satellite.audio.card import Samples
from satellite.audio.levels import level_db
from satellite.core.units import PERIOD_FRAMES, RATE_HZ
from satellite.detect.gain import MOST_NOISE_DBFS, AutoGain
from satellite.mock.recordings import recording

MOST_DB = 20.0

_VOICE = recording("heart_medium_67966")
_NOISE_DBFS = -75.0


def _loud(samples: Samples) -> Samples:
    """The periods in which somebody speaks."""
    periods = samples[: len(samples) // PERIOD_FRAMES * PERIOD_FRAMES].reshape(-1, PERIOD_FRAMES)
    levels = np.array([level_db(period) for period in periods])
    spoken: Samples = periods[levels > levels.max() - 25.0].ravel()
    return spoken


def _noise(dbfs: float, seconds: float) -> Samples:
    wave = np.random.default_rng(1).standard_normal(int(seconds * RATE_HZ)) * 32768 * 10 ** (dbfs / 20)
    return wave.astype(np.int16)


def _spoken(dbfs: float) -> Samples:
    """The recording in a quiet room."""
    wave = _VOICE * 10 ** ((dbfs - level_db(_loud(_VOICE))) / 20) + _noise(_NOISE_DBFS, len(_VOICE) / RATE_HZ)
    return np.clip(wave, -32768, 32767).astype(np.int16)


def _raised(samples: Samples, gain: AutoGain | None = None) -> Samples:
    gain = gain or AutoGain(MOST_DB)
    starts = range(0, len(samples) - PERIOD_FRAMES + 1, PERIOD_FRAMES)
    return np.concatenate([gain.process(samples[at : at + PERIOD_FRAMES]) for at in starts])


def test_a_soft_voice_is_raised_by_what_is_allowed() -> None:
    """From the second sentence on; the first already by 15 dB and more."""
    gain = AutoGain(MOST_DB)
    first, second = (level_db(_loud(_raised(_spoken(-45.0), gain))) for _ in range(2))
    assert first >= -45.0 + 15.0
    assert second == pytest.approx(-45.0 + MOST_DB, abs=0.5)
    assert gain.gain_db == pytest.approx(MOST_DB, abs=0.1)


def test_a_loud_voice_is_left_as_it_is() -> None:
    """Once it is known; and no sample is cut before."""
    gain = AutoGain(MOST_DB)
    loud = _spoken(-15.0)
    assert int(np.abs(_raised(loud, gain).astype(np.int32)).max()) < 32767
    assert level_db(_loud(_raised(loud, gain))) == pytest.approx(-15.0, abs=0.5)


def test_a_loud_word_after_soft_ones_does_not_clip() -> None:
    """The gain is still that of the soft ones, and a limiter bends what would not fit."""
    gain = AutoGain(MOST_DB)
    _raised(_spoken(-45.0), gain)
    assert int(np.abs(_raised(_spoken(-15.0), gain).astype(np.int32)).max()) < 32767


@pytest.mark.parametrize("dbfs", [-75.0, -60.0, -50.0, -40.0])
def test_noise_is_raised_to_a_limit(dbfs: float) -> None:
    """And what is above that by itself is not raised at all."""
    raised = level_db(_raised(_noise(dbfs, 10.0))[-2 * RATE_HZ :])
    assert raised <= max(MOST_NOISE_DBFS + 1.5, dbfs + 0.5)
    assert raised <= dbfs + MOST_DB + 0.5


def test_nothing_is_late() -> None:
    """Not by a sample: the wake words' times are those of the microphone."""
    noise = _noise(-40.0, 1.0)
    raised = _raised(noise).astype(np.float64)
    match = [float(np.dot(noise[: 8 * RATE_HZ // 10], raised[lag : lag + 8 * RATE_HZ // 10])) for lag in range(1000)]
    assert int(np.argmax(match)) == 0


@pytest.mark.parametrize("most_db", [1.0, 6.0, 40.0])
def test_it_never_raises_by_more_than_is_allowed(most_db: float) -> None:
    """From the first period on, of noise and of a voice."""
    gain, heard = AutoGain(most_db), np.concatenate((_noise(-70.0, 1.0), _spoken(-55.0)))
    raised = _raised(heard, gain)
    for at in range(0, len(raised), RATE_HZ // 2):
        part = slice(at, at + RATE_HZ // 2)
        assert level_db(raised[part]) <= level_db(heard[part]) + most_db + 0.3
    assert gain.gain_db <= most_db
