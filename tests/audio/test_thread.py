"""A card that is lost and comes back: turn by turn in virtual time, and with the real thread."""

from queue import Queue

import pytest

from satellite.audio import commands as cmd
from satellite.audio.card import Samples
from satellite.audio.engine import AudioEngine
from satellite.audio.reply import Reply
from satellite.audio.thread import FIRST_RETRY_S, LONGEST_RETRY_S, AudioRunner, AudioThread
from satellite.core import events as ev
from satellite.core.reflex import ReflexRule
from satellite.core.say import Allow
from satellite.core.units import PERIOD_FRAMES, RATE_HZ, Frames
from satellite.errors import DeviceError
from satellite.simulate.card import SimulatedCard
from satellite.simulate.clock import Clock, RealClock, VirtualClock
from tests.audio.fakes import Unsuspecting
from tests.simulate.virtual import START_S, quiet_room

# of a thread that does what it is waited for at once
_SOON_S = 10.0

# the stream clock counts whole milliseconds
_ROUNDED_S = 0.0011

# reports of every period, which nobody here waits for
_USUAL = (cmd.Heard, cmd.Vitals, ev.VoiceWindow)


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
        self.engine = AudioEngine(nothing, nothing, Unsuspecting(), lambda samples: 0.0, ReflexRule(), clock.now_s)
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


def _trouble(retry_s: float, is_news: bool = False) -> cmd.DeviceTrouble:
    return cmd.DeviceTrouble(f"the simulated card is not plugged in; trying again in {retry_s:.1f} s", is_news)


def test_a_card_that_is_not_there_is_tried_again_more_and_more_rarely() -> None:
    """Waits double up to the longest, and the reason is news once; the first success tells how long it took."""
    clock = VirtualClock(START_S)
    desk = _Desk(clock)
    runner = AudioRunner(desk.engine, desk.open_card, desk.notify)
    desk.card.unplug()
    waits_s = []
    for _ in range(7):
        waits_s.append(runner.turn())
        clock.sleep_until(clock.now_s() + waits_s[-1])
    assert waits_s == [0.2, 0.4, 0.8, 1.6, 3.2, LONGEST_RETRY_S, LONGEST_RETRY_S]
    assert desk.all_told() == [_trouble(wait_s, is_news=wait_s == 0.2) for wait_s in waits_s]
    desk.card.plug()
    assert runner.turn() == 0.0
    assert [_away_s(report) for report in desk.all_told()] == [pytest.approx(16.2, abs=_ROUNDED_S)]
    runner.close()


def test_a_card_that_has_worked_is_opened_again_at_once() -> None:
    """A cable that was pulled: that is news, and the waits begin anew."""
    clock = VirtualClock(START_S)
    desk = _Desk(clock)
    runner = AudioRunner(desk.engine, desk.open_card, desk.notify)
    for _ in range(2):
        runner.turn()
        clock.sleep_until(clock.now_s() + LONGEST_RETRY_S)
        desk.all_told()
        desk.card.unplug()
        assert runner.turn() == 0.0
        assert desk.all_told()[0] == cmd.DeviceTrouble("the simulated microphone is gone", is_news=True)
        assert runner.turn() == FIRST_RETRY_S
        desk.card.plug()
    runner.close()


def test_a_card_that_fails_as_soon_as_it_is_open_is_tried_more_and_more_rarely() -> None:
    """Opening is no proof that it works: the waits grow as if it had not opened, and it is news once."""
    clock = VirtualClock(START_S)
    desk = _Desk(clock)
    runner = AudioRunner(desk.engine, desk.open_card, desk.notify)
    waits_s = []
    for _ in range(3):
        desk.card.plug()
        assert runner.turn() == 0.0
        desk.card.unplug()
        waits_s.append(runner.turn())
    assert waits_s == [0.2, 0.4, 0.8]
    troubles = [report for report in desk.all_told() if isinstance(report, cmd.DeviceTrouble)]
    assert [trouble.is_news for trouble in troubles] == [True, False, False]


def test_whoever_watches_sees_it_turn_and_whether_the_card_is_missing() -> None:
    """Attempts to open are turns as well; a card is lost from the first failure to the first success."""
    clock = VirtualClock(START_S)
    desk = _Desk(clock)
    runner = AudioRunner(desk.engine, desk.open_card, desk.notify)
    seen = [(runner.turns, runner.is_lost)]
    for act in (desk.card.unplug, lambda: None, desk.card.plug, lambda: None, desk.card.unplug):
        act()
        runner.turn()
        seen.append((runner.turns, runner.is_lost))
    assert seen == [(0, False), (1, True), (2, True), (3, False), (4, False), (5, True)]


def test_a_reply_for_a_card_that_is_away_is_lost_at_the_next_attempt() -> None:
    """Nobody waits for it, nothing of it is kept; what needs no card is done."""
    desk = _Desk(VirtualClock(START_S))
    desk.card.unplug()
    runner = AudioRunner(desk.engine, desk.open_card, desk.notify)
    desk.engine.commands.extend([cmd.PlayReply(Reply(1, RATE_HZ), Allow.SPEECH), cmd.SetLoopDelay(Frames(99))])
    runner.turn()
    assert not desk.engine.commands
    assert sum(isinstance(report, ev.AudioLost) for report in desk.all_told()) == 1


def test_a_mistake_of_ours_in_the_thread_is_told() -> None:
    """Whoever hears of it has the service started again."""
    desk = _Desk(RealClock())

    def open_card() -> SimulatedCard:
        raise ZeroDivisionError("a mistake")

    thread = AudioThread(desk.engine, open_card, desk.notify)
    thread.start()
    told = desk.told.get(timeout=_SOON_S)
    thread.stop()
    assert isinstance(told, cmd.Failed) and str(told.error) == "a mistake"


def test_another_reason_is_news_again() -> None:
    """Busy, and then missing, are two things to know."""
    desk = _Desk(VirtualClock(START_S))
    reasons = iter(["busy", "busy", "missing", "missing"])

    def open_card() -> SimulatedCard:
        raise DeviceError(next(reasons))

    runner = AudioRunner(desk.engine, open_card, desk.notify)
    for _ in range(4):
        runner.turn()
    assert [report.is_news for report in desk.all_told() if isinstance(report, cmd.DeviceTrouble)] == [True, False, True, False]


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
    assert desk.all_told()[1:] == [cmd.DeviceTrouble("the simulated microphone is gone", is_news=True), ev.AudioLost(lost_at)]
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
        assert desk.told.get(timeout=_SOON_S) == _trouble(0.2, is_news=True)
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
