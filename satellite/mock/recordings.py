"""The recordings that come with the package, and what is said in them."""

import wave
from functools import cache
from pathlib import Path

import numpy as np

from satellite.audio.card import Samples
from satellite.core.units import RATE_HZ

_FOLDER = Path(__file__).parent.parent / "demo" / "recordings"

COMMAND = "Turn off the kitchen lights."
STOP = "Stop."
ANSWER = "I found three recipes for tomato soup. The first one takes twenty five minutes."

SPOKEN = {
    "tts_lights_joe": COMMAND,
    "tts_lights_heart": COMMAND,
    "tts_stop_joe": STOP,
    "tts_alexa_joe": "Alexa",
    "tts_alexa_heart": "Alexa",
    "heart_medium_67966": ANSWER,
}
"""Name of a recording: its text."""

SPOKEN_S = {
    "tts_lights_joe": (0.3, 1.57),
    "tts_lights_heart": (0.33, 1.7),
    "tts_stop_joe": (0.3, 0.66),
    "tts_alexa_joe": (0.55, 1.07),
    "tts_alexa_heart": (0.77, 1.39),
    "cough_synth_1": (0.5, 1.52),
    "tts_uhhuh_joe": (0.34, 0.62),
}
"""Name of a recording: where its sound begins and ends, in seconds; labels are right to about 50 ms."""


@cache
def recording(name: str) -> Samples:
    """One of them: 16 kHz mono."""
    with wave.open(str(_FOLDER / f"{name}.wav")) as file:
        assert (file.getframerate(), file.getnchannels(), file.getsampwidth()) == (RATE_HZ, 1, 2), name
        samples: Samples = np.frombuffer(file.readframes(file.getnframes()), "<i2")
    return samples


def trimmed(name: str) -> Samples:
    """A recording without the silence around what is said."""
    start_s, end_s = SPOKEN_S[name]
    return recording(name)[int(start_s * RATE_HZ) : int(end_s * RATE_HZ)]
