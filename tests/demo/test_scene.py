"""Room, satellite and story have clocks of their own; a picture has one axis."""

import time
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from satellite.audio.commands import Vitals
from satellite.core import events as ev
from satellite.core.echo import Excess
from satellite.core.state import State, Why
from satellite.core.units import RATE_HZ, Frames, Millis, Probability
from satellite.demo.recorder import Recorder
from satellite.demo.scene import scene_of
from satellite.demo.story import BargeIn, Outcome
from satellite.simulate.room import Room, Said
from satellite.simulate.signals import Signal

# the satellite's stream began so long ago, the room before it, and the axis before that
STREAM_AGO_S, ROOM_AGO_S, AXIS_AGO_S = 20.0, 22.0, 25.0
# between two looks at the clock a busy machine may do something else
BUSY_S = 0.3


def _stage() -> Any:
    """As much of one as a scene asks."""
    now_s = time.monotonic()
    nothing: Signal = np.zeros(1, np.float32)
    room = Room(nothing, np.ones(1, np.float32), np.zeros(0, np.float32))
    room.say(np.full(RATE_HZ, 5000, np.int16), RATE_HZ)
    room.advance(np.zeros(3 * RATE_HZ, np.float32))
    return SimpleNamespace(
        room=room,
        card=SimpleNamespace(time_of=lambda frame: now_s - ROOM_AGO_S + frame / RATE_HZ),
        service=SimpleNamespace(
            engine=SimpleNamespace(now=lambda: Millis(int((time.monotonic() - now_s + STREAM_AGO_S) * 1000)))
        ),
        said=[Said("cough_synth_1", RATE_HZ, RATE_HZ, 2 * RATE_HZ), Said("tts_stop_joe", 0, RATE_HZ, 2 * RATE_HZ)],
    )


def test_what_was_one_moment_is_one_place_on_the_axis() -> None:
    """The user begins in the room's second 1; the satellite's stream is 2 s younger."""
    begin_s = time.monotonic() - AXIS_AGO_S
    recorder = Recorder()
    recorder.on_event(ev.VoiceWindow(Millis(500), Frames(0), Frames(512), Probability(0.9)))
    recorder.on_state_changed(State.IDLE, State.LISTENING, Why.WAKE_WORD)
    recorder.on_vitals(Vitals(Millis(1000), Excess(40.0), 0.5))
    outcome = Outcome(barge_ins=[BargeIn("Stop.", RATE_HZ), BargeIn("Stop.", 2 * RATE_HZ)])
    scene = scene_of(_stage(), recorder, outcome, begin_s)
    room_s, stream_s = AXIS_AGO_S - ROOM_AGO_S, AXIS_AGO_S - STREAM_AGO_S
    assert scene.onset_s == pytest.approx(room_s + 1.0, abs=BUSY_S)
    assert scene.heard.begin_s == pytest.approx(room_s, abs=BUSY_S)
    assert scene.user.end_s == pytest.approx(room_s + 3.0, abs=BUSY_S)
    assert scene.probability.at_s.tolist() == pytest.approx([stream_s + 0.5], abs=BUSY_S)
    assert scene.states[-1] == (pytest.approx(stream_s + 0.5, abs=BUSY_S), State.LISTENING)
    assert scene.gain.at_s.tolist() == pytest.approx([stream_s + 1.0], abs=BUSY_S)
    assert (scene.gain.values.tolist(), scene.near_end.values.tolist()) == ([0.5], [40.0])


def test_what_is_said_is_written_and_a_cough_is_named() -> None:
    """In the user's words, which the satellite does not know."""
    scene = scene_of(_stage(), Recorder(), Outcome(), time.monotonic())
    assert [words.text for words in scene.words] == ["(coughs)", '"Stop."']
    assert scene.barge_in is None
    assert np.flatnonzero(scene.user.samples)[0] == pytest.approx(RATE_HZ, abs=1)
