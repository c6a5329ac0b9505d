"""What the engine tells of a reply that has ended, and a reply with a rule of its own."""

from collections.abc import Callable

import numpy as np
import pytest

from satellite.audio import commands as cmd
from satellite.audio.card import Samples
from satellite.audio.engine import AudioEngine
from satellite.audio.reply import Reply
from satellite.core import events as ev
from satellite.core.echo import Excess
from satellite.core.reflex import ReflexRule
from satellite.core.say import Allow
from satellite.core.self_test import SHORTEST_MS, SelfTested
from satellite.core.units import PERIOD_FRAMES, RATE_HZ, Frames
from satellite.simulate.card import SimulatedCard
from satellite.simulate.clock import VirtualClock
from satellite.simulate.room import Room
from satellite.simulate.signals import Signal
from tests.audio.fakes import Unsuspecting

ERLE_DB, COUPLING_DB = 20.0, -12.0
VOICE = 0.5
STRICT, LENIENT = ReflexRule(duck_probability=0.9, faint_probability=1.0), ReflexRule(faint_probability=1.0)


class _Canceller:
    """Takes a tenth of the amplitude away."""

    def process(self, near: Samples, far: Samples) -> Samples:
        return (near * 10 ** (-ERLE_DB / 20)).astype(np.int16)


class _Detector:
    hop_frames = PERIOD_FRAMES
    probability = 0.0

    def feed(self, samples: Samples) -> float | None:
        return self.probability


class _NearEnd(Unsuspecting):
    excess = Excess()

    def feed(self, near: Samples, far: Samples, is_idle: bool, is_talk: bool) -> Excess:
        return self.excess


def _noise(seconds: float) -> Samples:
    return np.random.default_rng(1).integers(-9000, 9000, int(seconds * RATE_HZ)).astype(np.int16)


class _Desk:
    """An engine in a room in which nobody is."""

    def __init__(self) -> None:
        echo: Signal = np.full(1, 10 ** (COUPLING_DB / 20), np.float32)
        clock = VirtualClock(10.0)
        self.detector, self.near_end = _Detector(), _NearEnd()
        parts = _Canceller(), self.detector, self.near_end
        self.engine = AudioEngine(*parts, lambda samples: 1.0, LENIENT, clock.now_s)
        self.room = Room(echo, np.ones(1, np.float32), np.zeros(0, np.float32))
        self.engine.attach(SimulatedCard(self.room, clock))
        self.engine.commands.append(cmd.SetLoopDelay(Frames(480)))
        self.ducks = 0
        self.tested: list[SelfTested] = []

    def play(self, seconds: float, allow: Allow = Allow.SPEECH, rule: ReflexRule | None = None) -> None:
        """Begins a reply of noise."""
        reply = Reply(1, RATE_HZ)
        reply.feed(_noise(seconds).tobytes(), RATE_HZ, 2, 1)
        reply.finish()
        self.engine.commands.append(cmd.PlayReply(reply, allow, rule))

    def run(self, seconds: float) -> None:
        """So much time passes."""
        end = self.engine.frame + int(seconds * RATE_HZ)
        while self.engine.frame < end:
            self.engine.step()
        self.ducks += sum(isinstance(r, cmd.Ducked) and r.is_ducked for r in self.engine.reports)
        self.tested += [r for r in self.engine.reports if isinstance(r, SelfTested)]
        kinds = [type(r) for r in self.engine.reports if isinstance(r, SelfTested | ev.ReplyEnded)]
        assert kinds in ([], [ev.ReplyEnded], [ev.ReplyEnded, SelfTested]), "a test without an end"
        self.engine.reports.clear()


@pytest.fixture
def desk() -> _Desk:
    return _Desk()


def test_a_reply_that_ends_in_an_empty_room_is_a_self_test(desk: _Desk) -> None:
    """It knows what the canceller took, and that nothing was lowered."""
    desk.near_end.excess = Excess(5.0)
    desk.play(3.0)
    desk.run(3.5)
    (tested,) = desk.tested
    assert tested.erle_db == pytest.approx(ERLE_DB, abs=0.5)
    assert (tested.residual_db, tested.false_sounds, tested.false_voices, tested.is_undisturbed) == (5.0, 0, 0, True)
    assert tested.watched_ms == pytest.approx(3000, abs=50)


def test_a_sound_that_is_no_voice_is_counted_and_the_next_reply_begins_anew(desk: _Desk) -> None:
    """One dip in the first, none in the second."""
    desk.play(3.0)
    desk.run(1.0)
    desk.near_end.excess = Excess(80.0)
    desk.run(0.05)
    desk.near_end.excess = Excess()
    desk.run(2.5)
    desk.play(3.0)
    desk.run(3.5)
    assert [(t.false_sounds, t.false_voices) for t in desk.tested] == [(1, 0), (0, 0)]


def test_a_reply_that_is_taken_up_again_tells_so_at_its_end(desk: _Desk) -> None:
    """It was held for what was no word."""
    desk.play(4.0)
    desk.run(1.0)
    desk.near_end.excess, desk.detector.probability = Excess(80.0, 80.0), VOICE
    desk.run(0.5)
    desk.near_end.excess, desk.detector.probability = Excess(), 0.0
    desk.engine.commands.append(cmd.ResumeReply(1))
    desk.run(4.0)
    assert [(t.false_stops, t.is_undisturbed) for t in desk.tested] == [(1, False)]


def _is_stopped(desk: _Desk) -> None:
    desk.play(4.0)
    desk.run(3.0)
    desk.engine.commands.append(cmd.StopReply(1, keep=False))


def _has_its_own_rule(desk: _Desk) -> None:
    desk.play(3.0, rule=STRICT)


def _is_not_to_be_interrupted(desk: _Desk) -> None:
    desk.play(3.0, Allow.NONE)


def _is_short(desk: _Desk) -> None:
    desk.play(SHORTEST_MS / 1000 - 0.1)


@pytest.mark.parametrize("story", [_is_stopped, _has_its_own_rule, _is_not_to_be_interrupted, _is_short])
def test_not_every_reply_is_a_test(desk: _Desk, story: Callable[[_Desk], None]) -> None:
    """Whoever stopped it, it has not ended; and what another rule did says nothing of ours."""
    story(desk)
    desk.run(3.5)
    assert desk.tested == []


def test_a_rule_of_its_own_holds_for_one_reply(desk: _Desk) -> None:
    """Also while the usual one is changed; the next reply has that."""
    desk.detector.probability = VOICE
    desk.play(2.0, rule=STRICT)
    desk.run(1.0)
    desk.engine.commands.append(cmd.SetReflexRule(LENIENT))
    desk.run(1.5)
    assert desk.ducks == 0
    desk.play(2.0)
    desk.run(1.0)
    assert desk.ducks >= 1


def test_a_rule_of_its_own_ends_with_a_reply_that_never_began(desk: _Desk) -> None:
    """It was stopped while it waited for a voice to finish, which it would not have taken for one."""
    desk.detector.probability = VOICE
    desk.room.say(_noise(2.0), desk.room.end_frame + RATE_HZ // 2)
    desk.run(1.0)
    desk.play(2.0, rule=STRICT)
    desk.run(0.05)
    desk.engine.commands.append(cmd.StopReply(1, keep=False))
    desk.run(0.5)
    assert not desk.room.cone.between(0, desk.room.cone.end_frame).any()
    assert desk.engine.reflex.is_live(desk.engine.frame, LENIENT)
