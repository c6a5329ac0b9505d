"""What three recordings tell of each channel of a microphone: levels, clipping, offset, loop delay. Pure arithmetic on arrays."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from satellite.audio.card import Channels, Samples
from satellite.audio.levels import level_db
from satellite.check.deck import Take
from satellite.core.echo import decibels, power
from satellite.core.endpoint import EndpointRule
from satellite.core.units import PERIOD_FRAMES, PERIOD_MS, SILENCE_DB, Decibels, Millis, millis
from satellite.detect.loop_delay import measure_loop_delay

Voiced = NDArray[np.bool_]
"""Of each period of 10 ms, whether it is speech."""

# so far above the floor something is heard: single periods of a room's noise sway by 4 dB
AUDIBLE_DB = 6.0

# 16-bit rounding alone is -101 dBFS, and the quietest microphone is louder than this
_DEAD_DB = -90.0

# of 32768: a converter behind the clipping rounds the tops a little
_FULL_SCALE = 32_700

# a loud sound may touch full scale for a sample or two; a flat top is clipped
_FLAT_FRAMES = 3

# of the levels of a recording's periods: what is reached more than now and then
_LOUD_PERCENTILE = 95

# the least that is taken for speech: what opens a turn
_SPEECH_PERIODS = EndpointRule().speech_ms // PERIOD_MS


@dataclass(frozen=True, slots=True)
class Clipping:
    """Flat tops at full scale."""

    share: float
    """Of all samples."""
    runs: int


@dataclass(frozen=True, slots=True)
class Channel:
    """One channel of the microphone. Levels are without offset; those of echo and voice are without the floor too."""

    floor_db: Decibels
    echo_db: Decibels | None
    """None if the sound that was played was not heard."""
    delay_ms: Millis | None
    """Loop delay; None if it is not clear."""
    loudest_db: Decibels
    """While the user was to speak."""
    voice_db: Decibels | None
    """None if nobody was heard to speak."""
    offset: float
    """Of full scale."""
    echo_clipping: Clipping
    voice_clipping: Clipping

    @property
    def is_dead(self) -> bool:
        """Whether there is nothing in it, not even noise."""
        return self.loudest_db < _DEAD_DB and self.floor_db < _DEAD_DB and self.echo_db is None

    @property
    def voice_over_floor_db(self) -> float:
        """How far the user's voice stands out; 0 without one."""
        return 0.0 if self.voice_db is None else self.voice_db - self.floor_db


@dataclass(frozen=True, slots=True)
class Recordings:
    """What the check has recorded: a quiet room, a sound that is played, and the user."""

    quiet: Take
    echo: Take
    voice: Take
    voiced: tuple[Voiced, ...]
    """Of `voice`, by channel."""


@dataclass(frozen=True, slots=True)
class Measured:
    """All channels, and how loud the sound was that they were to hear."""

    channels: tuple[Channel, ...]
    played_db: Decibels


def measure(recordings: Recordings) -> Measured:
    """Measures everything."""
    played = recordings.echo.played
    sounding = np.flatnonzero(played)
    where = slice(int(sounding[0]), int(sounding[-1]) + 1)
    channels = [_channel(recordings, index, where) for index in range(len(recordings.voice.channels))]
    return Measured(tuple(channels), level_db(played[where]))


def _channel(recordings: Recordings, index: int, where: slice) -> Channel:
    quiet, echo, voice = (_without_offset(take.channels[index]) for take in (recordings.quiet, recordings.echo, recordings.voice))
    floor_db = _at(_levels(quiet), 50)
    delay = measure_loop_delay(recordings.echo.played, echo)
    # without a delay that is clear, as loud as it is where it may be
    late = 0 if delay is None else delay.frames
    echo_db = level_db(echo[where.start + late : where.stop + late])
    is_heard = delay is not None or echo_db >= floor_db + AUDIBLE_DB
    return Channel(
        floor_db,
        _without(floor_db, echo_db) if is_heard else None,
        None if delay is None else millis(delay.frames),
        _at(_levels(voice), _LOUD_PERCENTILE),
        _voice_db(voice, recordings.voiced[index], floor_db),
        float(np.mean(recordings.quiet.channels[index])) / 32768.0,
        clipping(recordings.echo.raw[index]),
        clipping(recordings.voice.raw[index]),
    )


def clipping(samples: Samples) -> Clipping:
    """How much of it is cut off at full scale."""
    wide = samples.astype(np.int32)
    runs = lengths = 0
    for is_cut in (wide >= _FULL_SCALE, wide <= -_FULL_SCALE):
        edges = np.flatnonzero(np.diff(np.concatenate(([False], is_cut, [False]))))
        length = edges[1::2] - edges[::2]
        flat = length[length >= _FLAT_FRAMES]
        runs, lengths = runs + len(flat), lengths + int(flat.sum())
    return Clipping(lengths / len(samples), runs)


def _voice_db(samples: Samples, voiced: Voiced, floor_db: Decibels) -> Decibels | None:
    periods = _periods(samples)[voiced[: len(samples) // PERIOD_FRAMES]]
    if len(periods) < _SPEECH_PERIODS:
        return None
    voice_db = level_db(periods.reshape(-1))
    return _without(floor_db, voice_db) if voice_db > floor_db else None


def _levels(samples: Samples) -> NDArray[np.float64]:
    return np.array([level_db(period) for period in _periods(samples)])


def _periods(samples: Samples) -> Channels:
    whole = len(samples) // PERIOD_FRAMES
    return samples[: whole * PERIOD_FRAMES].reshape(whole, PERIOD_FRAMES)


def _at(levels: NDArray[np.float64], percentile: float) -> Decibels:
    return Decibels(float(np.percentile(levels, percentile)))


def _without(floor_db: Decibels, both_db: Decibels) -> Decibels:
    """What is left of a level without the noise in it."""
    return max(decibels(power(both_db) - power(floor_db)), SILENCE_DB)


def _without_offset(samples: Samples) -> Samples:
    middle: Samples = np.clip(np.rint(samples - samples.mean()), -32768, 32767).astype(np.int16)
    return middle
