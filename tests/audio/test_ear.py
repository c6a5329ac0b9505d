"""What the detectors are asked, and when: nothing is learnt as background while a reply sounds or the user has the floor."""

import numpy as np

from satellite.audio import commands as cmd
from satellite.audio.card import Samples
from satellite.audio.ear import Ear
from satellite.audio.engine import AudioEngine
from satellite.audio.reply import Reply
from satellite.core.echo import Excess
from satellite.core.reflex import ReflexRule
from satellite.core.say import Allow
from satellite.core.units import PERIOD_FRAMES, RATE_HZ, SILENCE_DB
from satellite.simulate.card import SimulatedCard
from satellite.simulate.clock import VirtualClock
from tests.audio.fakes import Unsuspecting
from tests.simulate.recordings import corpus_room, recording

PERIOD = np.full(PERIOD_FRAMES, 1000, np.int16)
PERIOD[::2] = -1000


class _NoCanceller:
    def process(self, near: Samples, far: Samples) -> Samples:
        return near


class _Sure:
    """Hears somebody in every second period."""

    hop_frames = 2 * PERIOD_FRAMES

    def __init__(self, probability: float = 0.9) -> None:
        self._probability, self._count = probability, 0

    def feed(self, samples: Samples) -> float | None:
        self._count += 1
        return self._probability if self._count % 2 == 0 else None


class _Asked(Unsuspecting):
    """Notes what it is asked."""

    def __init__(self) -> None:
        super().__init__()
        self.idle: list[bool] = []
        self.talk: list[bool] = []
        self.floors = 0

    def feed(self, near: Samples, far: Samples, is_idle: bool, is_talk: bool) -> Excess:
        self.idle.append(is_idle)
        self.talk.append(is_talk)
        return Excess(3.0)

    def give_floor(self) -> None:
        self.floors += 1


class _Bench:
    def __init__(self, probability: float) -> None:
        clock = VirtualClock(10.0)
        self.near_end = _Asked()
        self.engine = AudioEngine(
            _NoCanceller(), _Sure(probability), self.near_end, lambda samples: 0.5, ReflexRule(), clock.now_s
        )
        self.engine.attach(SimulatedCard(corpus_room(), clock))

    def idle(self, ms: int, *commands: cmd.Command) -> set[bool]:
        """Whether it was, in so much time."""
        self.engine.commands.extend(commands)
        self.near_end.idle.clear()
        end = self.engine.frame + ms * RATE_HZ // 1000
        while self.engine.frame < end:
            self.engine.step()
        return set(self.near_end.idle)


def _reply(samples: Samples) -> cmd.PlayReply:
    reply = Reply(1, RATE_HZ)
    reply.append(samples)
    reply.finish()
    return cmd.PlayReply(reply, Allow.NONE)


def test_idle_is_when_nothing_of_ours_sounds_and_the_user_has_not_the_floor() -> None:
    """From the command on; and again when the reply's last sound has come back."""
    bench = _Bench(0.0)
    assert bench.idle(300) == {True}
    assert bench.idle(200, cmd.HearUser(True)) == {False}
    assert bench.near_end.floors == 1
    assert bench.idle(200, cmd.HearUser(False)) == {True}
    # its echo is sampled once before it is compared with anything
    bench.idle(6500, _reply(recording("heart_medium_67966")))
    assert bench.idle(1000, _reply(recording("heart_medium_67966"))) == {False}
    bench.idle(5500)
    assert bench.idle(300) == {True}
    assert bench.near_end.floors == 1


def test_talk_is_told_once_it_has_gone_on() -> None:
    """The reflex knows how much of the idle time is voice."""
    bench = _Bench(0.9)
    bench.idle(8000)
    assert bench.near_end.talk[0] is False
    assert bench.near_end.talk[-1] is True


def test_a_vowel_is_looked_for_where_a_voice_may_be_judged() -> None:
    """It takes as long as the voice detector: not under a reply, and in silence only if there is one to be held."""
    asked: list[int] = []

    def voicing(samples: Samples) -> float:
        asked.append(len(samples))
        return 0.7

    def hear(probability: float, **where: bool) -> tuple[float, float]:
        ear = Ear(_NoCanceller(), _Sure(probability), _Asked(), voicing)
        told = [ear.hear(PERIOD, PERIOD, PERIOD, is_idle=False, is_talk=False, **where) for _ in range(4)]
        assert [sense.probability is None for sense in told] == [True, False, True, False]
        return told[-1].voicing, told[-1].level

    assert hear(0.9, is_alone=False, has_reply=True) == (0.0, SILENCE_DB)
    assert hear(0.01, is_alone=True, has_reply=False)[0] == 0.0
    assert not asked
    assert hear(0.01, is_alone=True, has_reply=True)[0] == 0.7
    assert hear(0.9, is_alone=True, has_reply=False)[1] > -35.0


def test_what_is_not_in_step_is_not_compared() -> None:
    """A reply whose way to the microphone has never been measured says nothing of the echo path."""
    near_end = _Asked()
    ear = Ear(_NoCanceller(), _Sure(), near_end, lambda samples: 0.0)
    sense = ear.hear(PERIOD, PERIOD, None, is_alone=True, has_reply=True, is_idle=False, is_talk=False)
    assert sense.near_end == Excess() and near_end.idle == []
