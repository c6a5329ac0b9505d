"""What the audio thread tells for pictures, every period."""

from itertools import pairwise

import numpy as np
import pytest

from satellite.audio import commands as cmd
from satellite.audio.card import Samples
from satellite.audio.engine import AudioEngine
from satellite.audio.player import DUCK_DB
from satellite.audio.reply import Reply
from satellite.core.echo import Excess
from satellite.core.reflex import ReflexRule
from satellite.core.say import Allow
from satellite.core.units import PERIOD_FRAMES, PERIOD_MS, RATE_HZ, Frames
from satellite.simulate.card import SimulatedCard
from satellite.simulate.clock import VirtualClock
from satellite.simulate.room import Room
from satellite.simulate.signals import Signal

DUCKED_GAIN = 10 ** (DUCK_DB / 20)
LOUD = Excess(80.0, 80.0)


class _NoCanceller:
    def process(self, near: Samples, far: Samples) -> Samples:
        return near


class _Detector:
    hop_frames = PERIOD_FRAMES
    probability = 0.0

    def feed(self, samples: Samples) -> float | None:
        return self.probability


class _NearEnd:
    excess = Excess()

    def feed(self, near: Samples, far: Samples, is_idle: bool, is_talk: bool) -> Excess:
        return self.excess

    def calibrate(self) -> None:
        pass

    def release(self) -> None:
        pass


class _Bench:
    def __init__(self) -> None:
        nothing: Signal = np.zeros(1, np.float32)
        clock = VirtualClock(10.0)
        self.detector, self.near_end = _Detector(), _NearEnd()
        self.engine = AudioEngine(_NoCanceller(), self.detector, self.near_end, lambda samples: 0.0, ReflexRule(), clock.now_s)
        self.engine.attach(SimulatedCard(Room(nothing, nothing, np.zeros(0, np.float32)), clock))

    def play(self, seconds: int) -> None:
        """Begins a reply."""
        reply = Reply(1, RATE_HZ)
        reply.feed(bytes(2 * seconds * RATE_HZ), RATE_HZ, 2, 1)
        reply.finish()
        self.engine.commands.append(cmd.PlayReply(reply, Allow.SPEECH))

    def vitals(self, ms: int) -> list[cmd.Vitals]:
        """Of so much time."""
        end = self.engine.frame + ms * RATE_HZ // 1000
        while self.engine.frame < end:
            self.engine.step()
        told = [report for report in self.engine.reports if isinstance(report, cmd.Vitals)]
        self.engine.reports.clear()
        return told


@pytest.fixture
def bench() -> _Bench:
    """An engine in a room without an echo."""
    return _Bench()


def test_there_are_vitals_of_every_period(bench: _Bench) -> None:
    """With the time at which it was heard, and what was heard beside the echo."""
    bench.near_end.excess = LOUD
    told = bench.vitals(200)
    assert len(told) == 200 // PERIOD_MS
    # whole milliseconds
    assert all(abs(later.at - sooner.at - PERIOD_MS) <= 1 for sooner, later in pairwise(told))
    assert {vitals.near_end for vitals in told} == {LOUD}


def test_the_gain_follows_the_reply(bench: _Bench) -> None:
    """Nothing before it, all of it, ducked at a sound, silent once held for a voice."""
    assert {vitals.gain for vitals in bench.vitals(100)} == {0.0}
    # before, a sound beside a reply tells nothing
    bench.engine.commands.append(cmd.SetLoopDelay(Frames(480)))
    bench.play(seconds=5)
    assert bench.vitals(200)[-1].gain == 1.0
    bench.near_end.excess = LOUD
    assert bench.vitals(40)[-1].gain == pytest.approx(DUCKED_GAIN)
    bench.detector.probability = 0.9
    assert bench.vitals(200)[-1].gain == 0.0


def test_the_gain_is_back_after_a_false_alarm(bench: _Bench) -> None:
    """And gone with the reply's last sample."""
    bench.play(seconds=2)
    bench.vitals(200)
    bench.near_end.excess = LOUD
    bench.vitals(40)
    bench.near_end.excess = Excess()
    assert bench.vitals(900)[-1].gain == 1.0
    assert bench.vitals(1500)[-1].gain == 0.0
