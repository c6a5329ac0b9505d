"""The recordings that come with the package, for tests."""

import wave
from importlib.resources import files

import numpy as np

from satellite.audio.card import Samples
from satellite.simulate.loudspeaker import Linear, Loudspeaker
from satellite.simulate.room import Room
from satellite.simulate.signals import Signal, signal

SILENCE: Signal = np.zeros(0, np.float32)
LINEAR = Linear()


def recording(name: str) -> Samples:
    """A bundled recording, 16 kHz mono."""
    with (files("satellite.demo") / "recordings" / f"{name}.wav").open("rb") as file, wave.open(file) as wav:
        assert (wav.getframerate(), wav.getnchannels(), wav.getsampwidth()) == (16_000, 1, 2)
        return np.frombuffer(wav.readframes(wav.getnframes()), np.int16)


def impulse(delay_frames: int = 0) -> Signal:
    """An impulse response that only delays."""
    ir = np.zeros(delay_frames + 1, np.float32)
    ir[-1] = 1
    return ir


def corpus_room(noise: Signal = SILENCE, loudspeaker: Loudspeaker = LINEAR) -> Room:
    """Loudspeaker at 8 cm, talker at 2 m."""
    return Room(signal(recording("sim7_spk8cm")), signal(recording("sim7_talk2m")), noise, loudspeaker)
