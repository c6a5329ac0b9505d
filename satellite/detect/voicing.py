"""How voiced a piece of sound is: vowels and hums near 1, breath, coughs and hisses below 0.4."""

import numpy as np

from satellite.audio.card import Samples

# two periods of the lowest voice; the voice detector's window of 32 ms holds too few of them
VOICING_FRAMES = 640

# pitch of a voice: 80 to 400 Hz
_LAG_MIN, _LAG_MAX = 40, 200

# at least window plus longest lag, so that nothing wraps round
_FFT_SIZE = 1024


def voicing(samples: Samples) -> float:
    """Peak of the normalised autocorrelation over the pitches of a voice; takes VOICING_FRAMES samples."""
    sound = samples.astype(np.float64)
    sound -= sound.mean()
    spectrum = np.fft.rfft(sound, _FFT_SIZE)
    correlation = np.fft.irfft(spectrum.real**2 + spectrum.imag**2, _FFT_SIZE)[_LAG_MIN : _LAG_MAX + 1]
    energy = np.concatenate(([0.0], np.cumsum(sound * sound)))
    lags = np.arange(_LAG_MIN, _LAG_MAX + 1)
    head, tail = energy[len(sound) - lags], energy[-1] - energy[lags]
    return float(np.max(correlation / np.sqrt(head * tail + 1e-6)))
