"""What the engine hands over of every period: to whoever looks for words in it."""

import numpy as np

from satellite.audio import commands as cmd
from satellite.audio.card import Samples
from satellite.audio.engine import AudioEngine
from satellite.audio.reply import Reply
from satellite.core.reflex import ReflexRule
from satellite.core.say import Allow
from satellite.core.units import PERIOD_FRAMES, RATE_HZ
from satellite.detect.canceller import EchoCanceller
from satellite.simulate.card import SimulatedCard
from satellite.simulate.clock import VirtualClock
from satellite.simulate.room import Room
from satellite.simulate.signals import Signal
from tests.audio.fakes import Deaf, Unsuspecting


def test_what_is_played_is_handed_over_with_the_period_before_its_echo() -> None:
    """Period after period, and nothing where nothing is to be heard; its echo comes later."""
    told: list[tuple[int, Samples, Samples | None]] = []
    whole: Signal = np.ones(1, np.float32)
    room, clock = Room(whole, whole, np.zeros(0, np.float32)), VirtualClock(10.0)
    engine = AudioEngine(
        EchoCanceller(),
        Deaf(),
        Unsuspecting(),
        lambda samples: 0.0,
        ReflexRule(),
        clock.now_s,
        on_period=lambda first, samples, played: told.append((first, samples, played)),
    )
    engine.attach(SimulatedCard(room, clock))
    sound = np.random.default_rng(1).integers(-9000, 9000, RATE_HZ // 2).astype(np.int16)
    reply = Reply(1, RATE_HZ)
    reply.feed(sound.tobytes(), RATE_HZ, 2, 1)
    reply.finish()
    engine.commands.append(cmd.PlayReply(reply, Allow.NONE))
    while engine.frame < RATE_HZ:
        engine.step()
    assert [first for first, _, _ in told] == list(range(0, RATE_HZ, PERIOD_FRAMES))
    playing = [first for first, _, played in told if played is not None]
    assert playing == list(range(playing[0], playing[0] + len(sound), PERIOD_FRAMES))
    echo = room.heard.between(0, RATE_HZ)
    assert playing[0] < np.flatnonzero(echo)[0] < playing[0] + RATE_HZ // 4
