"""What a program wants said, from the queue to its end; the stories are among the conversations."""

import pytest

from satellite.core import actions as act
from satellite.core import events as ev
from satellite.core.conversation import ConversationRule
from satellite.core.interrupt import Phase, Reason
from satellite.core.say import Allow, FollowUp, SayState
from satellite.core.state import Stage, State, Why
from satellite.core.units import Millis, frames
from tests.core.driver import SPEECH_OVER_SPEECH, WINDOW_MS, Driver, of, position, why
from tests.core.situations import asked_to_say_alone, asleep, asleep_and_asked_to_say, listening, processing, saying, speaking


def _endings(driver: Driver) -> list[tuple[int | None, SayState]]:
    return [(over.id, over.state) for over in driver.wanted(act.SayOver)]


def test_announcements_go_first_and_each_kind_keeps_its_order() -> None:
    """What is being made already is not put back."""
    driver = Driver().opened()
    for id, is_announcement in ((1, False), (2, False), (3, True), (4, False), (5, True)):
        driver.ask_to_say(id, is_announcement=is_announcement)
    assert driver.conversation.making is not None and driver.conversation.making.id == 1
    assert [say.id for say in driver.conversation.says] == [3, 5, 2, 4]


def test_only_one_is_made_at_a_time() -> None:
    """Speech servers are slow, and what is made first may never be said."""
    driver = Driver().opened()
    driver.ask_to_say(1)
    driver.ask_to_say(2)
    assert [a.say.id for a in driver.wanted(act.MakeSpeech)] == [1]


@pytest.mark.parametrize("build", [listening, processing, speaking])
def test_nothing_is_made_while_the_user_has_the_floor(build: object) -> None:
    """The server that makes it makes the answer, too."""
    driver: Driver = build()  # type: ignore[operator]
    driver.ask_to_say(1)
    assert driver.wanted(act.MakeSpeech) == []


def test_without_a_hub_it_is_said_all_the_same() -> None:
    """And afterwards nobody listens, for nobody could hear."""
    driver = asked_to_say_alone()
    driver.tell(ev.SayComplete, id=1, total=Millis(1000))
    assert driver.is_in(State.SPEAKING) and why(driver) is Why.SAY
    driver.end()
    assert driver.is_in(State.OFFLINE)
    assert _endings(driver) == [(1, SayState.PLAYED)]


def test_a_hub_that_waits_for_the_wake_word_is_freed_first() -> None:
    """It would take what is spoken for the user's."""
    driver = asleep_and_asked_to_say()
    driver.tell(ev.SaySpeech, id=1)
    assert driver.conversation.stage is Stage.ABORTING and driver.is_in(State.IDLE)
    driver.ack()
    assert driver.is_in(State.SPEAKING)


def test_a_hub_that_does_not_acknowledge_delays_it_by_no_more_than_its_deadline() -> None:
    """Those up to 2026.3 say nothing."""
    driver = asleep()
    driver.ask_to_say(1)
    driver.tell(ev.SaySpeech, id=1)
    driver.expire()
    assert driver.is_in(State.SPEAKING)


def test_what_may_interrupt_it_is_said_with_it() -> None:
    """And its sensitivity."""
    driver = Driver().opened()
    driver.ask_to_say(1, allow_interruptions=Allow.NONE)
    actions = driver.tell(ev.SaySpeech, id=1)
    assert of(actions, act.Play) == [act.Play(1, Allow.NONE)]


def test_a_question_of_a_program_is_answered_without_the_wake_word() -> None:
    """As one of an answer is."""
    driver = Driver(ConversationRule(follow_up=FollowUp.QUESTION)).opened()
    driver.silence(WINDOW_MS)
    driver.ask_to_say(1, "How can I help you?")
    driver.tell(ev.SayComplete, id=1, total=Millis(1000))
    driver.silence(960)
    driver.end()
    assert driver.is_in(State.LISTENING) and why(driver) is Why.FOLLOW_UP


def test_an_announcement_waits_for_no_answer() -> None:
    """Whatever it ends with."""
    driver = Driver().opened()
    driver.ask_to_say(1, "Dinner?", is_announcement=True)
    driver.tell(ev.SayComplete, id=1, total=Millis(1000))
    driver.silence(960)
    driver.end()
    assert driver.is_in(State.IDLE)


def test_whoever_talks_over_it_wants_none_of_what_was_to_follow() -> None:
    """But an announcement follows nothing, and is said after his turn."""
    driver = saying()
    driver.ask_to_say(2)
    driver.ask_to_say(3, is_announcement=True)
    driver.wait(1000)
    driver.hold()
    driver.voice(SPEECH_OVER_SPEECH)
    assert _endings(driver) == [(1, SayState.INTERRUPTED), (2, SayState.CANCELLED)]
    assert [say.id for say in driver.conversation.says] == [3]


