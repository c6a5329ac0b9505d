"""How long what the speaker plays takes to come back through the microphone, by generalised cross-correlation.

Whitened (PHAT), which keeps the peak sharp with speech, whose own correlation is broad, and in a reverberant room.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from satellite.audio.card import Samples
from satellite.core.units import RATE_HZ, Frames, frames

# a slower path is beyond what the canceller follows
MAX_DELAY_MS = 400

# of 1433 unrelated pairs one reached it; of 660 echoes, most with a user 0 or 10 dB above them, 12 did not
MIN_CONFIDENCE = 1.7

# below, small loudspeakers play nothing, and above, resamplers leave nothing
_BAND_HZ = (200, 7000)

# so near the peak it is the same arrival: the first reflections, and the ringing of the band
_SAME_ARRIVAL_FRAMES = frames(2)

# both recordings begin and end at the same instant; unless faded, these edges agree with each other at delay 0
_FADE_FRAMES = frames(10)

# keeps empty bins from a division by zero; any tiny number does
_FLOOR = 1e-9


@dataclass(frozen=True, slots=True)
class LoopDelay:
    """`confidence`: the correlation's peak over its second highest that is a different arrival."""

    frames: Frames
    confidence: float


def measure_loop_delay(reference: Samples, microphone: Samples, max_delay_ms: int = MAX_DELAY_MS) -> LoopDelay | None:
    """How many frames the echo in `microphone` lags `reference`; None if that is not clear.

    Both are 16 kHz mono on one time line and of one length, 0.5 to 1.5 s. Takes 2 ms here: not for the audio thread.
    """
    if not reference.any() or not microphone.any():
        return None
    correlation = np.abs(_whitened_correlation(reference, microphone, frames(max_delay_ms)))
    lag = int(np.argmax(correlation))
    peak = float(correlation[lag])
    correlation[max(0, lag - _SAME_ARRIVAL_FRAMES) : lag + _SAME_ARRIVAL_FRAMES + 1] = 0.0
    second = float(correlation.max())
    if peak < MIN_CONFIDENCE * second or second == 0.0:
        return None
    return LoopDelay(Frames(lag), peak / second)


def _whitened_correlation(reference: Samples, microphone: Samples, max_delay_frames: int) -> NDArray[np.float64]:
    # longer than both together, so that what is shifted out at one end does not come in at the other
    size = 1 << (len(reference) + max_delay_frames).bit_length()
    spectrum = np.fft.rfft(_faded(microphone), size) * np.conj(np.fft.rfft(_faded(reference), size))
    magnitude = np.abs(spectrum)
    spectrum /= magnitude + _FLOOR * magnitude.max()
    low, high = (hz * size // RATE_HZ for hz in _BAND_HZ)
    spectrum[:low] = 0.0
    spectrum[high:] = 0.0
    return np.fft.irfft(spectrum, size)[: max_delay_frames + 1]


def _faded(samples: Samples) -> NDArray[np.float64]:
    faded = samples.astype(np.float64)
    ramp = 0.5 - 0.5 * np.cos(np.pi * np.arange(_FADE_FRAMES) / _FADE_FRAMES)
    faded[:_FADE_FRAMES] *= ramp
    faded[-_FADE_FRAMES:] *= ramp[::-1]
    return faded
