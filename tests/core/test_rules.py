"""The ten rules of a conversation, under random events. What each rule demands is in `watch.py` and `speaker.py`."""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from satellite.core import actions as act
from satellite.core.actions import Action
from satellite.core.conversation import Conversation
from satellite.core.effects import Result
from satellite.core.events import Event
from satellite.core.interrupt import Phase
from satellite.core.table import step
from satellite.core.units import Frames, Millis, frames
from tests.core import world
from tests.core.fuzz import walk
from tests.core.world import World

Sabotage = Callable[[Action], tuple[Action, ...]]


@given(st.lists(st.integers(0, 1000), min_size=20, max_size=200))
def test_what_hypothesis_makes_up_breaks_no_rule(dice: list[int]) -> None:
    """It can cut a failing life down to the few events that matter."""
    rolls = iter(dice)
    with suppress(StopIteration):
        life = World(lambda n: next(rolls) % n)
        while True:
            life.live()


def test_ten_thousand_random_events_break_no_rule() -> None:
    """The same walk every time; longer ones by hand."""
    assert walk(10_000, seed=1) >= 10_000


@pytest.mark.long
@pytest.mark.parametrize("seed", range(10))
def test_a_million_random_events_break_no_rule(seed: int) -> None:
    """A tenth of the million on each of ten seeds."""
    assert walk(100_000, seed, check_every=1) >= 100_000


# ---- the watch sees what it is for


def _forget(kind: type[Action], **having: object) -> Sabotage:
    def sabotage(action: Action) -> tuple[Action, ...]:
        matches = isinstance(action, kind) and all(getattr(action, key) == value for key, value in having.items())
        return () if matches else (action,)

    return sabotage


def _twice(kind: type[Action]) -> Sabotage:
    return lambda action: (action, action) if isinstance(action, kind) else (action,)


def _change(kind: type[Action], **to: object) -> Sabotage:
    return lambda action: (replace(action, **to),) if isinstance(action, kind) else (action,)


def _send_more(action: Action) -> tuple[Action, ...]:
    if isinstance(action, act.StreamMic):
        return (act.KeepFrom(Frames(0)), act.StreamMic(Frames(max(action.first - frames(2000), 0))))
    return (action,)


def _never_cancel(action: Action) -> tuple[Action, ...]:
    is_cancel = isinstance(action, act.SendInterrupt) and action.interrupt.phase is Phase.CANCELLED
    return () if is_cancel else (action,)


def _hear_more_than_was_played(action: Action) -> tuple[Action, ...]:
    if not isinstance(action, act.SendInterrupt):
        return (action,)
    told = action.interrupt
    return (act.SendInterrupt(replace(told, position=replace(told.position, heard=Millis(told.position.played + 1)))),)


SABOTAGES: dict[str, Sabotage] = {
    "the microphone is never stopped": _forget(act.StopMic),
    "the microphone is kept for ever": _forget(act.KeepFrom, first=None),
    "nothing is kept": _forget(act.KeepFrom),
    "two seconds too many are sent": _send_more,
    "nobody aborts": _forget(act.SendAbort),
    "two runs at once": _twice(act.SendRun),
    "nobody asks for a run": _forget(act.SendRun),
    "the wake word is not told": _forget(act.SendDetection),
    "the wake word is told twice": _twice(act.SendDetection),
    "a timer is not set": _forget(act.SetDeadline),
    "a timer is not cleared": _forget(act.ClearDeadline),
    "a reply is played twice": _twice(act.Play),
    "a reply is resumed after its end": _change(act.StopReply, keep=False),
    "a reply is not stopped": _forget(act.StopReply),
    "a hold is told twice": _twice(act.SendInterrupt),
    "a hold is never resolved": _never_cancel,
    "more was heard than was played": _hear_more_than_was_played,
    "observers are not told": _forget(act.Become),
    "turns go back": _change(act.BeginTurn, turn=0),
}


@pytest.mark.parametrize("sabotage", SABOTAGES.values(), ids=SABOTAGES.keys())
def test_a_breach_is_noticed(sabotage: Sabotage, monkeypatch: pytest.MonkeyPatch) -> None:
    """A core that errs in this way does not get through a walk, so the walk above proves something."""

    def broken(conversation: Conversation, event: Event) -> Result:
        after, actions = step(conversation, event)
        return after, tuple(done for action in actions for done in sabotage(action))

    monkeypatch.setattr(world, "step", broken)
    with pytest.raises(AssertionError):
        walk(40_000, seed=4)


def test_a_core_that_comes_to_no_rest_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Forgetting to wait is what makes a satellite deaf until it is started again."""

    def broken(conversation: Conversation, event: Event) -> Result:
        after, actions = step(conversation, event)
        left = tuple(action for action in actions if not isinstance(action, act.SetDeadline))
        return (after, actions) if left == actions else (replace(after, deadline=None), left)

    monkeypatch.setattr(world, "step", broken)
    with pytest.raises(AssertionError, match="without a deadline"):
        walk(10_000, seed=3)
