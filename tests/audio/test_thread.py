"""A card that is lost and comes back: turn by turn in virtual time, and with the real thread."""

from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise
from queue import Queue
from typing import Literal

import numpy as np
import pytest

from satellite.audio import commands as cmd
from satellite.audio.back_off import LONGEST_RETRY_S
from satellite.audio.card import Samples
from satellite.audio.engine import AudioEngine
from satellite.audio.pair import WaitingMicrophone
from satellite.audio.parts import Devices, OpenCard
from satellite.audio.reply import Reply
from satellite.audio.thread import AudioRunner, AudioThread
from satellite.audio.watch import SILENT_S, STALL_S
from satellite.audio.watch import START_S as FIRST_SOUND_S
from satellite.core import events as ev
from satellite.core.hardware import Condition, Half
from satellite.core.reflex import ReflexRule
from satellite.core.say import Allow
from satellite.core.units import PERIOD_FRAMES, RATE_HZ, Frames
from satellite.errors import DeviceError
from satellite.simulate.card import SimulatedCard
from satellite.simulate.clock import Clock, RealClock, VirtualClock
from satellite.simulate.room import Room
from tests.audio.fakes import Unsuspecting
from tests.simulate.recordings import impulse
from tests.simulate.virtual import IR_FRAMES, START_S, loud

# of a thread that does what it is waited for at once
_SOON_S = 10.0

MISSING, WORKING, STALLED = Condition.MISSING, Condition.WORKING, Condition.STALLED

# reports of every period and of every start, which nobody here waits for
_USUAL = (cmd.Heard, cmd.Vitals, ev.VoiceWindow, ev.MicrophoneStalled, cmd.EchoSample, cmd.Scheduled)


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
        # a room that is never quite silent, as no room is
        noise = np.random.default_rng(1).standard_normal(RATE_HZ).astype(np.float32) * np.float32(1e-3)
        self.room = Room(impulse(IR_FRAMES), impulse(), noise)
        self.card = SimulatedCard(self.room, clock)
        self.heard = Frames(0)
        nothing = _Nothing()
        self.engine = AudioEngine(nothing, nothing, Unsuspecting(), lambda samples: 0.0, ReflexRule(), clock.now_s)
        self.told: Queue[cmd.Report] = Queue()

    def open_card(self) -> SimulatedCard:
        self.card.reopen()
        return self.card

    def notify(self) -> None:
        while self.engine.reports:
            report = self.engine.reports.popleft()
            if isinstance(report, cmd.Heard):
                self.heard = Frames(report.first + PERIOD_FRAMES)
            if not isinstance(report, _USUAL):
                self.told.put(report)

    def devices(self) -> Devices:
        return self.card.devices()

    def all_told(self) -> list[cmd.Report]:
        return [self.told.get_nowait() for _ in range(self.told.qsize())]


def _steps(runner: AudioRunner, clock: VirtualClock, seconds: float) -> None:
    """Turns, for so long."""
    end_s = clock.now_s() + seconds
    while clock.now_s() < end_s:
        runner.turn()


def _runner(desk: _Desk, clock: VirtualClock, devices: OpenCard | Devices | None = None) -> AudioRunner:
    return AudioRunner(
        desk.engine, devices or desk.open_card, desk.notify, lambda rest_s: clock.sleep_until(clock.now_s() + rest_s)
    )


def _conditions(reports: list[cmd.Report]) -> list[tuple[Half, Condition]]:
    """Without those that only have another reason."""
    told = [(report.half, report.condition) for report in reports if isinstance(report, cmd.DeviceIs)]
    return [one for index, one in enumerate(told) if one not in told[:index]]


def _troubles(reports: list[cmd.Report]) -> list[tuple[str, bool]]:
    return [(report.message, report.is_news) for report in reports if isinstance(report, cmd.DeviceTrouble)]


def _losses(reports: list[cmd.Report]) -> list[type[ev.Event]]:
    lost = (ev.AudioLost, ev.MicrophoneLost, ev.SpeakerLost)
    return [type(report) for report in reports if isinstance(report, lost)]


def _not_plugged_in(rest_s: float) -> str:
    return f"the simulated card is not plugged in; trying again in {rest_s:.1f} s"


