"""A card that is lost and comes back: turn by turn in virtual time, and with the real thread."""

from queue import Queue

import pytest

from satellite.audio import commands as cmd
from satellite.audio.card import Samples
from satellite.audio.engine import AudioEngine
from satellite.audio.thread import LONGEST_RETRY_S, AudioRunner, AudioThread
from satellite.core import events as ev
from satellite.core.reflex import ReflexRule
from satellite.core.units import PERIOD_FRAMES, Frames
from satellite.errors import DeviceError
from satellite.simulate.card import SimulatedCard
from satellite.simulate.clock import Clock, RealClock, VirtualClock
from tests.simulate.virtual import START_S, quiet_room

# of a thread that does what it is waited for at once
_SOON_S = 10.0

# the stream clock counts whole milliseconds
_ROUNDED_S = 0.0011

# reports of every period, which nobody here waits for
_USUAL = (cmd.Heard, ev.VoiceWindow)


class _Nothing:
    """Neither cancels nor detects."""

    hop_frames = 512

    def process(self, near: Samples, far: Samples) -> Samples:
        return near

    def feed(self, samples: Samples) -> float | None:
        return None


class _Desk:
    """An engine, its card, and what it reported."""

    def __init__(self, clock: Clock) -> None:
        self.card = SimulatedCard(quiet_room(), clock)
        nothing = _Nothing()
        self.engine = AudioEngine(nothing, nothing, lambda samples: 0.0, ReflexRule(), clock.now_s)
        self.told: Queue[cmd.Report] = Queue()

    def open_card(self) -> SimulatedCard:
        self.card.reopen()
        return self.card

    def notify(self) -> None:
        while self.engine.reports:
            report = self.engine.reports.popleft()
            if not isinstance(report, _USUAL):
                self.told.put(report)

    def all_told(self) -> list[cmd.Report]:
        return [self.told.get_nowait() for _ in range(self.told.qsize())]


def _away_s(report: cmd.Report) -> float:
    assert isinstance(report, cmd.DeviceReady)
    return report.after_s


def _trouble(retry_s: float) -> cmd.DeviceTrouble:
    return cmd.DeviceTrouble(f"the simulated card is not plugged in; trying again in {retry_s:.1f} s")


def test_a_card_that_is_not_there_is_tried_again_more_and_more_rarely() -> None:
    """Waits double up to the longest; the first success tells how long it took, and the next loss begins anew."""
    clock = VirtualClock(START_S)
    desk = _Desk(clock)
    runner = AudioRunner(desk.engine, desk.open_card, desk.notify)
    desk.card.unplug()
    waits_s = []
    for _ in range(7):
        waits_s.append(runner.turn())
        clock.sleep_until(clock.now_s() + waits_s[-1])
    assert waits_s == [0.2, 0.4, 0.8, 1.6, 3.2, LONGEST_RETRY_S, LONGEST_RETRY_S]
    assert desk.all_told() == [_trouble(wait_s) for wait_s in waits_s]
    desk.card.plug()
    assert runner.turn() == 0.0
    assert [_away_s(report) for report in desk.all_told()] == [pytest.approx(16.2, abs=_ROUNDED_S)]
    desk.card.unplug()
    assert runner.turn() == 0.0
    assert runner.turn() == 0.2
    runner.close()


def test_a_card_that_is_lost_is_told_once_and_what_was_missed_is_a_gap() -> None:
    """AudioLost at its time; the stream goes on where it would be had the card not been away."""
    clock = VirtualClock(START_S)
    desk = _Desk(clock)
    runner = AudioRunner(desk.engine, desk.open_card, desk.notify)
    for _ in range(11):
        runner.turn()
    assert desk.engine.frame == 10 * PERIOD_FRAMES
    lost_at = desk.engine.now()
    desk.card.unplug()
    runner.turn()
    assert desk.all_told()[1:] == [cmd.DeviceTrouble("the simulated microphone is gone"), ev.AudioLost(lost_at)]
    clock.sleep_until(clock.now_s() + 1.0)
    desk.card.plug()
    runner.turn()
    assert [_away_s(report) for report in desk.all_told()] == [pytest.approx(1.0, abs=_ROUNDED_S)]
    assert desk.engine.frame == Frames(110 * PERIOD_FRAMES)
    runner.close()


def test_the_thread_reopens_its_card_and_gives_it_back() -> None:
    """It survives that the card is not there at first, and that it is lost; when it is stopped the card is closed."""
    desk = _Desk(RealClock())
    desk.card.unplug()
    thread = AudioThread(desk.engine, desk.open_card, desk.notify)
    thread.start()
    try:
        assert desk.told.get(timeout=_SOON_S) == _trouble(0.2)
        desk.card.plug()
        assert isinstance(desk.told.get(timeout=_SOON_S), cmd.DeviceReady)
        desk.card.unplug()
        assert isinstance(desk.told.get(timeout=_SOON_S), cmd.DeviceTrouble)
        assert isinstance(desk.told.get(timeout=_SOON_S), ev.AudioLost)
        desk.card.plug()
        while not isinstance(desk.told.get(timeout=_SOON_S), cmd.DeviceReady):
            pass
    finally:
        thread.stop()
    with pytest.raises(DeviceError, match="is gone"):
        desk.card.microphone.read()
