"""A turn of the user's, from the wake word to the last word of the hub's run, and every silence of the hub."""

from collections.abc import Callable

import pytest

from satellite.core import actions as act
from satellite.core import events as ev
from satellite.core.conversation import ConversationRule
from satellite.core.events import Deadline
from satellite.core.state import Stage, State, Why
from satellite.core.units import Frames, frames
from tests.core.driver import Driver, became, kinds, of
from tests.core.situations import (
    answered,
    finished,
    finished_before_the_hub_is_ready,
    just_opened,
    listening,
    opened,
    processing,
    spoken,
    woken,
)

# ---- the wake word


def test_the_wake_word_opens_a_run_with_the_audio_behind_it() -> None:
    """Detection first, so that two satellites can be told apart; then the run; then what was said since."""
    driver = opened()
    driver.wait(5000)
    actions = driver.wake()
    assert kinds(actions) == ["BeginTurn", "KeepFrom", "SendDetection", "SendRun", "StreamMic", "SetDeadline", "Become"]
    assert of(actions, act.StreamMic) == [act.StreamMic(frames(4800))]
    assert of(actions, act.SetDeadline) == [act.SetDeadline(Deadline.HUB_READY, ConversationRule().limits.hub_ready)]


def test_a_wake_word_in_the_first_moments_asks_for_no_audio_before_the_beginning() -> None:
    """The stream has no frames below zero."""
    driver = opened()
    assert of(driver.wake(), act.StreamMic) == [act.StreamMic(Frames(0))]


def test_a_wake_word_while_the_hub_still_cancels_is_told_with_the_run() -> None:
    """Right after the hub connected: the word goes out when the run does, and not again with a second attempt."""
    driver = just_opened()
    assert of(driver.wake(), act.SendDetection, act.SendRun) == []
    told = (act.SendDetection("okay_nabu"), act.SendRun())
    assert of(driver.ack(), act.SendDetection, act.SendRun) == list(told)
    driver.expire()
    assert of(driver.ack(), act.SendDetection, act.SendRun) == [act.SendRun()]


def test_a_wake_word_that_was_never_told_is_not_told_of_a_later_turn() -> None:
    """The hub went before it could be asked; what the next one is asked, another wake word has opened."""
    driver = just_opened()
    driver.wake()
    driver.tell(ev.HubClosed)
    driver.opened()
    driver.tell(ev.WakeHeard, name="computer", end=frames(driver.at))
    assert driver.wanted(act.SendDetection) == [act.SendDetection("computer")]


def test_a_whole_turn_goes_through_the_four_states_and_back() -> None:
    """The documented cycle."""
    driver = Driver().speaking()
    driver.wait(5000)
    assert of(driver.end(), act.SendPlayed) == [act.SendPlayed()]
    states = [(change.new, change.why) for change in driver.wanted(act.Become)]
    assert states == [
        (State.IDLE, Why.CONNECTED),
        (State.LISTENING, Why.WAKE_WORD),
        (State.PROCESSING, Why.END_OF_SPEECH),
        (State.SPEAKING, Why.ANSWER),
        (State.IDLE, Why.FINISHED),
    ]


# ---- the end of the utterance


def test_our_endpointing_ends_the_utterance_and_tells_the_hub() -> None:
    """Speech, then 0.7 s of silence."""
    driver = spoken()
    assert driver.silence(672) == ()
    actions = driver.silence(32)
    assert of(actions, act.StopMic) == [act.StopMic(tell=True)]
    assert (driver.state, driver.conversation.deadline) == (State.PROCESSING, Deadline.TRANSCRIPT)


def test_the_hub_may_be_first_and_need_not_be_told() -> None:
    """Its own detector ended the utterance: it takes no more audio, and is not deaf, however long its words take."""
    driver = spoken()
    assert of(driver.tell(ev.HubHeardEnd), act.StopMic) == [act.StopMic(tell=False)]
    assert (driver.state, driver.conversation.deadline) == (State.PROCESSING, Deadline.ANSWER)


def test_an_utterance_that_is_over_before_the_hub_is_ready_waits_for_it() -> None:
    """A short command at a slow hub: it gets the whole of it, and is told of the end when it can hear."""
    driver = finished_before_the_hub_is_ready()
    assert (driver.state, driver.conversation.deadline) == (State.PROCESSING, Deadline.HUB_READY)
    assert not driver.wanted(act.StopMic)
    actions = driver.tell(ev.HubReady)
    assert of(actions, act.StopMic) == [act.StopMic(tell=True)]
    assert driver.conversation.deadline is Deadline.TRANSCRIPT


