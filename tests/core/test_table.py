"""The transition table as a whole: what may happen where, and that no state is a trap."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from satellite.core import events as ev
from satellite.core.conversation import Conversation
from satellite.core.events import EVENTS, Deadline, Event
from satellite.core.state import State
from satellite.core.table import ROWS, TRANSITIONS, step
from satellite.core.units import Decibels, Frames, Millis, Probability
from satellite.errors import ProtocolMisuse
from tests.core.driver import Driver, position
from tests.core.fuzz import Walk

AT = Millis(1_000_000)

# a turn that no conversation here has got to: what is told of it is late
NO_TURN = 999

_FIELDS: dict[type[Event], dict[str, Any]] = {
    ev.VoiceWindow: {"end": Frames(16_000_000), "length": Frames(512), "probability": Probability(0.9)},
    ev.WakeHeard: {"name": "okay_nabu", "end": Frames(16_000_000)},
    ev.Held: {
        "turn": NO_TURN,
        "onset": Frames(16_000_000),
        "speech_started": AT,
        "probability": Probability(0.9),
        "position": position(100, 200),
    },
    ev.ReplyEnded: {"turn": NO_TURN, "position": position(200, 200, 200), "overlap": None},
    ev.Transcript: {"text": "hello"},
    ev.Answered: {"text": "hello yourself"},
    ev.AnswerComplete: {"total": Millis(3000)},
    ev.HubError: {"code": "intent-failed", "text": "it did"},
    ev.DeadlineReached: {"kind": Deadline.REPLY},
}

_INTO: dict[State, Callable[[], Driver]] = {
    State.OFFLINE: Driver,
    State.IDLE: lambda: Driver().opened(),
    State.LISTENING: lambda: Driver().listening(),
    State.PROCESSING: lambda: Driver().processing(),
    State.SPEAKING: lambda: Driver().speaking(),
    State.HELD: lambda: Driver().held(),
    State.MUTED: lambda: _muted(),
}

# without a hub there is nothing that a hub can have said; with one, another does not appear before it has gone
_NOT_OFFLINE = (
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
ILLEGAL = {
    *((State.OFFLINE, kind) for kind in _NOT_OFFLINE),
    (State.IDLE, ev.HubOpened),
    (State.LISTENING, ev.HubOpened),
    (State.PROCESSING, ev.HubOpened),
}

# these have no row where they can only be late, and what is late is dropped before the table is asked
ALWAYS_LATE = {
    *((state, kind) for state in State if state is not State.SPEAKING for kind in (ev.Held, ev.ReplyEnded)),
    (State.OFFLINE, ev.DeadlineReached),
    (State.MUTED, ev.DeadlineReached),
}


def _muted() -> Driver:
    muted = Driver().opened()
    muted.tell(ev.HubPaused)
    return muted


def _event(kind: type[Event]) -> Event:
    return kind(AT, **_FIELDS.get(kind, {}))


def _in(state: State) -> Conversation:
    conversation = _INTO[state]().conversation
    assert conversation.state is state
    return conversation


@pytest.mark.parametrize("state", State)
def test_every_pair_of_state_and_event_has_a_row_or_is_our_mistake(state: State) -> None:
    """Nothing can come as a surprise: each pair is in the table, always late, or raises."""
    for kind in EVENTS:
        expected = (state, kind) not in ILLEGAL | ALWAYS_LATE
        assert ((state, kind) in TRANSITIONS) is expected, f"{kind.__name__} while {state}"


@pytest.mark.parametrize(("state", "kind"), sorted(ILLEGAL, key=str), ids=lambda x: getattr(x, "__name__", str(x)))
def test_an_illegal_event_raises_and_changes_nothing(state: State, kind: type[Event]) -> None:
    """A mistake of ours is told with its state and event, and the conversation goes on as if it had not been."""
    before = _in(state)
    copy = replace(before)
    with pytest.raises(ProtocolMisuse, match=f"{kind.__name__} while {state}"):
        step(before, _event(kind))
    assert before == copy
    assert step(before, _event(ev.ShuttingDown))[0].state in State


@pytest.mark.parametrize("state", State)
def test_every_legal_event_is_answered_without_an_exception(state: State) -> None:
    """From an ordinary conversation in each state no event that may come there fails."""
    for kind in EVENTS:
        if (state, kind) not in ILLEGAL:
            after, _ = step(_in(state), _event(kind))
            assert after.state in {row.to for row in TRANSITIONS.get((state, kind), ())} | {state}


def test_rows_say_why_exactly_where_the_state_changes() -> None:
    """`why` is what observers are told of a change, so a change without one or a reason without a change is a slip."""
    for row in ROWS:
        assert (row.why is None) == (row.to is row.state), row


def test_no_row_stands_behind_one_that_always_holds() -> None:
    """Rows are tried from the top, so an unconditional one must be the last of its pair."""
    for rows in TRANSITIONS.values():
        for row in rows[:-1]:
            assert row.when.__name__ != "always", row


def test_every_row_is_taken_by_some_conversation(walk: Walk) -> None:
    """A row that nothing can reach is dead code in disguise."""
    missed = [(row.state.value, row.event.__name__, row.effect.__name__) for row in ROWS if id(row) not in walk.taken]
    assert missed == []


# ---- deadlines


@pytest.mark.parametrize("state", [State.LISTENING, State.PROCESSING, State.SPEAKING, State.HELD])
def test_a_state_that_expects_something_has_a_deadline(state: State) -> None:
    """Only where the satellite may rest is nothing waited for."""
    assert _in(state).deadline is not None


@pytest.mark.parametrize("state", [State.OFFLINE, State.IDLE, State.MUTED])
def test_where_the_satellite_rests_nothing_is_waited_for(state: State) -> None:
    """No timer of an old turn ticks on into the quiet."""
    assert _in(state).deadline is None


@pytest.mark.parametrize("state", State)
def test_a_deadline_for_something_else_is_dropped(state: State) -> None:
    """A timer that had fired before it could be cleared does no harm."""
    before = _in(state)
    for kind in Deadline:
        if kind is not before.deadline:
            assert step(before, ev.DeadlineReached(AT, kind)) == (before, ())


# ---- late news


@pytest.mark.parametrize("state", State)
@pytest.mark.parametrize("kind", [ev.Held, ev.ReplyEnded])
def test_news_of_a_reply_that_is_not_the_present_one_is_dropped(state: State, kind: type[Event]) -> None:
    """The audio thread may report on a reply that the conversation has done with meanwhile."""
    before = _in(state)
    assert step(before, _event(kind)) == (before, ())


@pytest.mark.parametrize("kind", [ev.Held, ev.ReplyEnded])
def test_a_reply_that_is_held_is_neither_held_nor_ended_again(kind: type[Event]) -> None:
    """A hold resolves once."""
    before = _in(State.HELD)
    assert before.reply is not None
    event = kind(AT, **(_FIELDS[kind] | {"turn": before.reply.turn}))
    assert step(before, event) == (before, ())


@pytest.mark.parametrize("kind", [ev.HubReady, ev.HubHeardEnd, ev.Transcript, ev.Answered])
def test_what_the_hub_says_of_a_run_that_it_is_cancelling_is_dropped(kind: type[Event]) -> None:
    """Words of the turn before, on the wire while we cancelled it, are not the new turn's."""
    driver = Driver().processing()
    driver.wake()
    assert driver.conversation.deadline is Deadline.ABORT_ACK
    before = driver.conversation
    assert step(before, _event(kind)) == (before, ())


def test_step_leaves_its_argument_alone_and_gives_the_same_again() -> None:
    """A conversation can be replayed from a log: the same event on the same value gives the same, to the last field."""
    for state in State:
        before = _in(state)
        for kind in EVENTS:
            if (state, kind) not in ILLEGAL:
                assert step(before, _event(kind)) == step(before, _event(kind))
    assert Decibels(0.0) == _event(ev.VoiceWindow).level  # type: ignore[attr-defined]
