"""How loud a piece of sound is."""

import math

import numpy as np

from satellite.audio.card import Samples
from satellite.core.units import SILENCE_DB, Decibels

# the power of full scale
_FULL_POWER = 32768.0**2

_SILENCE_POWER = 10.0 ** (SILENCE_DB / 10.0)


def gain_of_volume(volume: int) -> float:
    """The factor of a volume from 0 to 100, as the ear has it: half of it is 12 dB less."""
    return (volume / 100) ** 2


def swing_db(samples: Samples) -> Decibels:
    """The same about its mean: a converter's offset makes no sound."""
    wide = samples.astype(np.float32)
    wide -= wide.mean()
    power = float(np.dot(wide, wide)) / (len(samples) * _FULL_POWER)
    return Decibels(10.0 * math.log10(power)) if power > _SILENCE_POWER else SILENCE_DB


def level_db(samples: Samples) -> Decibels:
    """Mean power in dB relative to full scale (a full-scale square wave is 0), at least SILENCE_DB."""
    if not len(samples):
        return SILENCE_DB
    # float32, since the square of one loud sample overflows 16 bits and the sum of three 32
    wide = samples.astype(np.float32)
    power = float(np.dot(wide, wide)) / (len(samples) * _FULL_POWER)
    return Decibels(10.0 * math.log10(power)) if power > _SILENCE_POWER else SILENCE_DB