def test_a_card_that_is_not_there_is_tried_again_more_and_more_rarely() -> None:
    """Waits double up to the longest, and the reason is news once; that it is missing is told once, and that it is there."""
    clock = VirtualClock(START_S)
    desk = _Desk(clock)
    runner = _runner(desk, clock)
    desk.card.unplug()
    _steps(runner, clock, 16.0)
    told = desk.all_told()
    assert _troubles(told) == [
        (_not_plugged_in(s), s == 0.2) for s in (0.2, 0.4, 0.8, 1.6, 3.2, LONGEST_RETRY_S, LONGEST_RETRY_S)
    ]
    assert _conditions(told) == [(Half.MICROPHONE, MISSING), (Half.SPEAKER, MISSING)]
    desk.card.plug()
    _steps(runner, clock, LONGEST_RETRY_S)
    assert _conditions(desk.all_told()) == [(Half.MICROPHONE, WORKING), (Half.SPEAKER, WORKING)]
    runner.close()


def test_a_card_that_has_worked_is_opened_again_at_once() -> None:
    """A cable that was pulled: that is news, and the waits begin anew."""
    clock = VirtualClock(START_S)
    desk = _Desk(clock)
    runner = _runner(desk, clock)
    for _ in range(2):
        _steps(runner, clock, LONGEST_RETRY_S + 0.1)
        desk.all_told()
        desk.card.unplug()
        for _ in range(2):
            runner.turn()
        assert _troubles(desk.all_told()) == [("the simulated microphone is gone", True), (_not_plugged_in(0.2), True)]
        desk.card.plug()
        _steps(runner, clock, 0.3)
    runner.close()


def test_a_card_that_fails_as_soon_as_it_is_open_is_tried_more_and_more_rarely() -> None:
    """Opening is no proof that it works: the waits grow as if it had not opened, and it is news once."""
    clock = VirtualClock(START_S)
    desk = _Desk(clock)
    opened_s = []

    def open_card() -> SimulatedCard:
        opened_s.append(clock.now_s())
        desk.card.plug()
        desk.card.reopen()
        desk.card.unplug()
        return desk.card

    _steps(_runner(desk, clock, open_card), clock, 3.5)
    waits_s = [later - earlier for earlier, later in pairwise(opened_s)]
    assert waits_s == [pytest.approx(s, abs=0.011) for s in (0.2, 0.4, 0.8, 1.6)]
    assert [is_news for _, is_news in _troubles(desk.all_told())] == [True, False, False, False, False]


def test_whoever_watches_sees_it_turn_and_whether_the_card_is_missing() -> None:
    """Attempts to open are turns as well; a card is lost from the first failure to the first success."""
    clock = VirtualClock(START_S)
    desk = _Desk(clock)
    runner = _runner(desk, clock)
    seen = [(runner.turns, runner.is_lost)]
    for act in (desk.card.unplug, lambda: None, desk.card.plug, lambda: None, desk.card.unplug):
        act()
        clock.sleep_until(clock.now_s() + 0.5)
        runner.turn()
        seen.append((runner.turns, runner.is_lost))
    assert seen == [(0, False), (1, True), (2, True), (3, False), (4, False), (5, True)]


def test_a_missing_speaker_is_no_excuse_for_a_microphone_that_stands_still() -> None:
    """Whoever watches sees the difference."""
    clock = VirtualClock(START_S)
    desk = _Desk(clock)
    runner = _runner(desk, clock, desk.devices())
    for half, is_lost in ((Half.SPEAKER, False), (Half.MICROPHONE, True)):
        desk.card.unplug(half)
        _steps(runner, clock, 0.5)
        assert runner.is_lost
        assert runner.pulse.is_lost is is_lost


def test_news_of_a_device_outlives_a_standstill_of_whoever_is_told() -> None:
    """What is heard all the time does not push it out."""
    clock = VirtualClock(START_S)
    desk = _Desk(clock)
    runner = AudioRunner(desk.engine, desk.devices(), lambda: None, lambda rest_s: clock.sleep_until(clock.now_s() + rest_s))
    _steps(runner, clock, 2.0)
    desk.card.unplug()
    _steps(runner, clock, 0.3)
    desk.card.plug()
    _steps(runner, clock, 10.0)
    told = [(report.half, report.condition) for report in desk.engine.reports if isinstance(report, cmd.DeviceIs)]
    assert {(half, MISSING) for half in Half} < set(told)
    assert dict(told) == dict.fromkeys(Half, Condition.WORKING)


