"""What programs of others are told: of conversations that are driven event by event, and of a whole daemon's."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

import pytest
from wyoming.timer import TimerFinished, TimerStarted

from satellite.core import events as ev
from satellite.core.conversation import ConversationRule
from satellite.core.hardware import Condition, Device, Half
from satellite.core.state import State
from satellite.core.timers import Timer, TimerChange
from satellite.core.units import Millis, frames
from satellite.mock.agent import Agent, keyword_agent
from satellite.mock.recordings import COMMAND, STOP
from satellite.notices import Notice, Notices
from satellite.observer import Audience, Key, Setting
from satellite.service import Service
from tests.core.driver import window
from tests.notice_driver import WatchedDriver
from tests.service.house import MURMUR, PATIENT, REPLY_TEXT, House, house, play, undisturbed
from tests.standalone.home import home

Story = Callable[[WatchedDriver], object]

# what is told on the way into a state, by the names that the notices have in `_brief`
_OPENED = ["satellite-connected", "= idle", "detect"]
_ASKED = ["run asr", "streaming-started", "= listening"]
_LISTENING = ["detection", *_ASKED, "transcribe"]
_SAID = ["voice-started", "voice-stopped", "streaming-stopped", "= processing"]
_PROCESSING = [*_LISTENING, *_SAID, "transcript"]
_SPEAKING = [*_PROCESSING, "synthesize", "audio-start", "= speaking", "audio-stop"]
_RESTS = ["= idle", "detect"]


def _brief(notice: Notice) -> str:
    match notice.kind:
        case "state-changed":
            return f"= {notice.data['new']}"
        case "interrupt":
            return f"interrupt {notice.data['phase']}"
        case "run-pipeline":
            return f"run {notice.data['start_stage']}"
        case kind:
            return kind


def _told(story: Story, rule: ConversationRule | None = None) -> list[Notice]:
    """All that is told of a story."""
    notices: list[Notice] = []
    story(WatchedDriver(notices.append, rule))
    return notices


def _the(notices: list[Notice], kind: str) -> dict[str, Any]:
    """The data of the only one of a kind."""
    (data,) = [notice.data for notice in notices if notice.kind == kind]
    return dict(data)


# ---- stories


def _turn(d: WatchedDriver) -> None:
    d.speaking().wait(1000)
    d.end()


def _turn_thought_aloud(d: WatchedDriver) -> None:
    d.thinking_aloud()
    d.tell(ev.Answered, text="the answer")
    d.tell(ev.AnswerComplete, total=Millis(500))
    d.wait(500)
    d.end()


def _barge_in(d: WatchedDriver) -> None:
    d.speaking().wait(1000)
    d.hold()
    d.voice(1000)
    d.tell(ev.HubReady)
    d.silence(900)


def _wake_word_over_the_reply(d: WatchedDriver) -> None:
    d.speaking().wait(1000)
    d.wake()


def _cough(d: WatchedDriver) -> None:
    d.held()
    d.cough(200)
    d.silence(1500)
    d.end()


def _no_words_after_all(d: WatchedDriver) -> None:
    _barge_in(d)
    d.tell(ev.Transcript, text="")
    d.wait(1000)
    d.end()


def _command_before_the_hub_is_ready(d: WatchedDriver) -> None:
    d.opened().wait(1000)
    d.wake()
    d.voice(960)
    d.silence(704)
    d.tell(ev.HubReady)


def _hub_hears_the_end(d: WatchedDriver) -> None:
    d.listening().voice(960)
    d.tell(ev.HubHeardEnd)
    d.tell(ev.Transcript, text="what is the news")


def _hub_understands_at_once(d: WatchedDriver) -> None:
    d.listening().voice(960)
    d.tell(ev.Transcript, text="what is the news")


def _nothing_said(d: WatchedDriver) -> None:
    d.listening().expire()


def _stopped_thought(d: WatchedDriver) -> None:
    d.processing()
    d.tell(ev.StopAsked)
    # of a run that is being cancelled
    d.tell(ev.HubReady)
    d.tell(ev.Transcript, text="late")
    d.tell(ev.HubHeardEnd)
    d.tell(ev.Answered, text="late")
    d.ack()


def _ack_that_is_late(d: WatchedDriver) -> None:
    d.processing()
    d.wake()
    d.expire()
    d.ack()


def _error(d: WatchedDriver) -> None:
    d.processing()
    d.tell(ev.HubError, code="intent-failed", text="no answer")


def _say(d: WatchedDriver) -> None:
    d.saying(total=None)
    # of another one, that waits
    d.tell(ev.SayComplete, id=7, total=Millis(1))
    d.tell(ev.SayComplete, id=1, total=Millis(500))
    d.wait(500)
    d.end()


def _say_that_is_whole_before_it_begins(d: WatchedDriver) -> None:
    d.opened().ask_to_say(1)
    d.tell(ev.SayComplete, id=1, total=Millis(500))
    d.wait(500)
    d.end()


def _announcement(d: WatchedDriver) -> None:
    d.opened().tell(ev.AnnouncementAudio)
    d.tell(ev.AnswerComplete, total=Millis(500))
    d.wait(500)
    d.end()


def _answer_in_two_streams(d: WatchedDriver) -> None:
    d.speaking().tell(ev.AnnouncementAudio, may_be_rest=True)
    d.tell(ev.AnswerComplete, total=Millis(9000))


def _hub_lost_while_it_speaks(d: WatchedDriver) -> None:
    d.thinking_aloud().wait(1000)
    d.tell(ev.HubClosed)


def _interrupted_without_a_hub(d: WatchedDriver) -> None:
    d.speaking().wait(1000)
    d.tell(ev.HubClosed)
    d.wake()
    d.tell(ev.HubOpened)
    d.ack()


def _hub_mutes(d: WatchedDriver) -> None:
    d.listening()
    d.tell(ev.HubPaused)
    d.tell(ev.HubOpened)
    d.ack()


_STORIES: list[tuple[Story, list[str]]] = [
    (_turn, [*_OPENED, *_SPEAKING, "played", *_RESTS]),
    (
        _turn_thought_aloud,
        [*_OPENED, *_PROCESSING, "audio-start", "= speaking", "synthesize", "audio-stop", "played", *_RESTS],
    ),
    (
        _barge_in,
        [
            *(*_OPENED, *_SPEAKING, "interrupt provisional", "interrupt confirmed", "played", *_ASKED, "transcribe"),
            *_SAID,
        ],
    ),
    (_wake_word_over_the_reply, [*_OPENED, *_SPEAKING, "interrupt confirmed", "played", "detection", *_ASKED]),
    # a reply that is held is still being spoken, and its audio is not stopped twice
    (_cough, [*_OPENED, *_SPEAKING, "interrupt provisional", "interrupt cancelled", "played", *_RESTS]),
    (
        _no_words_after_all,
        [
            *(*_OPENED, *_SPEAKING, "interrupt provisional", "interrupt confirmed", "played", *_ASKED, "transcribe"),
            *(*_SAID, "transcript", "interrupt cancelled", "= speaking", "played", *_RESTS),
        ],
    ),
    (
        _command_before_the_hub_is_ready,
        [
            *(*_OPENED, "detection", *_ASKED, "voice-started", "voice-stopped", "= processing"),
            *("transcribe", "streaming-stopped"),
        ],
    ),
    (_hub_hears_the_end, [*_OPENED, *_PROCESSING]),
    (
        _hub_understands_at_once,
        [*_OPENED, *_LISTENING, "voice-started", "voice-stopped", "transcript", "streaming-stopped", "= processing"],
    ),
    (_nothing_said, [*_OPENED, *_LISTENING, "streaming-stopped", *_RESTS]),
    (_stopped_thought, [*_OPENED, *_PROCESSING, "interrupt confirmed", *_RESTS]),
    (
        _ack_that_is_late,
        [*_OPENED, *_PROCESSING, "interrupt confirmed", "detection", "= listening", *_ASKED[:2], "streaming-stopped"],
    ),
    (_error, [*_OPENED, *_PROCESSING, "error", *_RESTS]),
    (_say, [*_OPENED, "audio-start", "= speaking", "audio-stop", "played", *_RESTS]),
    (_say_that_is_whole_before_it_begins, [*_OPENED, "audio-start", "= speaking", "audio-stop", "played", *_RESTS]),
    (_announcement, [*_OPENED, "audio-start", "= speaking", "audio-stop", "played", *_RESTS]),
    (_answer_in_two_streams, [*_OPENED, *_SPEAKING, "audio-start", "audio-stop"]),
    (
        _hub_lost_while_it_speaks,
        [*_OPENED, *_PROCESSING, "audio-start", "= speaking", "satellite-disconnected", "audio-stop"],
    ),
    # the hub that is there again is told first
    (
        _interrupted_without_a_hub,
        [
            *(*_OPENED, *_SPEAKING, "satellite-disconnected", "played", "= offline"),
            *("satellite-connected", "interrupt confirmed", *_RESTS),
        ],
    ),
    (
        _hub_mutes,
        [
            *(*_OPENED, *_LISTENING, "pause-satellite", "streaming-stopped", "= muted"),
            *("satellite-connected", *_RESTS),
        ],
    ),
]


@pytest.mark.parametrize(("story", "told"), _STORIES, ids=[story.__name__[1:] for story, _ in _STORIES])
def test_what_is_told_of_a_story(story: Story, told: list[str]) -> None:
    """In this order, and nothing else."""
    assert [_brief(notice) for notice in _told(story)] == told


def test_what_is_told_with_it() -> None:
    """As the Wyoming events have it; times are those of the stream."""
    notices = _told(_turn)
    assert _the(notices, "run-pipeline") == {"start_stage": "asr", "end_stage": "tts", "restart_on_end": False}
    assert _the(notices, "detection") == {"name": "okay_nabu", "timestamp": 1000}
    assert 1000 < _the(notices, "voice-started")["timestamp"] < _the(notices, "voice-stopped")["timestamp"]
    assert _the(notices, "transcript") == {"text": "what is the news"}
    assert _the(notices, "synthesize") == {"text": "the answer to that is long"}
    assert _the(_told(_error), "error") == {"text": "no answer", "code": "intent-failed"}
    last = [notice.data for notice in notices if notice.kind == "state-changed"][-1]
    assert last == {"old": "speaking", "new": "idle", "why": "finished"}


def test_an_interruption_is_told_as_the_hub_is_told() -> None:
    """With how far the reply had come."""
    _, confirmed = [notice.data for notice in _told(_barge_in) if notice.kind == "interrupt"]
    assert confirmed["reason"] == "speech" and confirmed["played_ms"] == 1000
    assert confirmed["text"] == "the answer to that is long"


def test_an_interruption_is_told_once() -> None:
    """A hub that is there again is told anew; a hook has been run."""

    def story(d: WatchedDriver) -> None:
        _wake_word_over_the_reply(d)
        d.tell(ev.HubClosed)
        d.tell(ev.HubOpened)

    assert len([notice for notice in _told(story) if notice.kind == "interrupt"]) == 1


def test_a_hub_that_waits_for_the_wake_word() -> None:
    """Its run begins with that, however often it is asked; the word that it hears is told like one of ours."""

    def story(d: WatchedDriver) -> None:
        d.opened()
        for _ in range(2):
            d.give(window(d.at, 32, 0.9, 0.8))
            d.tell(ev.HubError, code="wake-engine-missing", text="none")
            d.expire()
        d.give(window(d.at, 32, 0.9, 0.8))
        d.tell(ev.HubWoke, name="hey_jarvis")
        d.tell(ev.HubReady)

    notices = _told(story, replace(ConversationRule(), hub_wakes=True))
    asked = ["run wake", "streaming-started"]
    failed = [*asked, "error", "streaming-stopped"]
    assert [_brief(n) for n in notices] == [*_OPENED, *failed, *failed, *asked, "detection", "= listening", "transcribe"]
    assert _the(notices, "detection")["name"] == "hey_jarvis"


def test_a_wake_word_that_opens_no_turn_is_not_told() -> None:
    """One while the user speaks already; and a turn that begins by a button has no word."""

    def story(d: WatchedDriver) -> None:
        d.listening()
        d.wake()
        d.tell(ev.StopAsked)
        d.ack()
        d.tell(ev.ListenAsked, end=frames(d.at))

    assert [notice.kind for notice in _told(story)].count("detection") == 1


def test_timers() -> None:
    """As the events have it: what is not known is left out."""

    def story(d: WatchedDriver) -> None:
        d.notices.on_timer(Timer(TimerChange.STARTED, "1", "eggs", 90))
        d.notices.on_timer(Timer(TimerChange.STARTED, "2", "", 60))
        d.notices.on_timer(Timer(TimerChange.UPDATED, "1", "", 30, is_active=False))
        d.notices.on_timer(Timer(TimerChange.CANCELLED, "2"))
        d.notices.on_timer(Timer(TimerChange.FINISHED, "1"))

    assert _told(story) == [
        Notice("timer-started", {"id": "1", "total_seconds": 90, "name": "eggs"}),
        Notice("timer-started", {"id": "2", "total_seconds": 60}),
        Notice("timer-updated", {"id": "1", "is_active": False, "total_seconds": 30}),
        Notice("timer-cancelled", {"id": "2"}),
        Notice("timer-finished", {"id": "1"}),
    ]


def test_settings_are_told_when_they_change() -> None:
    """Not when they are set to what they were."""

    def story(d: WatchedDriver) -> None:
        for is_muted in (False, True, True, False):
            d.notices.on_setting(Setting(Key.MUTED, is_muted))
        d.notices.on_setting(Setting(Key.VOLUME, 50))

    assert [notice.kind for notice in _told(story)] == ["muted", "unmuted"]


def test_a_lost_device_is_told_of_by_name_and_that_all_are_back_once() -> None:
    """Each device that goes is told once, whatever else is found out about it; a light goes out when none is missing."""

    def story(d: WatchedDriver) -> None:
        for half, condition in (
            *((Half.MICROPHONE, Condition.WORKING), (Half.SPEAKER, Condition.WORKING)),
            *((Half.SPEAKER, Condition.STALLED), (Half.SPEAKER, Condition.MISSING), (Half.MICROPHONE, Condition.MISSING)),
            *((Half.SPEAKER, Condition.WORKING), (Half.MICROPHONE, Condition.WORKING)),
        ):
            d.notices.on_device(Device(half, "hw:CARD=X").become(condition, Millis(0), "why" if condition.is_lost else ""))

    lost = {"name": "hw:CARD=X", "reason": "why"}
    assert _told(story) == [
        Notice("audio-lost", {"device": "speaker", **lost}),
        Notice("audio-lost", {"device": "microphone", **lost}),
        Notice("audio-back"),
    ]


def test_a_microphone_that_is_switched_off_is_not_lost() -> None:
    """A light may show it otherwise."""

    def story(d: WatchedDriver) -> None:
        for condition in (Condition.WORKING, Condition.CLIPPING, Condition.SILENT, Condition.SILENT, Condition.WORKING):
            d.notices.on_device(Device(Half.MICROPHONE, "default").become(condition, Millis(0)))

    assert _told(story) == [Notice("microphone-silent"), Notice("microphone-heard")]


# ---- a whole daemon


@asynccontextmanager
async def _watched(agent: Agent, **more: Any) -> AsyncIterator[tuple[House, list[Notice]]]:
    notices: list[Notice] = []

    def construct(config: Any, open_card: Any, seen: Any, **rest: Any) -> Service:
        return Service(config, open_card, Audience(seen, Notices(notices.append)), **rest)

    async with house(agent, construct=construct, **more) as place:
        yield place, notices


def test_a_daemons_whole_turn() -> None:
    """The same as of the driven one; then it is muted, comes back, and stops."""
    notices: list[Notice] = []

    async def story() -> None:
        nonlocal notices
        async with _watched(keyword_agent({}, REPLY_TEXT)) as (place, notices):
            await place.answer()
            await place.until_over()
            assert [_brief(n) for n in notices if n.kind != "transcribe"] == [
                *(*_OPENED, *_LISTENING[:-1], *_SAID, "transcript", "synthesize", "audio-start", "= speaking"),
                *("audio-stop", "played", *_RESTS),
            ]
            assert _the(notices, "transcript") == {"text": STOP}
            assert _the(notices, "synthesize") == {"text": REPLY_TEXT}
            del notices[:]
            await place.hub.pause()
            await place.until_state(State.MUTED)
            place.hub.unpause()
            await place.until_back()
            back = [_brief(n) for n in notices]
            assert back == ["pause-satellite", "= muted", "satellite-disconnected", "= offline", *_OPENED]
            del notices[:]
            place.hub.vanish()
            await place.until_back(3)
            assert [_brief(n) for n in notices] == ["satellite-disconnected", "= offline", *_OPENED]

    play(story())


def test_a_daemon_that_is_talked_over() -> None:
    """By words: they are a turn without a wake word."""

    async def story() -> None:
        async with _watched(keyword_agent({}, REPLY_TEXT)) as (place, notices):
            await place.answer(into_s=0.4)
            place.say("tts_lights_heart")
            await place.until(lambda: len([n for n in notices if n.kind == "transcript"]) == 2)
            kinds = [_brief(n) for n in notices]
            over = kinds[kinds.index("interrupt provisional") :]
            # the rest of the answer, and the hub's answer to the words, come as they like
            fixed = [kind for kind in over if kind not in ("transcribe", "audio-stop", "synthesize")]
            assert fixed == [
                *("interrupt provisional", "interrupt confirmed", "played", *_ASKED, *_SAID, "transcript"),
            ]
            assert [n.data["text"] for n in notices if n.kind == "transcript"] == [STOP, COMMAND]

    play(story())


def test_a_daemon_that_is_coughed_at() -> None:
    """The hold is taken back, and the turn is told to its end."""

    async def story() -> None:
        async with _watched(keyword_agent({}, REPLY_TEXT), burst=PATIENT) as (place, notices):
            await place.answer(into_s=0.4)
            place.say(MURMUR)
            await place.until_state(State.HELD)
            await place.until_over()
            kinds = [_brief(n) for n in notices]
            over = kinds[kinds.index("interrupt provisional") :]
            assert over == ["interrupt provisional", "interrupt cancelled", "played", *_RESTS]

    play(story())


def test_a_daemons_timers() -> None:
    """In whatever state."""

    async def story() -> None:
        async with _watched(keyword_agent({}, REPLY_TEXT)) as (place, notices):
            await place.hub.send(TimerStarted("1", 90, "eggs").event())
            await place.hub.send(TimerFinished("1").event())
            await place.until(lambda: len(place.seen.timers) == 2)
            assert [_brief(n) for n in notices] == [*_OPENED, "timer-started", "timer-finished"]

    play(story())


def test_a_daemon_without_a_hub_tells_the_same() -> None:
    """Its servers understand, answer and speak; a turn is a turn, and one that is given up says no more."""

    async def story() -> None:
        async with home(keyword_agent({}, REPLY_TEXT), config=undisturbed()) as place:
            notices: list[Notice] = []
            place.service.observer = Audience(place.seen, Notices(notices.append))
            await place.command()
            await place.until_over()
            told = [_brief(n) for n in notices if n.kind != "transcribe"]
            # the text of what is spoken is whole when all of it is known, perhaps only while it is spoken
            assert [kind for kind in told if kind != "synthesize"] == [
                *(*_LISTENING[:-1], *_SAID, "transcript", "audio-start", "= speaking", "audio-stop", "played", *_RESTS),
            ]
            assert _the(notices, "transcript") == {"text": STOP}
            assert _the(notices, "synthesize") == {"text": REPLY_TEXT}
            del notices[:]
            await place.command()
            place.service.hush()
            await place.until_state(State.IDLE)
            assert not {"transcript", "synthesize", "error", "played"} & {notice.kind for notice in notices}

    play(story())