def test_an_utterance_that_is_over_while_the_hub_still_cancels_is_sent_when_it_has() -> None:
    """The wait for the acknowledgement goes on in the next state, and the words are sent whole after it."""
    driver = processing()
    driver.wake()
    driver.voice(512)
    driver.silence(704)
    assert (driver.state, driver.conversation.deadline) == (State.PROCESSING, Deadline.ABORT_ACK)
    first = driver.conversation.utterance
    assert of(driver.ack(), act.SendRun, act.StreamMic) == [act.SendRun(), act.StreamMic(first)]


@pytest.mark.parametrize("is_cancelling", [False, True])
def test_what_is_added_before_the_hub_listens_is_of_the_same_utterance(is_cancelling: bool) -> None:
    """A pause for thought at a slow hub: it gets the words before the pause too, in one run, and waits for the rest."""
    driver = processing() if is_cancelling else opened()
    driver.wake()
    first, since = driver.conversation.utterance, len(driver.wanted(act.SendInterrupt))
    driver.voice(640)
    driver.silence(704)
    assert driver.is_in(State.PROCESSING)
    driver.voice(640)
    if is_cancelling:
        driver.ack()
    assert driver.wanted(act.StreamMic)[-1] == act.StreamMic(first)
    driver.tell(ev.HubReady)
    assert became(driver) == (State.PROCESSING, State.LISTENING, Why.MORE_SPEECH)
    assert of(driver.silence(704), act.StopMic) == [act.StopMic(tell=True)]
    assert (driver.state, len(driver.interrupts)) == (State.PROCESSING, since)


def test_what_is_added_and_over_before_the_hub_listens_is_of_the_same_utterance() -> None:
    """It has all of it then."""
    driver = finished_before_the_hub_is_ready()
    driver.voice(640)
    driver.silence(704)
    assert of(driver.tell(ev.HubReady), act.StopMic) == [act.StopMic(tell=True)]
    assert driver.state is State.PROCESSING


def test_a_user_who_says_nothing_is_not_waited_for() -> None:
    """He changed his mind."""
    driver = listening()
    driver.silence(5024)
    assert became(driver) == (State.LISTENING, State.IDLE, Why.NOTHING_SAID)
    assert len(driver.wanted(act.SendAbort)) == 2


def test_speech_that_was_heard_before_the_hub_was_ready_counts() -> None:
    """The wait is for the end of the utterance then, not for its beginning."""
    driver = woken()
    driver.voice(320)
    driver.tell(ev.HubReady)
    assert driver.conversation.deadline is Deadline.END_OF_SPEECH


def test_speech_that_never_ends_is_cut_off_after_15_s() -> None:
    """The hub gives up at the same time."""
    driver = listening()
    driver.voice(15_360)
    assert became(driver) == (State.LISTENING, State.PROCESSING, Why.TIME_LIMIT)


def test_a_second_wake_word_while_listening_is_part_of_what_is_said() -> None:
    """The turn it would open is open."""
    driver = listening()
    assert driver.wake() == ()


# ---- a new turn while the old run is alive


def test_the_old_run_is_dead_before_the_new_one_is_asked_for() -> None:
    """A hub that gets a run while one is alive goes deaf."""
    driver = processing()
    actions = driver.wake()
    assert of(actions, act.SendAbort, act.SendRun, act.StreamMic) == [act.SendAbort()]
    assert of(driver.ack(), act.SendRun, act.StreamMic) == [act.SendRun(), act.StreamMic(driver.conversation.utterance)]


def test_a_run_that_has_ended_needs_no_abort() -> None:
    """`synthesize` ends it."""
    driver = answered()
    actions = driver.wake()
    assert of(actions, act.SendAbort, act.SendRun) == [act.SendRun()]


@pytest.mark.parametrize(("acks", "patience"), [(False, 300), (True, 3000)])
def test_a_hub_that_acknowledges_is_given_longer(acks: bool, patience: int) -> None:
    """A language model may take a second to die; but who never says so is not waited for."""
    driver = Driver()
    driver.tell(ev.HubOpened)
    if acks:
        driver.ack()
    driver.wait(1000)
    driver.wake()
    driver.tell(ev.HubReady)
    driver.tell(ev.Transcript, text="hello")
    driver.wake()
    assert of(driver.wait(patience - 1), act.SendRun) == []
    assert of(driver.wait(1), act.SendRun) == [act.SendRun()]


