"""Rings the timers that a hub keeps for us, also when it is away by then."""

import asyncio
import logging
from collections.abc import Callable

from satellite.core import actions as act
from satellite.core.actions import Action
from satellite.core.say import SayState
from satellite.core.timers import Timer, TimerChange, Timers
from satellite.core.units import Millis

_log = logging.getLogger(__name__)

# after that nobody waits for it any more
LATEST_MS = 3_600_000


class Ringer:
    """What rings is one utterance of ours, however many timers have run out.

    `ring` begins it, and gives its id, or None if nobody wants to hear it; `end` ends it, whether it has begun or waits.
    While there is no speaker it waits, at most for LATEST_MS: what nobody has heard is not over.
    `tell` is told of all that becomes of a timer, each once.
    """

    def __init__(
        self, now: Callable[[], Millis], ring: Callable[[], int | None], end: Callable[[int], None], tell: Callable[[Timer], None]
    ) -> None:
        self._now, self._ring, self._end, self._tell = now, ring, end, tell
        self._timers = Timers()
        self._ring_id: int | None = None
        self._has_speaker, self._waits_since = True, Millis(0)
        self._next: asyncio.TimerHandle | None = None

    @property
    def names(self) -> list[str]:
        """Of those that run, or their ids."""
        return [timer.name or timer.id for timer in self._timers.running]

    def on_timer(self, news: Timer) -> None:
        """The hub tells of a timer."""
        _log.info("timer %r: %s", news.name or news.id, news.change)
        if news.change is not TimerChange.FINISHED:
            self._tell(news)
        self._become(self._timers.tell(news, self._now()))

    def on_action(self, action: Action) -> None:
        """The conversation has had something done."""
        if isinstance(action, act.SayOver) and action.id is not None and action.id == self._ring_id:
            self._ring_id = None
            # somebody has stopped it, or it has rung long enough; unless nobody could hear it
            if self._has_speaker or action.state is not SayState.CANCELLED:
                self._timers = self._timers.silenced()

    def on_speaker(self, is_there: bool) -> None:
        """It is lost, which ends what rings; or there."""
        if is_there is self._has_speaker:
            return
        self._has_speaker = is_there
        if not is_there:
            self._waits_since = self._now()
            if self._ring_id is not None:
                self._end(self._ring_id)
        elif self._now() - self._waits_since > LATEST_MS:
            self._become(self._timers.silenced())
        else:
            self._become(self._timers)

    def stop(self) -> None:
        """No timer rings any more."""
        if self._next is not None:
            self._next.cancel()

    def _become(self, after: Timers) -> None:
        before, self._timers = self._timers, after
        known = {timer.id: timer.name for timer in before.running}
        for id in after.ringing:
            if id not in before.ringing:
                self._tell(Timer(TimerChange.FINISHED, id, known.get(id, "")))
        if not self._has_speaker:
            self._schedule()
            return
        if after.ringing and self._ring_id is None:
            self._ring_id = self._ring()
        elif not after.ringing and self._ring_id is not None:
            self._end(self._ring_id)
        if self._ring_id is None:
            self._timers = self._timers.silenced()
        self._schedule()

    def _schedule(self) -> None:
        if self._next is not None:
            self._next.cancel()
            self._next = None
        if (due := self._timers.next_due) is not None:
            wait_s = max(due - self._now(), 0) / 1000
            self._next = asyncio.get_running_loop().call_later(wait_s, self._on_due)

    def _on_due(self) -> None:
        self._become(self._timers.at(self._now()))
