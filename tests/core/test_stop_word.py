"""The stop word: whatever goes on is over, and nobody listens."""

from collections.abc import Callable

import pytest

from satellite.core import actions as act
from satellite.core import events as ev
from satellite.core.conversation import ConversationRule
from satellite.core.interrupt import Phase, Reason
from satellite.core.say import Allow
from satellite.core.state import Stage, State, Why
from satellite.core.units import frames
from tests.core.driver import SPEECH_OVER_SPEECH, Driver, became, kinds, of, phases, position
from tests.core.situations import (
    announcing,
    answered,
    asked_back,
    asking,
    held,
    held_alone,
    interrupted,
    listening,
    muted,
    opened,
    over,
    processing,
    speaking,
    speaking_alone,
    thinking_aloud,
)

# ---- over a reply


def test_the_stop_word_over_a_reply_stops_it_and_does_not_listen() -> None:
    """Confirmed at once, as there is no doubt; the hub is told why, and that its reply is over."""
    driver = speaking()
    driver.wait(1000)
    place = position(900, 5000, 5000)
    actions = driver.tell(ev.StopWordHeard, name="stop", end=frames(driver.at), position=place)
    assert kinds(actions) == ["StopReply", "SendInterrupt", "SayOver", "SendPlayed", "BeginTurn", "ClearDeadline", "Become"]
    assert of(actions, act.StopReply) == [act.StopReply(1, keep=False)]
    (told,) = driver.interrupts
    assert (told.phase, told.reason, told.position) == (Phase.CONFIRMED, Reason.STOP_WORD, place)
    assert became(driver) == (State.SPEAKING, State.IDLE, Why.INTERRUPTED)


def test_an_announcement_is_stopped_alike() -> None:
    """The user has not asked for it."""
    driver = announcing()
    assert of(driver.stop_word(), act.StopReply, act.SendRun) == [act.StopReply(1, keep=False)]
    assert driver.state is State.IDLE


def test_a_question_that_is_stopped_is_not_waited_after() -> None:
    """Whoever says stop does not want to answer."""
    driver = asking()
    driver.stop_word()
    assert driver.conversation.deadline is None
    assert driver.is_in(State.IDLE)


@pytest.mark.parametrize("policy", Allow)
def test_the_policy_says_whether_the_stop_word_interrupts(policy: Allow) -> None:
    """Every level but the last lets it in."""
    driver = Driver(ConversationRule(allow_interruptions=policy)).speaking()
    driver.stop_word()
    assert (driver.state is State.IDLE) is (policy is not Allow.NONE)


def test_the_run_that_is_alive_is_aborted() -> None:
    """The hub need not make the rest of an answer that nobody wants; what it still says of it is stale."""
    driver = thinking_aloud()
    actions = driver.stop_word()
    assert of(actions, act.SendAbort, act.SendRun) == [act.SendAbort()]
    assert driver.is_in(State.IDLE)
    assert driver.tell(ev.Answered, text="too late") == driver.tell(ev.AnswerAudio) == ()
    driver.ack()
    assert (driver.state, driver.conversation.stage, driver.conversation.deadline) == (State.IDLE, Stage.NONE, None)


def test_without_a_hub_the_reply_ends_and_the_next_hub_is_told() -> None:
    """Once."""
    driver = speaking_alone()
    assert of(driver.stop_word(), act.StopReply, act.SendInterrupt) == [act.StopReply(1, keep=False)]
    assert driver.is_in(State.OFFLINE)
    driver.tell(ev.HubOpened)
    assert [(told.phase, told.reason) for told in driver.interrupts] == [(Phase.CONFIRMED, Reason.STOP_WORD)]


# ---- in a hold


def test_the_stop_word_in_a_hold_confirms_that_very_interruption() -> None:
    """The reply has not moved since, whatever is said of it."""
    driver = held()
    driver.tell(ev.StopWordHeard, name="stop", end=frames(driver.at), position=position(1500, 5000, 5000))
    assert [(told.phase, told.reason) for told in driver.interrupts] == [
        (Phase.PROVISIONAL, Reason.SPEECH),
        (Phase.CONFIRMED, Reason.STOP_WORD),
    ]
    assert len({told.id for told in driver.interrupts}) == 1
    assert driver.interrupts[-1].position == driver.interrupts[0].position
    assert became(driver) == (State.HELD, State.IDLE, Why.INTERRUPTED)


