"""What the operator's configuration makes of the microphone: how it is cancelled, and what wake words and servers get."""

from collections.abc import Callable

from satellite.audio.card import Samples
from satellite.config import Audio, NoiseSuppression
from satellite.detect.canceller import EchoCanceller
from satellite.detect.gain import AutoGain

# the canceller's levels are in this order
_LEVELS = tuple(NoiseSuppression)


def canceller_for(audio: Audio) -> EchoCanceller:
    """Takes away as much of a steady noise as is wanted."""
    return EchoCanceller(_LEVELS.index(audio.noise_suppression))


def shape_for(audio: Audio) -> Callable[[Samples], Samples]:
    """What is done to the cancelled microphone on its way to wake words and servers."""
    return AutoGain(audio.auto_gain_db).process if audio.auto_gain_db else _unchanged


def _unchanged(samples: Samples) -> Samples:
    return samples
