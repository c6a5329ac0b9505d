"""The start-up sound: half a second of shaped wide-band noise, from which the canceller learns the room before it is needed.

A chime would not do: it has too few frequencies. With this the first reply begins with a canceller that has converged.
"""

import numpy as np

from satellite.audio.card import Samples

LENGTH_S = 0.6
# the same sound at every start, so that its owner knows it
_SEED = 7
# below this small loudspeakers only rattle
_LOWEST_HZ = 120.0


def whoosh(rate_hz: int, dbfs: float) -> Samples:
    """Pink noise that swells and dies away, with this mean level."""
    count = int(rate_hz * LENGTH_S)
    spectrum = np.fft.rfft(np.random.default_rng(_SEED).standard_normal(count))
    hertz = np.fft.rfftfreq(count, 1 / rate_hz)
    spectrum *= np.where(hertz < _LOWEST_HZ, 0.0, 1 / np.sqrt(np.maximum(hertz, 1.0)))
    x = np.fft.irfft(spectrum, count) * np.sin(np.pi * np.arange(count) / count) ** 0.5
    x *= 10 ** (dbfs / 20) / np.sqrt(np.mean(x**2))
    return (np.clip(x, -1.0, 1.0) * 32767).astype(np.int16)
