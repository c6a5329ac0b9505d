"""The engine's rule, which may change while it runs."""

import numpy as np

from satellite.audio import commands as cmd
from satellite.audio.card import Samples
from satellite.audio.engine import AudioEngine
from satellite.audio.reply import Reply
from satellite.core.reflex import ReflexRule
from satellite.core.say import Allow
from satellite.core.units import PERIOD_FRAMES, RATE_HZ
from satellite.simulate.card import SimulatedCard
from satellite.simulate.clock import VirtualClock
from satellite.simulate.room import Room
from satellite.simulate.signals import Signal
from tests.audio.fakes import Unsuspecting

# a detector that always says this is sure enough for one of the rules and not for the other
PROBABILITY = 0.5
STRICT = ReflexRule(duck_probability=0.9, faint_probability=1.0)
LENIENT = ReflexRule(duck_probability=0.3, faint_probability=1.0)


class _NoCanceller:
    def process(self, near: Samples, far: Samples) -> Samples:
        return near


class _Detector:
    hop_frames = PERIOD_FRAMES

    def feed(self, samples: Samples) -> float | None:
        return PROBABILITY


def _ducks(engine: AudioEngine, seconds: float) -> int:
    """How often the reply is lowered in a time."""
    end = engine.frame + int(seconds * RATE_HZ)
    while engine.frame < end:
        engine.step()
    reports = list(engine.reports)
    engine.reports.clear()
    return sum(isinstance(r, cmd.Ducked) and r.is_ducked for r in reports)


def test_the_audio_thread_decides_by_the_rule_it_was_sent_last() -> None:
    """A voice that the first rule does not take for one lowers the reply under the second."""
    nothing: Signal = np.zeros(1, np.float32)
    room, clock = Room(nothing, np.ones(1, np.float32), np.zeros(0, np.float32)), VirtualClock(10.0)
    engine = AudioEngine(_NoCanceller(), _Detector(), Unsuspecting(), lambda samples: 1.0, STRICT, clock.now_s)
    engine.attach(SimulatedCard(room, clock))
    reply = Reply(1, RATE_HZ)
    reply.feed(bytes(2 * 5 * RATE_HZ), RATE_HZ, 2, 1)
    engine.commands.append(cmd.PlayReply(reply, Allow.SPEECH))
    assert _ducks(engine, 0.5) == 0
    voice = np.random.default_rng(1).integers(-9000, 9000, 2 * RATE_HZ).astype(np.int16)
    room.say(voice, room.end_frame + PERIOD_FRAMES)
    assert _ducks(engine, 0.5) == 0
    engine.commands.append(cmd.SetReflexRule(LENIENT))
    assert _ducks(engine, 0.5) >= 1