def test_a_late_acknowledgement_has_the_utterance_sent_again() -> None:
    """It proves that the old run was alive when the new one was asked for, so nobody listens to that."""
    driver = Driver()
    driver.tell(ev.HubOpened)
    driver.wait(1000)
    driver.wake()
    driver.tell(ev.HubReady)
    driver.tell(ev.Transcript, text="hello")
    driver.wake()
    driver.wait(300)
    assert of(driver.ack(), act.StopMic, act.SendAbort) == [act.StopMic(tell=False), act.SendAbort()]
    assert driver.conversation.hub_acks_abort
    again = driver.ack()
    assert of(again, act.SendRun, act.StreamMic) == [act.SendRun(), act.StreamMic(driver.conversation.utterance)]


def test_a_late_acknowledgement_after_the_utterance_is_over_has_it_sent_again_too() -> None:
    """The state is the next one, the cure is the same, and the hub is told of the end when it hears."""
    driver = finished_before_the_hub_is_ready()
    assert of(driver.ack(), act.SendAbort) == [act.SendAbort()]
    assert of(driver.ack(), act.SendRun, act.StreamMic) == [act.SendRun(), act.StreamMic(driver.conversation.utterance)]
    assert of(driver.tell(ev.HubReady), act.StopMic) == [act.StopMic(tell=True)]


def test_a_hub_that_rejects_every_run_is_given_up() -> None:
    """It answers our aborts and our runs with the same error, for ever."""
    driver = woken()
    for _ in range(10):
        driver.ack()
    assert became(driver) == (State.LISTENING, State.IDLE, Why.HUB_ERROR)
    assert len(driver.wanted(act.SendRun)) == ConversationRule().attempts


def test_a_validation_error_after_the_words_were_understood_is_the_end_of_that_run() -> None:
    """The run heard us, so it was not deaf, and what was kept for sending again is gone."""
    driver = processing()
    driver.ack()
    assert became(driver) == (State.PROCESSING, State.IDLE, Why.HUB_ERROR)


def test_a_ready_of_the_run_before_is_not_the_new_ones() -> None:
    """It was on the wire when the abort was sent."""
    driver = woken()
    driver.voice(320)
    driver.silence(704)
    driver.wake()
    assert driver.conversation.stage is Stage.ABORTING
    driver.tell(ev.HubReady)
    assert driver.conversation.deadline is Deadline.ABORT_ACK


def test_what_a_silent_hub_still_says_of_the_run_before_is_not_the_new_ones() -> None:
    """It acknowledges nothing, so it is asked while the old run may be alive; its words must not end the user's."""
    driver = Driver()
    driver.tell(ev.HubOpened)
    driver.wait(1000)
    driver.wake()
    driver.tell(ev.HubReady)
    driver.voice(640)
    driver.silence(704)
    driver.wake()
    driver.wait(300)
    assert driver.conversation.stage is Stage.ASKED
    for kind, fields in ((ev.HubHeardEnd, {}), (ev.Transcript, {"text": "hello"}), (ev.Answered, {"text": "hello"})):
        assert driver.tell(kind, **fields) == ()
    driver.tell(ev.HubReady)
    assert (driver.state, driver.conversation.deadline) == (State.LISTENING, Deadline.SPEECH)


@pytest.mark.parametrize("build", [processing, just_opened])
def test_an_error_of_the_run_before_is_no_acknowledgement(build: Callable[[], Driver]) -> None:
    """The hub has still to read the abort, and a run that it read before it would be cancelled with it."""
    driver = build()
    driver.wake()
    assert driver.tell(ev.HubError, code="intent-failed", text="") == ()
    assert of(driver.ack(), act.SendRun) == [act.SendRun()]


def test_a_hub_that_says_ready_twice_does_not_make_the_user_wait_twice() -> None:
    """Only the first sign of a run starts its clock."""
    driver = listening()
    driver.wait(4000)
    assert driver.tell(ev.HubReady) == ()
    driver.wait(1000)
    assert driver.state is State.IDLE


# ---- silences of the hub


@pytest.mark.parametrize("attempts", [1, 2, 3])
def test_a_hub_that_never_gets_ready_is_asked_so_often_and_then_given_up(attempts: int) -> None:
    """Each time its old run is cancelled first."""
    driver = Driver(ConversationRule(attempts=attempts)).opened()
    driver.wake()
    while driver.state is not State.IDLE:
        driver.expire()
    assert len(driver.wanted(act.SendRun)) == attempts
    assert became(driver) == (State.LISTENING, State.IDLE, Why.TIME_LIMIT)


