"""What we say, from its first audio to its end, and the ends that nobody wished for."""

from collections.abc import Callable

import pytest

from satellite.core import actions as act
from satellite.core import events as ev
from satellite.core.interrupt import Phase
from satellite.core.say import NOWHERE, Allow, SayState
from satellite.core.says import MOST_ANNOUNCEMENTS
from satellite.core.state import Stage, State, Why
from satellite.core.units import Frames, Millis, frames
from tests.core.driver import SPEECH_OVER_SPEECH, Driver, became, of, phases, why
from tests.core.situations import (
    announcing,
    answered,
    answered_in_doubt,
    finished,
    held,
    over,
    speaking,
    speaking_alone,
    thinking_aloud,
)

# ---- the answer


def test_the_microphone_stops_when_the_words_are_understood() -> None:
    """And what was kept for sending again is let go."""
    driver = finished()
    actions = driver.tell(ev.Transcript, text="hello")
    assert of(actions, act.StopMic, act.KeepFrom) == [act.StopMic(tell=False), act.KeepFrom(None)]


def test_speech_may_come_before_the_answer_is_complete() -> None:
    """The language model still talks: the reply plays, its run is alive, and its text follows."""
    driver = thinking_aloud()
    assert (driver.state, driver.conversation.stage) == (State.SPEAKING, Stage.THINKING)
    driver.tell(ev.Answered, text="all of it")
    assert (driver.state, driver.conversation.stage, driver.reply.text) == (State.SPEAKING, Stage.NONE, "all of it")


def test_the_text_of_an_answer_that_plays_lets_no_other_speech_be_the_answer() -> None:
    """A streamed answer begins before its text is whole; what begins after that is an announcement."""
    driver = thinking_aloud()
    assert of(driver.tell(ev.Answered, text="all of it"), act.ExpectAnswer) == []


def test_speech_that_may_be_an_earlier_answer_waits_for_another() -> None:
    """The other one is ours, and the first is not heard."""
    driver = answered_in_doubt()
    driver.tell(ev.AnswerComplete, total=Millis(3000))
    driver.wait(9_999)
    assert driver.is_in(State.PROCESSING)
    assert of(driver.tell(ev.AnswerAudio), act.Play, act.AcceptAnswer) == [act.Play(2, Allow.SPEECH)]
    assert (driver.state, driver.reply.complete) == (State.SPEAKING, False)


@pytest.mark.parametrize("is_whole", [False, True])
def test_speech_that_no_other_has_followed_is_the_answer(is_whole: bool) -> None:
    """The earlier one has failed: ours is late, and not lost."""
    driver = answered_in_doubt()
    if is_whole:
        driver.tell(ev.AnswerComplete, total=Millis(3000))
    actions = driver.wait(10_000)
    assert of(actions, act.Play, act.AcceptAnswer) == [act.AcceptAnswer(), act.Play(2, Allow.SPEECH)]
    assert (driver.state, driver.reply.text, driver.reply.complete) == (State.SPEAKING, "no", is_whole)
    assert driver.due is not None and driver.due[0] - driver.at == (8000 if is_whole else 15 * 60_000)


def test_speech_that_waits_is_forgotten_with_its_turn() -> None:
    """Neither the next turn nor the next hub hears of it."""
    driver = answered_in_doubt()
    driver.wake()
    assert driver.conversation.aside is None
    driver = answered_in_doubt()
    driver.tell(ev.HubClosed)
    assert driver.conversation.aside is None


def test_speech_without_an_answers_text_is_not_taken_for_the_answer() -> None:
    """A run that ends without a word has made none, so what waits was the earlier one."""
    driver = answered()
    driver.wake()
    driver.tell(ev.HubReady)
    driver.tell(ev.Transcript, text="again")
    driver.tell(ev.AnswerAudio, is_certain=False)
    driver.wait(60_000)
    assert (driver.state, len(driver.wanted(act.Play))) == (State.IDLE, 0)


def test_a_run_that_fails_while_it_speaks_lets_the_reply_play_out() -> None:
    """What there is, is said; more will not come."""
    driver = thinking_aloud()
    actions = driver.tell(ev.HubError, code="intent-failed", text="")
    assert actions == (act.SoundError(), act.FinishReply(driver.reply.turn))


def test_a_reply_has_as_long_as_it_is_and_a_little_more() -> None:
    """Then it is stuck, and silenced."""
    driver = Driver().speaking(total=5000)
    assert driver.wait(9_999) == ()
    actions = driver.wait(1)
    assert of(actions, act.StopReply, act.SendPlayed) == [act.StopReply(1, keep=False), act.SendPlayed()]
    assert became(driver) == (State.SPEAKING, State.IDLE, Why.TIME_LIMIT)


# ---- a reply's last moments


def test_words_over_a_replys_end_open_a_turn_and_interrupt_nothing() -> None:
    """In the last 50 ms the reply ends by itself; not a syllable of what is said over it is lost."""
    driver = over()
    onset = driver.conversation.onset
    assert (driver.state, driver.wanted(act.SendPlayed)) == (State.HELD, [])
    actions = driver.voice(SPEECH_OVER_SPEECH)
    assert of(actions, act.SendPlayed, act.StreamMic, act.StopReply) == [
        act.SendPlayed(),
        act.StreamMic(Frames(onset - frames(300))),
    ]
    assert (driver.state, driver.interrupts) == (State.LISTENING, [])


