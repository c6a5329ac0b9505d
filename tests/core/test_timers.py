"""Timers that a hub keeps, and that ring here."""

import pytest

from satellite.core.timers import GRACE_MS, MOST_TIMERS, Timer, TimerChange, Timers
from satellite.core.units import Millis

NOW = Millis(10_000)
STARTED, UPDATED, CANCELLED, FINISHED = TimerChange


def _started(*ids: str, left_s: int = 60) -> Timers:
    timers = Timers()
    for id in ids:
        timers = timers.tell(Timer(STARTED, id, id.upper(), left_s), NOW)
    return timers


def test_it_rings_when_the_hub_says_so() -> None:
    """And no more, however often it is told."""
    timers = _started("tea").tell(Timer(FINISHED, "tea"), NOW)
    assert (timers.ringing, timers.running) == (("tea",), ())
    assert timers.tell(Timer(FINISHED, "tea"), NOW) == timers


def test_it_rings_without_the_hub() -> None:
    """A moment after it should have been told; a hub that tells late does not make it ring twice."""
    timers = _started("tea")
    due = timers.next_due
    assert due == NOW + 60_000 + GRACE_MS
    assert timers.at(Millis(due - 1)).ringing == ()
    timers = timers.at(due)
    assert timers.ringing == ("tea",) and timers.next_due is None
    assert timers.silenced().tell(Timer(FINISHED, "tea"), due).ringing == ()


def test_a_paused_one_does_not_run_out() -> None:
    """Until it goes on, with what is left then."""
    timers = _started("tea").tell(Timer(UPDATED, "tea", left_s=20, is_active=False), Millis(50_000))
    assert timers.next_due is None and timers.at(Millis(10**9)) == timers
    timers = timers.tell(Timer(UPDATED, "tea", left_s=20), Millis(100_000))
    assert timers.next_due == 120_000 + GRACE_MS
    assert timers.running[0].name == "TEA"


def test_a_cancelled_one_neither_runs_nor_rings() -> None:
    """Whichever it did."""
    assert _started("tea").tell(Timer(CANCELLED, "tea"), NOW) == Timers()
    ringing = _started("tea").tell(Timer(FINISHED, "tea"), NOW)
    assert ringing.tell(Timer(CANCELLED, "tea"), NOW).ringing == ()


def test_several_run_and_ring_at_once() -> None:
    """Whoever silences them has heard them all."""
    timers = _started("tea", "eggs", "rice").tell(Timer(FINISHED, "eggs"), NOW).at(Millis(10**6))
    assert timers.ringing == ("eggs", "tea", "rice")
    assert timers.silenced().ringing == ()


def test_one_that_was_started_again_rings_again() -> None:
    """A hub may use an id twice."""
    timers = _started("tea").tell(Timer(FINISHED, "tea"), NOW).silenced()
    again = timers.tell(Timer(STARTED, "tea", "", 5), NOW).tell(Timer(FINISHED, "tea"), NOW)
    assert again.ringing == ("tea",)


def test_one_that_we_never_heard_of_rings() -> None:
    """It was set before we came."""
    assert Timers().tell(Timer(FINISHED, "x"), NOW).ringing == ("x",)


@pytest.mark.parametrize("change", list(TimerChange))
def test_a_mad_hub_does_not_fill_the_memory(change: TimerChange) -> None:
    """The oldest are forgotten."""
    timers = Timers()
    for n in range(3 * MOST_TIMERS):
        timers = timers.tell(Timer(change, str(n), "", 1), NOW)
    assert max(len(timers.running), len(timers.ringing), len(timers.rung)) <= MOST_TIMERS
