"""The audio thread on the real ALSA API: devices that are pulled, held, put to sleep, frozen, and come back as others."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial

import pytest

from satellite.audio import commands as cmd
from satellite.audio.alsa import AlsaSettings, open_microphone, open_speaker
from satellite.audio.card import Samples
from satellite.audio.engine import AudioEngine
from satellite.audio.parts import Devices
from satellite.audio.thread import AudioRunner
from satellite.core.hardware import Condition, Half
from satellite.core.reflex import ReflexRule
from tests.audio.fakes import Deaf, Unsuspecting
from tests.rig.fixtures import configured, room
from tests.rig.room import Room

__all__ = ["room"]

pytestmark = pytest.mark.rig

STREAMS = {Half.MICROPHONE: "mic", Half.SPEAKER: "speaker"}
BOTH = pytest.mark.parametrize("half", list(Half))
# longer than any of it takes
SOON_S = 15.0


class _Through:
    """A canceller that cancels nothing."""

    def process(self, near: Samples, far: Samples) -> Samples:
        return near


@dataclass
class Desk:
    """A runner, and what it has told of each device."""

    runner: AudioRunner
    engine: AudioEngine
    told: dict[Half, list[cmd.DeviceIs]]
    troubles: list[str]

    def until(self, holds: Callable[[], object]) -> None:
        """Turns until it is so."""
        end_s = time.monotonic() + SOON_S
        while not holds():
            assert time.monotonic() < end_s, (self.told, self.troubles)
            self.runner.turn()
            self._take()

    def until_is(self, half: Half, condition: Condition) -> None:
        """Turns until a device is like this."""
        self.until(lambda: self.told[half] and self.told[half][-1].condition is condition)

    def turn_for(self, seconds: float) -> None:
        """Turns so long."""
        end_s = time.monotonic() + seconds
        self.until(lambda: time.monotonic() >= end_s)

    def _take(self) -> None:
        while self.engine.reports:
            match self.engine.reports.popleft():
                case cmd.DeviceIs() as news:
                    self.told[news.half].append(news)
                case cmd.DeviceTrouble(message):
                    self.troubles.append(message)


@contextmanager
def desk() -> Iterator[Desk]:
    """Both devices work."""
    settings = AlsaSettings("mic", "speaker", queue_ms=40)
    engine = AudioEngine(_Through(), Deaf(), Unsuspecting(), lambda samples: 0.0, ReflexRule(), time.monotonic, 40)
    devices = Devices(partial(open_microphone, settings), partial(open_speaker, settings), "the mic", "the speaker")
    opened = Desk(AudioRunner(engine, devices, lambda: None), engine, {half: [] for half in Half}, [])
    try:
        for half in Half:
            opened.until_is(half, Condition.WORKING)
        yield opened
    finally:
        opened.runner.close()


def _other(half: Half) -> Half:
    return next(other for other in Half if other is not half)


@BOTH
def test_one_that_is_pulled_is_missed_alone(room: Room, half: Half) -> None:
    """The other works on; when it is plugged again it is used again."""
    with desk() as d:
        room.do("unplug", stream=STREAMS[half])
        d.until_is(half, Condition.MISSING)
        d.turn_for(0.5)
        assert [news.condition for news in d.told[_other(half)]] == [Condition.WORKING]
        assert "No such device" in d.troubles[0]
        room.do("plug", stream=STREAMS[half])
        d.until_is(half, Condition.WORKING)


@BOTH
def test_one_whose_clock_stands_still_is_opened_again(room: Room, half: Half) -> None:
    """Nobody says that it does."""
    with desk() as d:
        d.turn_for(0.2)
        room.do("freeze", stream=STREAMS[half])
        d.until_is(half, Condition.STALLED)
        d.until_is(half, Condition.WORKING)
        assert [news.condition for news in d.told[_other(half)]] == [Condition.WORKING]


@BOTH
def test_one_that_was_put_to_sleep_is_opened_again(room: Room, half: Half) -> None:
    """As after a machine's suspend."""
    with desk() as d:
        d.turn_for(0.2)
        room.do("suspend", stream=STREAMS[half])
        d.until_is(half, Condition.MISSING)
        assert "Streams pipe error" in d.troubles[0]
        d.until_is(half, Condition.WORKING)


@BOTH
def test_one_that_another_program_has_taken_meanwhile_is_waited_for(room: Room, half: Half) -> None:
    """What is in the way is told."""
    with desk() as d:
        for what in ("hold", "unplug", "plug"):
            room.do(what, stream=STREAMS[half])
        d.until(lambda: any("busy" in trouble for trouble in d.troubles))
        assert d.runner.is_lost
        room.do("free", stream=STREAMS[half])
        d.until_is(half, Condition.WORKING)


@configured({"mic": {"rates": [16000], "channels": [1, 1]}, "speaker": {"rates": [16000], "channels": [1, 1]}})
@BOTH
def test_one_that_comes_back_as_another_is_used_as_it_is(room: Room, half: Half) -> None:
    """Another rate, other channels, another format: all of it is found out anew."""
    with desk() as d:
        room.do("unplug", stream=STREAMS[half])
        d.until_is(half, Condition.MISSING)
        room.do("device", stream=STREAMS[half], settings={"rates": [48000], "channels": [2, 2], "formats": ["S32_LE"]})
        room.do("plug", stream=STREAMS[half])
        d.until_is(half, Condition.WORKING)
        assert d.told[half][-1].rate_hz == 48_000
        before = d.engine.frame
        d.turn_for(0.5)
        assert d.engine.frame > before
        if half is Half.SPEAKER:
            assert d.engine.player.rate_hz == 48_000


def test_a_microphone_that_gives_only_zeros_is_opened_once_and_heard_again(room: Room) -> None:
    """Then it is left alone: nobody can tell a switch from a fault."""
    with desk() as d:
        room.do("device", stream="mic", settings={"map": ["zero"]})
        d.until_is(Half.MICROPHONE, Condition.SILENT)
        d.turn_for(1.0)
        assert len([event for event in room.events("start") if event["stream"] == "mic"]) == 2
        assert not d.runner.is_lost
        room.do("device", stream="mic", settings={"map": ["mic"]})
        d.until_is(Half.MICROPHONE, Condition.WORKING)
        assert [news.condition for news in d.told[Half.SPEAKER]] == [Condition.WORKING]


@BOTH
def test_an_xrun_now_and_then_is_no_loss_and_one_after_the_other_is(room: Room, half: Half) -> None:
    """Both are counted."""
    with desk() as d:
        for _ in range(3):
            room.do("xrun", stream=STREAMS[half])
            d.turn_for(0.2)
        assert not d.runner.is_lost
        assert d.engine.overruns + d.engine.underruns >= 3

        def shaken() -> bool:
            room.do("xrun", stream=STREAMS[half])
            return d.told[half][-1].condition is Condition.MISSING

        d.until(shaken)
        d.until_is(half, Condition.WORKING)