@pytest.mark.parametrize(
    "nothing",
    [lambda d: d.silence(384), lambda d: d.wait(3000), lambda d: d.tell(ev.MicrophoneStalled)],
    ids=["silence", "deadline", "stall"],
)
def test_a_cough_over_a_replys_end_is_nothing(nothing: Callable[[Driver], object]) -> None:
    """The reply has ended; the server learns it a little later."""
    driver = over()
    nothing(driver)
    assert (driver.state, why(driver)) == (State.IDLE, Why.FINISHED)
    assert driver.wanted(act.SendPlayed) == [act.SendPlayed()]
    assert driver.wanted(act.ResumeReply) == []


def test_words_over_the_end_of_a_reply_without_a_hub_are_for_nobody() -> None:
    """There is no turn to open, so there is nothing to wait for."""
    driver = speaking_alone()
    driver.end(overlap_ago=200)
    assert driver.state is State.OFFLINE


def test_a_hub_that_vanishes_under_an_overlap_leaves_nothing_behind() -> None:
    """The reply had ended, and the words have nowhere to go."""
    driver = over()
    driver.tell(ev.HubClosed)
    assert (driver.state, driver.reply) == (State.OFFLINE, None)


# ---- the device goes


@pytest.mark.parametrize("build", [speaking, speaking_alone])
def test_a_lost_device_ends_the_reply(build: Callable[[], Driver]) -> None:
    """There is nothing left to play it on."""
    driver = build()
    linked = driver.conversation.is_linked
    driver.tell(ev.AudioLost)
    assert (driver.state, why(driver)) == (State.IDLE if linked else State.OFFLINE, Why.DEVICE_LOST)


def test_a_lost_device_takes_back_what_was_told_of_a_hold() -> None:
    """Somebody waits for its other half."""
    driver = held()
    driver.tell(ev.AudioLost)
    assert phases(driver) == [Phase.PROVISIONAL, Phase.CANCELLED]


def test_a_lost_device_cancels_the_run_that_still_speaks() -> None:
    """Its answer has become pointless."""
    driver = thinking_aloud()
    assert of(driver.tell(ev.AudioLost), act.SendAbort) == [act.SendAbort()]


# ---- announcements


def test_an_announcement_is_a_turn_of_its_own() -> None:
    """It answers nothing; what plays it is the same."""
    driver = announcing()
    assert (driver.state, driver.reply.is_announcement) == (State.SPEAKING, True)
    assert driver.wanted(act.BeginTurn) == [act.BeginTurn(1, owed=False)]
    driver.tell(ev.AnswerComplete, total=Millis(3000))
    driver.hold()
    driver.voice(SPEECH_OVER_SPEECH)
    assert driver.state is State.LISTENING


@pytest.mark.parametrize("build", [Driver.listening, Driver.processing])
def test_an_announcement_ends_the_turn_that_it_breaks_into(build: Callable[[Driver], Driver]) -> None:
    """The hub has cancelled its run for it."""
    driver = build(Driver())
    actions = driver.tell(ev.AnnouncementAudio)
    assert of(actions, act.StopMic, act.SendAbort) == [act.StopMic(tell=False)]
    assert (driver.state, driver.conversation.stage) == (State.SPEAKING, Stage.NONE)


@pytest.mark.parametrize("build", [speaking, held])
def test_an_announcement_over_a_reply_waits_for_its_end(build: Callable[[], Driver]) -> None:
    """One voice at a time; and the hub, which waits too, hears that it was played when it was."""
    driver = build()
    assert driver.tell(ev.AnnouncementAudio, id=-4) == (act.KeepAnnouncement(-4),)
    driver.tell(ev.SayComplete, id=-4, total=Millis(2000))
    if driver.is_in(State.HELD):
        driver.silence(500)
    actions = driver.end()
    assert of(actions, act.SendPlayed) == []
    assert of(actions, act.TakeSpeech, act.Play) == [act.TakeSpeech(-4, 2), act.Play(2, Allow.SPEECH)]
    actions = driver.end()
    assert of(actions, act.SendPlayed) == [act.SendPlayed()] and driver.is_in(State.IDLE)


def test_an_announcement_that_waits_outlasts_the_interruption_and_the_turn() -> None:
    """It answers nothing that was said."""
    driver = speaking()
    driver.tell(ev.AnnouncementAudio, id=-1)
    driver.hold()
    driver.voice(SPEECH_OVER_SPEECH)
    assert driver.is_in(State.LISTENING) and [say.id for say in driver.conversation.says] == [-1]
    driver.tell(ev.StopAsked)
    driver.ack()
    assert driver.is_in(State.SPEAKING) and driver.reply.id == -1


def test_a_hub_is_told_of_an_announcement_that_will_not_be_played() -> None:
    """Or it would wait."""
    driver = speaking()
    driver.tell(ev.AnnouncementAudio, id=-1)
    actions = driver.tell(ev.SayFailed, id=-1)
    assert of(actions, act.SayOver, act.SendPlayed) == [act.SayOver(0, -1, SayState.CANCELLED, NOWHERE), act.SendPlayed()]


def test_no_more_announcements_wait_than_there_is_room_for() -> None:
    """A hub may be mad, and each is kept with its sound."""
    driver = speaking()
    for n in range(1, 100):
        driver.tell(ev.AnnouncementAudio, id=-n)
    assert len(driver.conversation.says) == MOST_ANNOUNCEMENTS
