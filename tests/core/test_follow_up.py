"""After an answer that asks something the user may answer without the wake word."""

from dataclasses import replace

import pytest

from satellite.core import actions as act
from satellite.core import events as ev
from satellite.core.burst import Burst
from satellite.core.conversation import ConversationRule
from satellite.core.events import Deadline
from satellite.core.say import FollowUp
from satellite.core.state import Stage, State, Why
from satellite.core.units import Frames, Millis, frames
from tests.core.driver import WINDOW_MS, Driver, kinds, of
from tests.core.situations import asked_back, asking

QUESTION, STATEMENT = "Which light do you mean? ", "The light is on."


def _ended(rule: FollowUp, text: str) -> Driver:
    """An answer with this text has just been played to its end."""
    driver = Driver(ConversationRule(follow_up=rule)).speaking(text=text)
    driver.silence(WINDOW_MS)
    driver.end()
    return driver


@pytest.mark.parametrize(
    ("rule", "text", "state"),
    [
        (FollowUp.QUESTION, QUESTION, State.LISTENING),
        (FollowUp.QUESTION, "\u03a0\u03bf\u03b9\u03bf \u03c6\u03c9\u03c2;", State.LISTENING),
        (FollowUp.QUESTION, "\u54ea\u76cf\u706f\uff1f", State.LISTENING),
        (FollowUp.QUESTION, "\u0623\u064a \u0636\u0648\u0621\u061f", State.LISTENING),
        (FollowUp.QUESTION, STATEMENT, State.IDLE),
        (FollowUp.QUESTION, f"{QUESTION}{STATEMENT}", State.IDLE),
        (FollowUp.QUESTION, "", State.IDLE),
        (FollowUp.ALWAYS, STATEMENT, State.LISTENING),
        (FollowUp.NEVER, QUESTION, State.IDLE),
    ],
)
def test_which_answers_let_the_user_answer(rule: FollowUp, text: str, state: State) -> None:
    """As the operator wishes; by default those that end with a question mark of whatever script."""
    assert _ended(rule, text).state is state


def test_the_hub_is_told_of_the_end_and_asked_for_a_run_but_not_told_of_a_wake_word() -> None:
    """Or it would take us for two satellites. Nothing of before the answer's end is sent."""
    driver = asking()
    last_window = driver.at
    driver.wait(20)
    actions = driver.end()
    run = ["BeginTurn", "KeepFrom", "SendRun", "StreamMic", "SetDeadline", "Become"]
    assert kinds(actions) == ["SendPlayed", "SayOver", *run]
    assert of(actions, act.StreamMic) == [act.StreamMic(frames(last_window))]
    assert driver.wanted(act.Become)[-1] == act.Become(State.SPEAKING, State.LISTENING, Why.FOLLOW_UP)


def test_a_user_who_says_nothing_is_waited_for_so_long_and_no_longer() -> None:
    """The run is cancelled, and the satellite is idle as before the question."""
    driver = Driver(ConversationRule(follow_up_ms=Millis(3000))).speaking(text=QUESTION)
    driver.silence(WINDOW_MS)
    driver.end()
    assert of(driver.tell(ev.HubReady), act.SetDeadline) == [act.SetDeadline(Deadline.SPEECH, Millis(3000))]
    actions = driver.wait(3000)
    assert of(actions, act.StopMic, act.SendAbort) == [act.StopMic(False), act.StopMic(False), act.SendAbort()]
    assert driver.wanted(act.Become)[-1] == act.Become(State.LISTENING, State.IDLE, Why.NOTHING_SAID)
    driver.ack()
    assert (driver.state, driver.conversation.stage, driver.due) == (State.IDLE, Stage.NONE, None)


def test_after_a_wake_word_the_user_has_the_usual_time() -> None:
    """What a follow-up is given is not left to the next turn."""
    driver = Driver(ConversationRule(follow_up_ms=Millis(9000))).speaking(text=QUESTION)
    driver.silence(WINDOW_MS)
    driver.end()
    driver.tell(ev.HubReady)
    driver.wait(9000)
    driver.ack()
    driver.wake()
    usual = ConversationRule().limits.speech
    assert of(driver.tell(ev.HubReady), act.SetDeadline) == [act.SetDeadline(Deadline.SPEECH, usual)]


def test_the_users_answer_is_a_turn_like_any_other() -> None:
    """It is endpointed, understood, answered, and may be followed by another."""
    driver = asked_back()
    driver.voice(640)
    driver.silence(704)
    assert driver.is_in(State.PROCESSING)
    driver.tell(ev.Transcript, text="the one in the kitchen")
    driver.tell(ev.Answered, text="the ceiling or the table?")
    driver.tell(ev.AnswerAudio)
    driver.tell(ev.AnswerComplete, total=Millis(1000))
    driver.silence(WINDOW_MS)
    driver.end()
    assert driver.is_in(State.LISTENING)


def test_an_answer_that_is_given_over_the_questions_end_is_heard_from_its_onset() -> None:
    """Nobody has to wait for the last syllable."""
    driver = asking()
    driver.voice(192)
    onset = frames(driver.at - 192)
    actions = driver.end(overlap_ago=192)
    assert of(actions, act.StreamMic) == [act.StreamMic(Frames(onset - frames(300)))]
    assert (driver.state, driver.interrupts) == (State.LISTENING, [])
    driver.tell(ev.HubReady)
    driver.voice(64)
    assert driver.conversation.deadline is Deadline.END_OF_SPEECH


def test_a_question_that_was_interrupted_is_not_followed_up() -> None:
    """The words that interrupted it are the turn."""
    driver = asking()
    driver.hold()
    driver.voice(512)
    assert driver.wanted(act.Become)[-1].why is Why.INTERRUPTED
    assert driver.conversation.is_follow_up is False


def test_announcements_are_not_followed_up() -> None:
    """What was said unasked asks nothing, whatever the operator wishes of answers."""
    driver = Driver(ConversationRule(follow_up=FollowUp.ALWAYS)).opened()
    driver.tell(ev.AnnouncementAudio)
    driver.silence(WINDOW_MS)
    driver.end()
    assert driver.state is State.IDLE


def test_nobody_listens_without_a_hub_or_a_microphone() -> None:
    """There is no one to hear the answer, or nothing to hear it with."""
    driver = asking()
    driver.tell(ev.HubClosed)
    driver.end()
    assert driver.state is State.OFFLINE
    driver = Driver().speaking(text=QUESTION)
    driver.conversation = replace(driver.conversation, burst=Burst())
    driver.end()
    assert driver.state is State.IDLE


def test_a_hub_that_hears_no_words_ends_it() -> None:
    """As any turn; the wake word of the first one is told once."""
    driver = asked_back()
    driver.tell(ev.HubError, code="stt-no-text-recognized", text="")
    assert (driver.state, driver.wanted(act.SendDetection)) == (State.IDLE, [act.SendDetection("okay_nabu")])
