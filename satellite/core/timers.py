"""What a hub tells of the timers that it keeps for us, and which of them ring. It does not ring itself: that is our part.

A timer that has run out rings when the hub says so; or, as hubs go away and forget, a moment after it should have said so.
"""

from dataclasses import dataclass, replace
from enum import StrEnum

from satellite.core.units import Millis

# nobody has more; the oldest is forgotten
MOST_TIMERS = 100

# the hub's clock and the network are behind ours by less
GRACE_MS = Millis(1000)


class TimerChange(StrEnum):
    """What has become of a timer."""

    STARTED = "started"
    UPDATED = "updated"
    CANCELLED = "cancelled"
    FINISHED = "finished"


@dataclass(frozen=True, slots=True)
class Timer:
    """News of one timer. Only a start tells the name, and only a start and an update the seconds that are left."""

    change: TimerChange
    id: str
    name: str = ""
    left_s: int | None = None
    is_active: bool = True
    """Whether it runs; it may be paused."""


@dataclass(frozen=True, slots=True)
class Running:
    """A timer that has not run out; `due` is None while it is paused."""

    id: str
    name: str
    due: Millis | None


@dataclass(frozen=True, slots=True)
class Timers:
    """All of them: those that run, oldest first, those that ring, and those that have rung and need not do so again."""

    running: tuple[Running, ...] = ()
    ringing: tuple[str, ...] = ()
    rung: tuple[str, ...] = ()

    def tell(self, news: Timer, now: Millis) -> "Timers":
        """With what the hub has just told."""
        rest = replace(self, running=tuple(timer for timer in self.running if timer.id != news.id))
        match news.change:
            case TimerChange.CANCELLED:
                return replace(rest, ringing=tuple(id for id in self.ringing if id != news.id))
            case TimerChange.FINISHED:
                return rest._ring(news.id)
            case TimerChange.STARTED | TimerChange.UPDATED:
                known = next((timer for timer in self.running if timer.id == news.id), None)
                name = news.name or (known.name if known else "")
                due = Millis(now + (news.left_s or 0) * 1000) if news.is_active else None
                return replace(
                    rest,
                    running=(*rest.running, Running(news.id, name, due))[-MOST_TIMERS:],
                    # one that is set to run again may ring again
                    rung=tuple(id for id in self.rung if id != news.id),
                )

    def at(self, now: Millis) -> "Timers":
        """When time has passed: what is overdue rings."""
        after = self
        for timer in self.running:
            if timer.due is not None and timer.due + GRACE_MS <= now:
                after = replace(after, running=tuple(t for t in after.running if t is not timer))._ring(timer.id)
        return after

    @property
    def next_due(self) -> Millis | None:
        """When `at` would find the next one overdue."""
        return min((Millis(timer.due + GRACE_MS) for timer in self.running if timer.due is not None), default=None)

    def silenced(self) -> "Timers":
        """Somebody has heard them: none rings."""
        return replace(self, ringing=())

    def _ring(self, id: str) -> "Timers":
        if id in self.ringing or id in self.rung:
            return self
        return replace(self, ringing=(*self.ringing, id)[-MOST_TIMERS:], rung=(*self.rung, id)[-MOST_TIMERS:])
