"""The transition table as a whole: what may happen where, and that no state is a trap."""

from collections.abc import Iterator
from functools import cache

import pytest

from satellite.core import actions as act
from satellite.core import events as ev
from satellite.core import says
from satellite.core.conversation import Conversation
from satellite.core.effects import Result
from satellite.core.events import EVENTS, Event
from satellite.core.state import Stage, State, Why
from satellite.core.table import ROWS, TRANSITIONS, step
from satellite.errors import ProtocolMisuse
from tests.core.driver import Driver
from tests.core.situations import NO_TURN, SITUATIONS, events, held, opened, processing, speaking
from tests.core.watch import AT_REST, comes_to_rest

# without a hub there is nothing that a hub can have said; with one, another does not appear before it has gone
_SAID_BY_NOBODY = (
    ev.HubClosed,
    ev.HubPaused,
    ev.HubWoke,
    ev.HubReady,
    ev.HubHeardEnd,
    ev.Transcript,
    ev.Answered,
    ev.AnswerAudio,
    ev.AnswerComplete,
    ev.AnnouncementAudio,
    ev.HubError,
    ev.NothingToSay,
)
ILLEGAL: set[tuple[State, type[Event]]] = {
    *((State.OFFLINE, kind) for kind in _SAID_BY_NOBODY),
    (State.IDLE, ev.HubOpened),
    (State.LISTENING, ev.HubOpened),
    (State.PROCESSING, ev.HubOpened),
}

# these have no row where they can only be late, and what is late is dropped before the table is asked
ALWAYS_LATE: set[tuple[State, type[Event]]] = {
    *((state, kind) for state in State if state is not State.SPEAKING for kind in (ev.Held, ev.ReplyEnded)),
    *((state, ev.ReplyCancelled) for state in State if state not in (State.SPEAKING, State.HELD)),
    (State.OFFLINE, ev.DeadlineReached),
    (State.MUTED, ev.DeadlineReached),
}

Case = tuple[str, Event]
"""A situation's name, and what is told in it."""


@cache
def _situations() -> tuple[tuple[str, Driver], ...]:
    """Each of them, built once: steps do not change it."""
    built = tuple((build.__name__, build(), state) for build, state in SITUATIONS.items())
    for name, driver, state in built:
        assert driver.state is state, name
    return tuple((name, driver) for name, driver, _ in built)


@cache
def _all_cases() -> tuple[tuple[Case, Conversation, Event], ...]:
    return tuple(
        ((name, event), driver.conversation, event)
        for name, driver in _situations()
        for event in events(driver)
        if (driver.state, type(event)) not in ILLEGAL
    )


def _everywhere(*kinds: type[Event]) -> Iterator[tuple[Case, Conversation, Event]]:
    """Every event, or those of some kinds, that may be told in a situation."""
    return ((case, before, event) for case, before, event in _all_cases() if isinstance(event, kinds or Event))


@cache
def _outcomes() -> tuple[tuple[Case, Conversation, Event, Result], ...]:
    """What comes of every event everywhere."""
    return tuple((case, before, event, step(before, event)) for case, before, event in _all_cases())


def test_every_event_is_among_those_that_the_tests_tell() -> None:
    """A new event is told in every situation, or this fails."""
    assert {type(event) for event in events(opened())} == set(EVENTS)


@pytest.mark.parametrize("state", State)
def test_every_pair_of_state_and_event_has_a_row_or_is_our_mistake(state: State) -> None:
    """Each pair is in the table, or is always late, or raises; which raise is pinned here."""
    without = {kind for kind in EVENTS if (state, kind) not in TRANSITIONS}
    assert without == {kind for s, kind in ILLEGAL | ALWAYS_LATE if s is state}


def test_an_illegal_event_raises() -> None:
    """A mistake of ours is told with its state and event; the caller keeps the conversation that it had."""
    raised = set()
    for _, driver in _situations():
        for event in events(driver):
            pair = driver.state, type(event)
            if pair in ILLEGAL:
                with pytest.raises(ProtocolMisuse, match=f"{type(event).__name__} while {driver.state}"):
                    step(driver.conversation, event)
                raised.add(pair)
    assert raised == ILLEGAL


def test_every_legal_event_is_answered() -> None:
    """Whatever else is told leads along a row, or changes nothing."""
    for case, before, event, (after, actions) in _outcomes():
        rows = TRANSITIONS.get((before.state, type(event)), ())
        reached = {row.to for row in rows}
        if before.is_muted and State.OFFLINE in reached:
            reached.add(State.MUTED)
        rested = {row.to for state in reached for row in TRANSITIONS.get((state, ev.Rested), ())}
        assert after.state in reached | rested or (after, actions) == (before, ()), case