def test_a_reply_without_a_card_is_played_to_nobody() -> None:
    """In its time, so that the conversation goes on: a command is carried out, and a light shows what goes on."""
    clock = VirtualClock(START_S)
    desk = _Desk(clock)
    desk.card.unplug()
    runner = _runner(desk, clock)
    reply = Reply(1, RATE_HZ)
    reply.append(loud(RATE_HZ // 2))
    reply.finish()
    desk.engine.commands.append(cmd.PlayReply(reply, Allow.SPEECH))
    begun = desk.engine.now()
    _steps(runner, clock, 1.0)
    (ended,) = [report for report in desk.all_told() if isinstance(report, ev.ReplyEnded)]
    assert (ended.turn, ended.position.played) == (1, 500)
    assert 500 <= ended.at - begun < 600


def test_what_plays_to_nobody_goes_on_aloud_when_there_is_a_speaker() -> None:
    """What is left of it is heard."""
    clock = VirtualClock(START_S)
    desk = _Desk(clock)
    runner = _runner(desk, clock, desk.devices())
    desk.card.unplug(Half.SPEAKER)
    _steps(runner, clock, 0.1)
    reply = Reply(1, RATE_HZ)
    reply.append(loud(2 * RATE_HZ))
    reply.finish()
    desk.engine.commands.append(cmd.PlayReply(reply, Allow.NONE))
    _steps(runner, clock, 1.0)
    desk.card.plug(Half.SPEAKER)
    _steps(runner, clock, 1.5)
    told = desk.all_told()
    assert [type(report) for report in told if isinstance(report, ev.ReplyEnded)] == [ev.ReplyEnded]
    sounded = np.count_nonzero(desk.room.cone.between(0, desk.room.end_frame))
    assert RATE_HZ // 4 < sounded < RATE_HZ


def test_a_reply_for_a_speaker_of_another_rate_is_not_played() -> None:
    """It would sound at another pitch; that it is over is told."""
    clock = VirtualClock(START_S)
    desk = _Desk(clock)
    runner = _runner(desk, clock)
    desk.engine.commands.extend([cmd.PlayReply(Reply(1, 48_000), Allow.SPEECH), cmd.SetLoopDelay(Frames(99))])
    runner.turn()
    assert not desk.engine.commands
    assert _losses(desk.all_told()) == [ev.SpeakerLost]


# ---- one of two


def test_a_lost_speaker_does_not_deafen() -> None:
    """The microphone's stream goes on without a gap; that the speaker is gone, and back, is told of it alone."""
    clock = VirtualClock(START_S)
    desk = _Desk(clock)
    runner = _runner(desk, clock, desk.devices())
    _steps(runner, clock, 6.0)
    desk.all_told()
    before, at_s = desk.engine.frame, clock.now_s()
    desk.card.unplug(Half.SPEAKER)
    _steps(runner, clock, 1.0)
    told = desk.all_told()
    assert _conditions(told) == [(Half.SPEAKER, MISSING)]
    assert _losses(told) == [ev.SpeakerLost]
    desk.card.plug(Half.SPEAKER)
    _steps(runner, clock, 1.0)
    assert _conditions(desk.all_told()) == [(Half.SPEAKER, WORKING)]
    assert desk.engine.frame - before == pytest.approx((clock.now_s() - at_s) * RATE_HZ, abs=PERIOD_FRAMES)
    assert desk.heard == desk.engine.frame


def test_a_lost_microphone_does_not_silence() -> None:
    """What plays goes on, and ends in its time; what was not heard is a gap."""
    clock = VirtualClock(START_S)
    desk = _Desk(clock)
    runner = _runner(desk, clock, desk.devices())
    _steps(runner, clock, 6.0)
    reply = Reply(1, RATE_HZ)
    reply.append(loud(RATE_HZ))
    reply.finish()
    desk.engine.commands.append(cmd.PlayReply(reply, Allow.SPEECH))
    desk.card.unplug(Half.MICROPHONE)
    _steps(runner, clock, 1.5)
    told = desk.all_told()
    assert _losses(told) == [ev.MicrophoneLost]
    assert [report.position.played for report in told if isinstance(report, ev.ReplyEnded)] == [1000]
    frame, at_s = desk.engine.frame, clock.now_s()
    desk.card.plug(Half.MICROPHONE)
    _steps(runner, clock, 4.0)
    assert desk.engine.frame - frame >= (clock.now_s() - at_s) * RATE_HZ
    assert _losses(desk.all_told()) == []


def test_when_the_other_one_goes_too_nothing_is_left() -> None:
    """A card that was both of them: one is missed first."""
    clock = VirtualClock(START_S)
    desk = _Desk(clock)
    runner = _runner(desk, clock, desk.devices())
    _steps(runner, clock, 1.0)
    desk.all_told()
    desk.card.unplug()
    _steps(runner, clock, 0.1)
    told = desk.all_told()
    assert _losses(told) == [ev.MicrophoneLost, ev.AudioLost]
    assert _conditions(told) == [(Half.MICROPHONE, MISSING), (Half.SPEAKER, MISSING)]


def test_a_microphone_whose_clock_stands_still_is_lost_and_opened_again() -> None:
    """Within two seconds that is known; it is back when it gives something, not when it opens."""
    clock = VirtualClock(START_S)
    desk = _Desk(clock)
    runner = _runner(desk, clock, desk.devices())
    _steps(runner, clock, 6.0)
    desk.all_told()
    desk.card.stall(10_000)
    _steps(runner, clock, STALL_S + 0.1)
    told = desk.all_told()
    assert _conditions(told) == [(Half.MICROPHONE, STALLED)]
    assert _troubles(told) == [("the simulated microphone gives nothing: its clock stands still", True)]
    _steps(runner, clock, 8.0)
    told = desk.all_told()
    assert _conditions(told) == []
    assert [is_news for _, is_news in _troubles(told)] == [False] * len(_troubles(told)) and _troubles(told)
    assert runner.is_lost
    _steps(runner, clock, FIRST_SOUND_S + LONGEST_RETRY_S)
    assert _conditions(desk.all_told()) == [(Half.MICROPHONE, WORKING)]
    assert not runner.is_lost


def test_a_speaker_whose_clock_stands_still_is_lost_and_opened_again() -> None:
    """Also when nothing is said: silence is played too."""
    clock = VirtualClock(START_S)
    desk = _Desk(clock)
    runner = _runner(desk, clock, desk.devices())
    _steps(runner, clock, 6.0)
    desk.all_told()
    desk.card.stall_speaker(1500)
    _steps(runner, clock, STALL_S + 0.1)
    told = desk.all_told()
    assert (_conditions(told), _losses(told)) == ([(Half.SPEAKER, STALLED)], [ev.SpeakerLost])
    _steps(runner, clock, FIRST_SOUND_S)
    assert _conditions(desk.all_told()) == [(Half.SPEAKER, WORKING)]


def test_a_thread_that_was_away_itself_does_not_take_that_for_a_stall() -> None:
    """A machine that was too busy for seconds has a card that was not."""
    clock = VirtualClock(START_S)
    desk = _Desk(clock)
    runner = _runner(desk, clock, desk.devices())
    _steps(runner, clock, 6.0)
    desk.all_told()
    for _ in range(3):
        clock.sleep_until(clock.now_s() + 3.0)
        _steps(runner, clock, 0.1)
    assert _conditions(desk.all_told()) == []


@pytest.mark.parametrize(("half", "channel"), [(Half.MICROPHONE, "mic"), (Half.SPEAKER, "speaker")])
def test_one_xrun_after_the_other_is_no_sound(half: Half, channel: Literal["mic", "speaker"]) -> None:
    """A device that does nothing else is opened anew; now and then one is counted, and that is all."""
    clock = VirtualClock(START_S)
    desk = _Desk(clock)
    runner = _runner(desk, clock, desk.devices())
    _steps(runner, clock, 6.0)
    desk.all_told()
    for _ in range(20):
        desk.card.inject_xrun(channel)
        _steps(runner, clock, 0.2)
    assert _conditions(desk.all_told()) == []
    for _ in range(60):
        if not runner.is_lost:
            desk.card.inject_xrun(channel)
        _steps(runner, clock, 0.03)
    assert _conditions(desk.all_told())[0] == (half, MISSING)
    assert desk.engine.overruns + desk.engine.underruns >= 40


def test_a_microphone_that_gives_only_zeros_is_opened_again_once_and_left() -> None:
    """The loudspeaker does not care; it is told once, and again when something is heard."""
    clock = VirtualClock(START_S)
    desk = _Desk(clock)
    opened = []
    devices = desk.devices()

    def open_microphone() -> tuple[WaitingMicrophone, Callable[[], None]]:
        opened.append(clock.now_s())
        return devices.open_microphone()

    runner = _runner(desk, clock, replace(devices, open_microphone=open_microphone))
    desk.room.say(loud(60 * RATE_HZ))
    _steps(runner, clock, 6.0)
    desk.all_told()
    desk.card.overdrive(0.0)
    _steps(runner, clock, SILENT_S - 0.1)
    assert desk.all_told() == []
    _steps(runner, clock, 15.0)
    told = desk.all_told()
    assert (_conditions(told), _losses(told)) == ([(Half.MICROPHONE, Condition.SILENT)], [])
    assert len(opened) == 2
    desk.card.overdrive(1.0)
    _steps(runner, clock, 0.1)
    assert _conditions(desk.all_told()) == [(Half.MICROPHONE, WORKING)]


def test_a_microphone_that_clips_is_told_of_and_goes_on() -> None:
    """Until a minute has passed without."""
    clock = VirtualClock(START_S)
    desk = _Desk(clock)
    runner = _runner(desk, clock, desk.devices())
    desk.room.say(loud(20 * RATE_HZ))
    desk.card.overdrive(4.0)
    _steps(runner, clock, 25.0)
    told = desk.all_told()
    assert _conditions(told)[-1] == (Half.MICROPHONE, Condition.CLIPPING) and not _losses(told)
    _steps(runner, clock, 80.0)
    assert _conditions(desk.all_told()) == [(Half.MICROPHONE, WORKING)]


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
    clock = VirtualClock(START_S)
    desk = _Desk(clock)
    reasons = iter(["busy", "busy", "missing", "missing", "missing"])

    def open_card() -> SimulatedCard:
        raise DeviceError(next(reasons))

    _steps(_runner(desk, clock, open_card), clock, 3.1)
    assert [is_news for _, is_news in _troubles(desk.all_told())] == [True, False, True, False, False]


def test_a_card_that_is_lost_is_told_once_and_what_was_missed_is_a_gap() -> None:
    """AudioLost at its time; the stream goes on where it would be had the card not been away."""
    clock = VirtualClock(START_S)
    desk = _Desk(clock)
    runner = _runner(desk, clock)
    for _ in range(10):
        runner.turn()
    assert desk.engine.frame == 10 * PERIOD_FRAMES
    desk.all_told()
    lost_at = desk.engine.now()
    desk.card.unplug()
    runner.turn()
    told = desk.all_told()
    assert (_troubles(told), told[-1]) == ([("the simulated microphone is gone", True)], ev.AudioLost(lost_at))
    clock.sleep_until(clock.now_s() + 1.0)
    desk.card.plug()
    runner.turn()
    assert desk.engine.frame == Frames(111 * PERIOD_FRAMES)
    runner.close()


def test_the_thread_reopens_its_card_and_gives_it_back() -> None:
    """It survives that the card is not there at first, and that it is lost; when it is stopped the card is closed."""
    desk = _Desk(RealClock())
    desk.card.unplug()

    def until(*wanted: tuple[Half, Condition]) -> None:
        left = set(wanted)
        while left:
            left -= set(_conditions([desk.told.get(timeout=_SOON_S)]))

    missing, working = ([(half, condition) for half in Half] for condition in (MISSING, WORKING))
    thread = AudioThread(desk.engine, desk.devices(), desk.notify)
    thread.start()
    try:
        for _ in range(2):
            until(*missing)
            desk.card.plug()
            until(*working)
            desk.card.unplug()
    finally:
        thread.stop()
    with pytest.raises(DeviceError, match="is gone"):
        desk.card.microphone.read()
