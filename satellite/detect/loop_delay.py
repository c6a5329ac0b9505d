"""How long what the speaker plays takes to come back through the microphone, by generalised cross-correlation.

Knapp and Carter, "The generalized correlation method for estimation of time delay", 1976: whitened, so that the peak stays
sharp in a reverberant room and with speech, whose own correlation is broad.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from satellite.core.units import Frames, frames

# slower paths are beyond what the canceller follows
MAX_DELAY_MS = 400

# unrelated signals reach 8; an echo with a user 0 dB beside it 40 and more
MIN_PROMINENCE = 15.0

# bins far below the loudest hold noise, which whitening would make as loud as the rest
_REGULARISATION = 1e-3


@dataclass(frozen=True, slots=True)
class LoopDelay:
    """`prominence`: the correlation's peak over its mean magnitude."""

    frames: Frames
    prominence: float


def measure_loop_delay(reference: NDArray[np.int16], microphone: NDArray[np.int16]) -> LoopDelay | None:
    """How many frames the echo in `microphone` lags `reference`; None if that is not clear.

    Both are 16 kHz mono on one time line and of one length, about a second.
    """
    size = 1 << (len(reference) + frames(MAX_DELAY_MS) - 1).bit_length()
    spectrum = np.conj(np.fft.rfft(reference, size)) * np.fft.rfft(microphone, size)
    magnitude = np.abs(spectrum)
    loudest = float(magnitude.max())
    if loudest == 0.0:
        return None
    correlation = np.fft.irfft(spectrum / (magnitude + _REGULARISATION * loudest), size)[: frames(MAX_DELAY_MS)]
    lag = int(np.argmax(correlation))
    prominence = float(correlation[lag] / np.abs(correlation).mean())
    return LoopDelay(Frames(lag), prominence) if prominence >= MIN_PROMINENCE else None