def test_an_interruption_without_words_goes_on_with_it() -> None:
    """It is over when it has been played, though it was taken for interrupted once."""
    driver = saying()
    driver.wait(1000)
    driver.hold()
    driver.voice(SPEECH_OVER_SPEECH)
    driver.tell(ev.HubReady)
    driver.tell(ev.HubError, code="stt-no-text-recognized", text="")
    assert driver.is_in(State.SPEAKING)
    driver.end()
    assert _endings(driver) == [(1, SayState.INTERRUPTED), (1, SayState.PLAYED)]


def test_cancelling_tells_the_server_how_far_it_came() -> None:
    """An agent's memory is not to hold what nobody heard."""
    driver = saying()
    driver.wait(1000)
    driver.tell(ev.ReplyCancelled, turn=driver.reply.turn, position=position(900, 5000, 5000))
    assert [(i.phase, i.reason, i.position.played) for i in driver.interrupts] == [(Phase.CONFIRMED, Reason.BUTTON, 900)]
    assert driver.is_in(State.IDLE) and why(driver) is Why.CANCELLED


def test_cancelling_a_held_utterance_takes_the_place_where_it_was_held() -> None:
    """It has not moved since."""
    driver = saying()
    driver.wait(1000)
    driver.hold(played=700)
    driver.tell(ev.ReplyCancelled, turn=driver.reply.turn, position=position(900, 5000, 5000))
    assert [over.position.played for over in driver.wanted(act.SayOver)] == [700]
    assert [i.phase for i in driver.interrupts] == [Phase.PROVISIONAL, Phase.CONFIRMED]


def test_speech_that_breaks_off_is_played_as_far_as_it_came() -> None:
    """And the user hears that something is wrong."""
    driver = Driver().saying(total=None)
    assert driver.tell(ev.SayFailed, id=1) == (act.SoundError(), act.FinishReply(1))


def test_a_service_that_stops_leaves_nobody_waiting() -> None:
    """What plays, what is being made, and what waits."""
    driver = saying()
    driver.ask_to_say(2)
    driver.ask_to_say(3)
    driver.tell(ev.ShuttingDown)
    assert sorted(_endings(driver), key=str) == [(id, SayState.CANCELLED) for id in (1, 2, 3)]
    assert not driver.conversation.says and driver.conversation.making is None


def test_a_button_opens_a_turn_from_now_on() -> None:
    """There was no wake word, and none is told."""
    driver = Driver().opened()
    driver.wait(1000)
    actions = driver.tell(ev.ListenAsked, end=frames(driver.at))
    assert driver.is_in(State.LISTENING) and why(driver) is Why.LISTEN
    assert of(actions, act.StreamMic) == [act.StreamMic(frames(1000))]
    assert of(actions, act.SendDetection) == []


def test_a_button_over_a_reply_stops_it_and_listens() -> None:
    """As the wake word does."""
    driver = speaking()
    driver.wait(1000)
    driver.tell(ev.ListenAsked, end=frames(driver.at), position=position(900, 5000, 5000))
    assert driver.is_in(State.LISTENING)
    assert [(i.reason, i.position.played) for i in driver.interrupts] == [(Reason.BUTTON, 900)]


def test_a_button_that_says_stop_ends_what_is_spoken_and_what_was_to_follow() -> None:
    """Nobody listens; an announcement, which follows nothing, is still said."""
    driver = saying()
    driver.ask_to_say(2)
    driver.ask_to_say(3, is_announcement=True)
    driver.wait(1000)
    driver.tell(ev.StopAsked, position=position(900, 5000, 5000))
    assert driver.is_in(State.IDLE) and why(driver) is Why.CANCELLED
    assert _endings(driver) == [(1, SayState.CANCELLED), (2, SayState.CANCELLED)]
    assert driver.conversation.making is not None and driver.conversation.making.id == 3
    assert [(i.reason, i.position.played) for i in driver.interrupts] == [(Reason.BUTTON, 900)]


@pytest.mark.parametrize("build", [listening, processing])
def test_a_button_that_says_stop_gives_the_turn_up(build: object) -> None:
    """The hub's run is cancelled, and the microphone is the user's again."""
    driver: Driver = build()  # type: ignore[operator]
    actions = driver.tell(ev.StopAsked)
    assert driver.is_in(State.IDLE) and why(driver) is Why.CANCELLED
    assert of(actions, act.SendAbort) == [act.SendAbort()]


def test_a_button_that_says_stop_in_silence_takes_back_what_waits() -> None:
    """It was to begin in a moment."""
    driver = asked_to_say_alone()
    driver.tell(ev.StopAsked)
    assert _endings(driver) == [(1, SayState.CANCELLED)]