def test_a_hold_that_was_kept_to_ourselves_is_told_with_its_end() -> None:
    """`interrupt_phases: confirmed`."""
    driver = Driver(ConversationRule(tell_provisional=False)).held()
    driver.stop_word()
    assert phases(driver) == [Phase.CONFIRMED]


def test_a_hold_without_a_hub_is_confirmed_to_the_next() -> None:
    """It was told of the hold, or may have been."""
    driver = held_alone()
    driver.stop_word()
    assert driver.is_in(State.OFFLINE)
    driver.tell(ev.HubOpened)
    assert phases(driver) == [Phase.PROVISIONAL, Phase.CONFIRMED]


def test_a_reply_that_had_ended_under_the_word_was_not_interrupted() -> None:
    """Only `played` is told, and nobody listens."""
    driver = over()
    assert kinds(driver.stop_word()) == ["SendPlayed", "BeginTurn", "ClearDeadline", "Become"]
    assert (driver.state, driver.interrupts) == (State.IDLE, [])


# ---- when it is found late


def test_a_stop_word_that_was_taken_for_words_first_ends_the_turn_that_it_opened() -> None:
    """It lasts as long as words do, and the detector may be later than they: the turn is given up, the hub was told all."""
    driver = held()
    driver.voice(SPEECH_OVER_SPEECH)
    assert driver.is_in(State.LISTENING)
    actions = driver.stop_word()
    assert of(actions, act.SendAbort, act.SendInterrupt, act.StopMic) == [*2 * [act.StopMic(False)], act.SendAbort()]
    assert driver.is_in(State.IDLE)
    assert phases(driver) == [Phase.PROVISIONAL, Phase.CONFIRMED]


def test_it_ends_that_turn_also_when_the_hub_heard_its_end_first() -> None:
    """A hub may think that one word is a sentence."""
    driver = interrupted()
    driver.tell(ev.HubHeardEnd)
    assert driver.is_in(State.PROCESSING)
    driver.stop_word()
    assert driver.state is State.IDLE


@pytest.mark.parametrize(("late_ms", "state"), [(1500, State.IDLE), (1501, State.LISTENING)])
def test_such_a_word_later_in_what_the_user_says_is_a_part_of_it(late_ms: int, state: State) -> None:
    """Who has said so much before it means something else."""
    driver = interrupted()
    end = driver.conversation.utterance + frames(driver.conversation.rule.preroll_ms + late_ms)
    driver.tell(ev.StopWordHeard, name="stop", end=end)
    assert driver.state is state


def test_after_the_wake_word_it_is_a_command() -> None:
    """The hub stops the music. That goes for the wake word over a reply too."""
    driver = listening()
    assert driver.stop_word() == ()
    driver = speaking()
    driver.wake()
    assert driver.stop_word() == ()


# ---- while the hub thinks


@pytest.mark.parametrize("build", [processing, answered])
def test_while_the_hub_thinks_it_cancels_the_run(build: Callable[[], Driver]) -> None:
    """Never mind."""
    driver = build()
    driver.wait(500)
    actions = driver.stop_word()
    assert [(told.phase, told.reason, told.state) for told in driver.interrupts] == [
        (Phase.CONFIRMED, Reason.STOP_WORD, "processing")
    ]
    assert (of(actions, act.SendAbort) != []) is (build is processing)
    assert of(actions, act.BeginTurn) == [act.BeginTurn(2, owed=build is answered)]
    assert driver.is_in(State.IDLE)


def test_a_command_that_ends_with_it_is_not_cancelled_by_it() -> None:
    """It is found up to 0.2 s after its end, when the hub may have begun to think."""
    driver = processing()
    spoken_until = driver.conversation.endpoint.spoken_until
    assert driver.tell(ev.StopWordHeard, name="stop", end=spoken_until + frames(200)) == ()
    driver.tell(ev.StopWordHeard, name="stop", end=spoken_until + frames(201))
    assert driver.state is State.IDLE


# ---- where it is nothing


@pytest.mark.parametrize("build", [Driver, opened, listening, asked_back, muted])
def test_where_nothing_is_said_it_is_nothing(build: Callable[[], Driver]) -> None:
    """It wakes nobody, and an answer to a question that holds it is the hub's to understand."""
    driver = build()
    before = driver.conversation
    assert driver.stop_word() == ()
    assert driver.conversation is before
