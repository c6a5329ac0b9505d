import wave
from collections.abc import Callable
from importlib import resources

import numpy as np
import pytest

from satellite.audio.card import Samples

Recording = Callable[[str], Samples]


@pytest.fixture(scope="session")
def recording() -> Recording:
    """Reads one of the demo's recordings by its name."""

    def read(name: str) -> Samples:
        path = resources.files("satellite.demo").joinpath("recordings", f"{name}.wav")
        with path.open("rb") as file, wave.open(file) as wav:
            return np.frombuffer(wav.readframes(wav.getnframes()), np.int16)

    return read
