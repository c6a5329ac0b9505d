"""All that a picture of the demo shows, on one axis: the seconds that the timeline prints."""

import time
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from satellite.audio.card import Samples
from satellite.core.state import State
from satellite.core.units import RATE_HZ, Millis
from satellite.demo.recorder import Mark, Recorder
from satellite.demo.stage import Stage, words_of
from satellite.demo.story import BargeIn, Outcome


@dataclass(frozen=True, slots=True)
class Track:
    """A sound, from its first sample on."""

    begin_s: float
    samples: Samples

    @property
    def end_s(self) -> float:
        """One past the last sample."""
        return self.begin_s + len(self.samples) / RATE_HZ


@dataclass(frozen=True, slots=True)
class Series:
    """Values and the times at which they became known; each holds until the next."""

    at_s: NDArray[np.float64]
    values: NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Words:
    """What the user says, and from when to when."""

    text: str
    begin_s: float
    end_s: float


@dataclass(frozen=True, slots=True)
class Scene:
    """What happened."""

    heard: Track
    """By the microphone."""
    user: Track
    """What of it is the user's."""
    cone: Track
    """What the loudspeaker emitted."""
    words: tuple[Words, ...]
    states: tuple[tuple[float, State], ...]
    """Each with the time at which it began."""
    marks: tuple[tuple[float, Mark], ...]
    probability: Series
    near_end: Series
    """What the raw microphone hears beside our own echo, in decibels summed over bands."""
    gain: Series
    ser_db: float
    barge_in: BargeIn | None = None
    """The first one."""
    onset_s: float = 0.0
    """Of that."""


def scene_of(stage: Stage, recorder: Recorder, outcome: Outcome, begin_s: float) -> Scene:
    """What was recorded; `begin_s` is the time of the monotonic clock at which the axis begins."""
    room, end = stage.room, stage.room.heard.end_frame
    stream_s = time.monotonic() - stage.service.engine.now() / 1000 - begin_s

    def in_room(frame: int) -> float:
        return stage.card.time_of(frame) - begin_s

    def in_stream(at: Millis) -> float:
        return stream_s + at / 1000

    windows, vitals = recorder.windows, recorder.vitals
    seen_s = [in_stream(v.at) for v in vitals]
    barge_in = outcome.barge_ins[0] if outcome.barge_ins else None
    heard, user, cone = (Track(in_room(0), tape.between(0, end)) for tape in (room.heard, room.near, room.cone))
    return Scene(
        heard=heard,
        user=user,
        cone=cone,
        words=tuple(Words(words_of(s.name), in_room(s.onset_frame), in_room(s.end_frame)) for s in stage.said),
        states=tuple((in_stream(at), state) for at, state in recorder.states),
        marks=tuple((in_stream(at), mark) for at, mark in recorder.marks),
        probability=_series([in_stream(w.at) for w in windows], [w.probability for w in windows]),
        near_end=_series(seen_s, [v.near_end.now_db for v in vitals]),
        gain=_series(seen_s, [v.gain for v in vitals]),
        ser_db=outcome.ser_db,
        barge_in=barge_in,
        onset_s=in_room(barge_in.onset_frame) if barge_in else 0.0,
    )


def _series(at_s: list[float], values: list[float]) -> Series:
    return Series(np.array(at_s, np.float64), np.array(values, np.float64))
