"""Sounds and rooms that no corpus has."""

import numpy as np
import pytest

from satellite.bench.sounds import door, furnished, laugh, softly_begun
from satellite.core.units import RATE_HZ, frames


@pytest.mark.parametrize("make", [door, laugh])
def test_a_sound_follows_from_its_seed(make: object) -> None:
    """Loud, never clipped, and another one from another seed."""
    assert callable(make)
    assert np.array_equal(make(1), make(1)) and not np.array_equal(make(1)[:8000], make(2)[:8000])
    assert np.abs(make(1)).max() == pytest.approx(16383, abs=1)


def test_a_laugh_comes_and_goes_and_a_door_falls_once() -> None:
    """Five calls a second, each with a pause before its vowel; the door is loudest at once."""
    calls = np.abs(laugh(3).astype(np.float64)).reshape(-1, frames(200)).reshape(-1, 10, frames(20)).max(axis=2)
    assert len(calls) >= 4 and (calls.min(axis=1) < calls.max(axis=1) / 2).all()
    assert np.abs(door(3)).argmax() < RATE_HZ // 4


def test_a_room_is_furnished_otherwise() -> None:
    """Its tail decays as fast as it is wanted to; the direct sound is what it was."""
    time_s = np.arange(RATE_HZ // 2) / RATE_HZ
    ir = (16_000 * 10 ** (-3 * time_s / 0.5)).astype(np.int16)
    changed = furnished(ir, 0.5, 0.25)
    assert changed[0] == pytest.approx(ir[0] / 32768, rel=1e-3)
    # 60 dB in a quarter of a second: 24 dB in a tenth, where half a second gives 12
    later = changed[frames(2) + frames(100)] / changed[frames(2)]
    assert 20 * np.log10(later) == pytest.approx(-24.0, abs=0.3)


def test_somebody_begins_almost_in_a_whisper() -> None:
    """20 dB below himself, and after 0.4 s as loud as ever."""
    words = np.full(RATE_HZ, 10_000, np.int16)
    soft = softly_begun(words)
    assert soft[0] == 1000
    assert 20 * np.log10(soft[frames(200)] / 10_000) == pytest.approx(-10.0, abs=0.1)
    assert np.array_equal(soft[frames(400) :], words[frames(400) :])