def test_a_hub_that_swallows_an_utterance_gets_it_once_more() -> None:
    """Neither transcript nor error after the end of speech: the run is deaf."""
    driver = finished()
    utterance = driver.conversation.utterance
    assert of(driver.wait(15_000), act.SendAbort) == [act.SendAbort()]
    assert of(driver.ack(), act.StreamMic) == [act.StreamMic(utterance)]
    assert of(driver.tell(ev.HubReady), act.StopMic) == [act.StopMic(tell=True)]
    driver.wait(15_000)
    assert became(driver) == (State.PROCESSING, State.IDLE, Why.TIME_LIMIT)


def test_a_hub_that_understands_and_says_nothing_is_given_up_after_a_minute() -> None:
    """An answer without text ends Home Assistant's run without a word."""
    driver = processing()
    assert driver.wait(59_999) == ()
    driver.wait(1)
    assert became(driver) == (State.PROCESSING, State.IDLE, Why.TIME_LIMIT)


def test_an_answer_whose_speech_never_comes_is_given_up_and_not_owed() -> None:
    """Synthesis has failed, so the next speech is the next answer's."""
    driver = answered()
    actions = driver.wait(10_000)
    assert of(actions, act.BeginTurn) == [act.BeginTurn(2, owed=False)]
    assert of(actions, act.SendAbort) == []
    assert driver.state is State.IDLE


def test_an_answer_whose_speech_has_failed_is_not_owed() -> None:
    """The hub says so."""
    driver = answered()
    actions = driver.tell(ev.HubError, code="tts-failed", text="")
    assert of(actions, act.BeginTurn) == [act.BeginTurn(2, owed=False)]


def test_an_answer_that_a_lost_device_cannot_play_is_owed() -> None:
    """Its speech is still being made."""
    driver = answered()
    assert of(driver.tell(ev.AudioLost), act.BeginTurn) == [act.BeginTurn(2, owed=True)]


def test_a_run_that_is_given_up_is_cancelled_and_its_end_awaited() -> None:
    """A wake word right after it must not find it alive."""
    driver = processing()
    driver.wait(60_000)
    assert driver.conversation.stage is Stage.ABORTING
    assert of(driver.wake(), act.SendAbort, act.SendRun) == []
    assert of(driver.ack(), act.SendRun) == [act.SendRun()]


def test_a_lost_sound_device_does_not_forget_that_the_hub_is_still_cancelling() -> None:
    """The next run waits for the old one's death, whatever happened between."""
    driver = processing()
    driver.wake()
    driver.tell(ev.AudioLost)
    assert (driver.state, driver.conversation.stage) == (State.IDLE, Stage.ABORTING)
    assert of(driver.wake(), act.SendRun) == []


def test_an_error_of_the_hub_ends_the_turn_at_once() -> None:
    """Its run has ended with it, so there is nothing to cancel."""
    driver = processing()
    actions = driver.tell(ev.HubError, code="intent-failed", text="no")
    assert of(actions, act.SendAbort) == []
    assert became(driver) == (State.PROCESSING, State.IDLE, Why.HUB_ERROR)


def test_pauses_are_told_to_those_who_want_to_know() -> None:
    """Once when the user pauses, and once when he goes on."""
    driver = Driver(ConversationRule(tells_pauses=True)).listening()
    driver.voice(640)
    assert of(driver.silence(320), act.TellPause) == [act.TellPause(True)]
    assert of(driver.voice(320), act.TellPause) == [act.TellPause(False)]
    other = Driver().listening()
    other.voice(640)
    assert of(other.silence(320), act.TellPause) == []


@pytest.mark.parametrize(("name", "after_ms", "told"), [("okay_nabu", 1500, 1), ("okay_nabu", 2400, 2), ("alexa", 1500, 2)])
def test_a_word_that_is_said_again_at_once_is_not_told_twice(name: str, after_ms: int, told: int) -> None:
    """The hub would refuse it as another satellite's, and the user wait for nothing; the run is asked for all the same."""
    driver = Driver().opened()
    driver.wake()
    driver.tell(ev.StopAsked)
    driver.ack()
    driver.wait(after_ms)
    driver.tell(ev.WakeHeard, name=name, end=frames(driver.at))
    assert len(driver.wanted(act.SendDetection)) == told
    assert len(driver.wanted(act.SendRun)) == 2 and driver.is_in(State.LISTENING)
