"""The hub's timers are told to whoever watches."""

import pytest
from wyoming.event import Event
from wyoming.timer import TimerCancelled, TimerFinished, TimerStarted, TimerUpdated

from satellite.core.timers import Timer, TimerChange
from satellite.core.units import Millis
from satellite.errors import PeerError
from satellite.peer import codec
from satellite.peer.hub import HubPeer

STARTED, UPDATED, CANCELLED, FINISHED = TimerChange


@pytest.mark.parametrize(
    ("event", "timer"),
    [
        (TimerStarted("01J", 90, "eggs", 0, 1, 30).event(), Timer(STARTED, "01J", "eggs", 90)),
        (TimerStarted("01J", 0).event(), Timer(STARTED, "01J", "", 0)),
        (TimerUpdated("01J", is_active=False, total_seconds=42).event(), Timer(UPDATED, "01J", "", 42, is_active=False)),
        (TimerCancelled("01J").event(), Timer(CANCELLED, "01J")),
        (TimerFinished("01J").event(), Timer(FINISHED, "01J")),
    ],
)
def test_news_of_a_timer_is_passed_on(event: Event, timer: Timer) -> None:
    """As the library writes it; in any state, so the conversation is not asked."""
    told: list[Timer] = []
    hub = HubPeer("test", None, (), _fail, _fail, lambda: Millis(0), on_timer=told.append)
    hub.session_event(event)
    assert told == [timer]


def _fail(*told: object) -> None:  # type: ignore[misc]
    raise AssertionError(told)


@pytest.mark.parametrize(
    ("kind", "data"),
    [
        ("timer-started", {"total_seconds": 5}),
        ("timer-started", {"id": "", "total_seconds": 5}),
        ("timer-started", {"id": "x" * 101, "total_seconds": 5}),
        ("timer-started", {"id": 7, "total_seconds": 5}),
        ("timer-started", {"id": "a"}),
        ("timer-started", {"id": "a", "total_seconds": -1}),
        ("timer-started", {"id": "a", "total_seconds": 1e400}),
        ("timer-updated", {"id": "a", "total_seconds": True}),
        ("timer-updated", {"id": "a", "total_seconds": 10**12}),
        ("timer-finished", {}),
    ],
)
def test_nonsense_of_a_timer_is_the_peers_fault(kind: str, data: dict[str, object]) -> None:
    """It ends the connection like any other."""
    with pytest.raises(PeerError, match=kind):
        codec.timer(Event(kind, data))


@pytest.mark.parametrize("kind", ["timer", "timer-", "timer-exploded", "started", "egg-started"])
def test_other_events_are_about_no_timer(kind: str) -> None:
    """Hubs of later years may tell more."""
    assert codec.timer(Event(kind, {"id": "a", "total_seconds": 1})) is None


def test_names_are_bounded() -> None:
    """Who shows them need not cut them."""
    timer = codec.timer(TimerStarted("a", 1, "egg " * 1000).event())
    assert timer is not None and len(timer.name) == 100
