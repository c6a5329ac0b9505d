import math

import numpy as np
import pytest

from satellite.audio.levels import level_db
from satellite.core.units import SILENCE_DB


def test_loudest_samples_do_not_overflow() -> None:
    """The square of the most negative sample fits nowhere in 16 bits, and is 0 dB."""
    assert level_db(np.full(160, -32768, np.int16)) == 0.0


def test_sine_is_three_db_below_its_peak() -> None:
    """The level is the mean power, not the peak."""
    sine = (16384 * np.sin(2 * np.pi * 1000 * np.arange(160) / 16000)).astype(np.int16)
    assert level_db(sine) == pytest.approx(20 * math.log10(0.5) - 3.01, abs=0.02)


def test_single_bit_is_above_silence() -> None:
    """The floor hides nothing that a microphone can say."""
    samples = np.zeros(160, np.int16)
    samples[7] = 1
    assert level_db(samples) == pytest.approx(-112.3, abs=0.1)


@pytest.mark.parametrize("length", [0, 160])
def test_silence_is_the_floor(length: int) -> None:
    """Nothing, and nothing heard, have no logarithm."""
    assert level_db(np.zeros(length, np.int16)) == SILENCE_DB
