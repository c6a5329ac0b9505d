"""Recordings made of numbers: noise, an echo, and somebody who speaks, channel by channel."""

from dataclasses import dataclass, replace

import numpy as np

from satellite.audio.card import Samples
from satellite.audio.whoosh import whoosh
from satellite.check.deck import Take
from satellite.check.measure import Recordings
from satellite.core.units import RATE_HZ, frames

PLAYED_DBFS = -26.0
SOUND = whoosh(RATE_HZ, PLAYED_DBFS)
_BEGUN_FRAMES = frames(20)
_SPOKEN_MS = (500, 2500)


@dataclass(frozen=True)
class Mic:
    """What one channel hears, in dBFS; None: nothing of it."""

    noise_db: float | None = -65.0
    echo_db: float | None = -40.0
    delay_ms: float = 45.0
    voice_db: float | None = -40.0
    thump_db: float | None = None
    """Something that is loud while the user was to speak, and no voice."""
    offset: float = 0.0
    gain_db: float = 0.0
    """Of the whole, before the converter clips."""


GOOD = Mic()
DEAD = Mic(noise_db=None, echo_db=None, voice_db=None)
UNHEARD = Mic(voice_db=None)
LOOPBACK = Mic(noise_db=None, echo_db=PLAYED_DBFS, delay_ms=10.0, voice_db=None)
ALONE = Mic(echo_db=None, voice_db=None)


def with_(mic: Mic = GOOD, **changed: float | None) -> Mic:
    return replace(mic, **changed)  # type: ignore[arg-type]


def recordings(*mics: Mic) -> Recordings:
    """Of a microphone with these channels."""
    played = np.zeros(frames(1100), np.int16)
    played[_BEGUN_FRAMES : _BEGUN_FRAMES + len(SOUND)] = SOUND
    quiet = [_heard(mic, _noise(mic.noise_db, frames(1000), 1)) for mic in mics]
    echo = [_heard(mic, _noise(mic.noise_db, len(played), 2) + _echo(mic, played)) for mic in mics]
    voice = [_heard(mic, _noise(mic.noise_db, frames(3000), 3) + _voice(mic)) for mic in mics]
    silence = np.zeros(0, np.int16)
    takes = [_take(quiet, silence), _take(echo, played), _take(voice, silence)]
    first, last = (ms // 10 for ms in _SPOKEN_MS)
    spoken = np.arange(300)
    voiced = tuple((spoken >= first) & (spoken < last) & (mic.voice_db is not None) for mic in mics)
    return Recordings(*takes, voiced)


def _take(channels: list[Samples], played: Samples) -> Take:
    return Take(np.stack(channels), played, np.stack(channels))


def _heard(mic: Mic, sound: np.ndarray) -> Samples:
    scaled = sound * 10 ** (mic.gain_db / 20) + mic.offset * 32768
    return np.rint(np.clip(scaled, -32768, 32767)).astype(np.int16)


def _noise(db: float | None, count: int, seed: int) -> np.ndarray:
    if db is None:
        return np.zeros(count)
    return np.random.default_rng(seed).standard_normal(count) * 32768 * 10 ** (db / 20)


def _echo(mic: Mic, played: Samples) -> np.ndarray:
    if mic.echo_db is None:
        return np.zeros(len(played))
    late = frames(mic.delay_ms)
    return np.concatenate((np.zeros(late), played[: len(played) - late])) * 10 ** ((mic.echo_db - PLAYED_DBFS) / 20)


def _voice(mic: Mic) -> np.ndarray:
    sound = np.zeros(frames(3000))
    start, end = (frames(ms) for ms in _SPOKEN_MS)
    if mic.voice_db is not None:
        sound[start:end] = _noise(mic.voice_db, end - start, 4)
    if mic.thump_db is not None:
        sound[start:end] = _noise(mic.thump_db, end - start, 5)
    return sound