def test_what_expects_something_has_a_deadline() -> None:
    """After any event, only where the satellite may rest is nothing waited for."""
    for case, _, _, (after, _) in _outcomes():
        assert after.state in AT_REST or after.deadline is not None, case


def test_nothing_can_be_stuck() -> None:
    """After any event, time alone brings the satellite to rest in a few steps."""
    for case, _, _, (after, _) in _outcomes():
        assert comes_to_rest(after), case


def test_the_same_event_gives_the_same_again() -> None:
    """`step` is pure, so a conversation can be replayed from a log to the last field."""
    for case, before, event, outcome in _outcomes():
        assert step(before, event) == outcome, case


def test_every_row_is_taken_somewhere() -> None:
    """A row that no situation leads along is dead, or shadowed by one above it."""
    taken = {row for _, before, event, outcome in _outcomes() for row in _row(before, event, outcome)}
    taken |= {row for row, _ in _rested_rows()}
    missed = [f"{row.state} {row.event.__name__} -> {row.to}: {row.effect.__name__}" for row in ROWS if id(row) not in taken]
    assert missed == []


def _row(before: Conversation, event: Event, outcome: Result) -> set[int]:
    """Of the table, that this takes; none, if the event is late."""
    for row in TRANSITIONS.get((before.state, type(event)), ()):
        if row.when(before, event):
            is_late = outcome == (before, ()) and row.effect(before, event) != (before, ())
            return set() if is_late else {id(row)}
    return set()


def _rested_rows() -> Iterator[tuple[int, Case]]:
    """The rows that are taken of themselves, where the satellite rests after an event."""
    for case, before, event, (_, actions) in _outcomes():
        signs = {
            says.make: any(isinstance(a, act.MakeSpeech) for a in actions),
            says.begin: any(isinstance(a, act.Become) and a.why is Why.SAY for a in actions),
            says.free_hub: isinstance(event, ev.SaySpeech | ev.SayComplete) and act.SendAbort() in actions,
        }
        ends = {before.state, *(a.new for a in actions if isinstance(a, act.Become))}
        for row in ROWS:
            if row.event is ev.Rested and row.state in ends and signs[row.effect]:
                yield id(row), case


def test_rows_say_why_exactly_where_the_state_changes() -> None:
    """`why` is what observers are told of a change."""
    for row in ROWS:
        assert (row.why is None) == (row.to is row.state), row


# ---- late news


def test_news_of_another_reply_is_dropped() -> None:
    """The audio thread may report on a reply that the conversation has done with meanwhile."""
    for case, before, event in _everywhere(ev.Held, ev.ReplyEnded):
        assert isinstance(event, ev.Held | ev.ReplyEnded)
        if event.turn == NO_TURN:
            assert step(before, event) == (before, ()), case


@pytest.mark.parametrize("kind", [ev.Held, ev.ReplyEnded])
def test_a_reply_that_is_held_is_not_held_or_ended_again(kind: type[Event]) -> None:
    """A hold resolves once."""
    driver = held()
    for event in events(driver):
        if isinstance(event, kind):
            assert step(driver.conversation, event) == (driver.conversation, ())


def test_a_deadline_for_something_else_is_dropped() -> None:
    """A timer that had fired before it could be cleared does no harm."""
    for case, before, event in _everywhere(ev.DeadlineReached):
        assert isinstance(event, ev.DeadlineReached)
        if event.kind is not before.deadline:
            assert step(before, event) == (before, ()), case


def test_what_the_hub_says_of_a_run_that_it_is_cancelling_is_dropped() -> None:
    """Words of the turn before, on the wire while we cancelled it, are not the new turn's."""
    driver = processing()
    driver.wake()
    assert driver.conversation.stage is Stage.ABORTING
    late = (ev.HubReady, ev.HubHeardEnd, ev.Transcript, ev.Answered, ev.AnswerAudio)
    for event in events(driver):
        if isinstance(event, late):
            assert step(driver.conversation, event) == (driver.conversation, ())


def test_where_the_satellite_rests_nothing_is_waited_for() -> None:
    """No timer of an old turn ticks on into the quiet."""
    driver = speaking()
    driver.end()
    assert (driver.state, driver.conversation.deadline, driver.due) == (State.IDLE, None, None)
