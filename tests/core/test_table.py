"""The transition table as a whole: what may happen where, and that no state is a trap."""

from collections.abc import Callable, Iterator

import pytest

from satellite.core import events as ev
from satellite.core.conversation import Conversation
from satellite.core.events import EVENTS, Event
from satellite.core.state import Stage, State
from satellite.core.table import ROWS, TRANSITIONS, step
from satellite.errors import ProtocolMisuse
from tests.core.driver import Driver
from tests.core.situations import SITUATIONS, events, held, opened, processing, speaking
from tests.core.watch import AT_REST, comes_to_rest

# without a hub there is nothing that a hub can have said; with one, another does not appear before it has gone
_SAID_BY_NOBODY = (
    ev.HubClosed,
    ev.HubPaused,
    ev.HubReady,
    ev.HubHeardEnd,
    ev.Transcript,
    ev.Answered,
    ev.AnswerAudio,
    ev.AnswerComplete,
    ev.AnnouncementAudio,
    ev.HubError,
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
    (State.OFFLINE, ev.DeadlineReached),
    (State.MUTED, ev.DeadlineReached),
}


@pytest.fixture(scope="module", params=SITUATIONS, ids=lambda situation: situation.__name__)
def situation(request: pytest.FixtureRequest) -> Driver:
    """Each of them, built once: steps do not change it."""
    build: Callable[[], Driver] = request.param
    driver = build()
    assert driver.state is SITUATIONS[build]
    return driver


def _legal(driver: Driver) -> Iterator[Event]:
    return (event for event in events(driver) if (driver.state, type(event)) not in ILLEGAL)


def test_every_event_is_among_those_that_the_tests_tell() -> None:
    """A new event is told in every situation, or this fails."""
    assert {type(event) for event in events(opened())} == set(EVENTS)


@pytest.mark.parametrize("state", State)
def test_every_pair_of_state_and_event_has_a_row_or_is_our_mistake(state: State) -> None:
    """Each pair is in the table, or is always late, or raises; which raise is pinned here."""
    without = {kind for kind in EVENTS if (state, kind) not in TRANSITIONS}
    assert without == {kind for s, kind in ILLEGAL | ALWAYS_LATE if s is state}


def test_an_illegal_event_raises(situation: Driver) -> None:
    """A mistake of ours is told with its state and event; the caller keeps the conversation that it had."""
    before = situation.conversation
    for event in events(situation):
        if (before.state, type(event)) in ILLEGAL:
            with pytest.raises(ProtocolMisuse, match=f"{type(event).__name__} while {before.state}"):
                step(before, event)


def test_every_legal_event_is_answered(situation: Driver) -> None:
    """Whatever else is told leads along a row, or changes nothing."""
    before = situation.conversation
    for event in _legal(situation):
        after, actions = step(before, event)
        rows = TRANSITIONS.get((before.state, type(event)), ())
        assert after.state in {row.to for row in rows} or (after, actions) == (before, ())


def test_what_expects_something_has_a_deadline(situation: Driver) -> None:
    """After any event, only where the satellite may rest is nothing waited for."""
    for event in _legal(situation):
        after, _ = step(situation.conversation, event)
        assert after.state in AT_REST or after.deadline is not None, event


def test_nothing_can_be_stuck(situation: Driver) -> None:
    """After any event, time alone brings the satellite to rest in a few steps."""
    for event in _legal(situation):
        assert comes_to_rest(step(situation.conversation, event)[0]), event


def test_the_same_event_gives_the_same_again(situation: Driver) -> None:
    """`step` is pure, so a conversation can be replayed from a log to the last field."""
    for event in _legal(situation):
        assert step(situation.conversation, event) == step(situation.conversation, event)


def test_every_row_is_taken_somewhere() -> None:
    """A row that no situation leads along is dead, or shadowed by one above it."""
    taken: set[int] = set()
    for build in SITUATIONS:
        driver = build()
        for event in _legal(driver):
            taken |= _row(driver.conversation, event)
    missed = [f"{row.state} {row.event.__name__} -> {row.to}: {row.effect.__name__}" for row in ROWS if id(row) not in taken]
    assert missed == []


def _row(before: Conversation, event: Event) -> set[int]:
    """Of the table, that this takes; none, if the event is late."""
    after, actions = step(before, event)
    for row in TRANSITIONS.get((before.state, type(event)), ()):
        if row.when(before, event):
            is_late = (after, actions) == (before, ()) and row.effect(before, event) != (before, ())
            return set() if is_late else {id(row)}
    return set()


def test_rows_say_why_exactly_where_the_state_changes() -> None:
    """`why` is what observers are told of a change."""
    for row in ROWS:
        assert (row.why is None) == (row.to is row.state), row


# ---- late news


@pytest.mark.parametrize("kind", [ev.Held, ev.ReplyEnded])
def test_news_of_another_reply_is_dropped(situation: Driver, kind: type[Event]) -> None:
    """The audio thread may report on a reply that the conversation has done with meanwhile."""
    before = situation.conversation
    for event in events(situation):
        if isinstance(event, kind) and event.turn == -2:  # type: ignore[attr-defined]
            assert step(before, event) == (before, ())


@pytest.mark.parametrize("kind", [ev.Held, ev.ReplyEnded])
def test_a_reply_that_is_held_is_not_held_or_ended_again(kind: type[Event]) -> None:
    """A hold resolves once."""
    driver = held()
    for event in events(driver):
        if isinstance(event, kind):
            assert step(driver.conversation, event) == (driver.conversation, ())


def test_a_deadline_for_something_else_is_dropped(situation: Driver) -> None:
    """A timer that had fired before it could be cleared does no harm."""
    before = situation.conversation
    for event in events(situation):
        if isinstance(event, ev.DeadlineReached) and event.kind is not before.deadline:
            assert step(before, event) == (before, ())


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
