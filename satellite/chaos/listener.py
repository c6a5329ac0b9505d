"""Listens to the loudspeaker for sound that should not be: of a reply that was stopped, or of an answer to an earlier question.

Theory of operation
-------------------
1. A reply may sound from the moment that the conversation has it played or taken up again until it is stopped, held or over.
2. Which tone is whose is heard, not told: the first that sounds while a reply plays is that reply's.
3. An announcement that comes within a second of the end of an answer's stream, and while that plays, is taken for its rest, and
   heard behind it (`peer/gate.py`).
4. An answer that was given before the present turn began is not the present answer: its tone may sound only if its reply is
   taken up again.
"""

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

from satellite.audio.commands import Ducked
from satellite.chaos.marks import BLOCK, tone_of
from satellite.core import actions as act
from satellite.core import events as ev
from satellite.core.events import Event
from satellite.core.units import RATE_HZ, Frames
from satellite.observer import Observer
from satellite.simulate.room import Room

# a period until the command is obeyed, 8 ms of fade, 1 ms of converter, and the block in which that lies
_GRACE_S = 0.01 + 0.008 + 0.001 + 0.011

ANSWERS = 24
"""Tones below are of answers to the user; the others of announcements and of what programs have said."""

# as many replies as can be in question
_MOST = 16


_ALWAYS = float("inf")

Turn = tuple[int, int]
"""Which service's, and its number there."""


@dataclass(slots=True)
class _Stretch:
    """Of a reply: while it may sound."""

    turn: Turn
    since_s: float
    until_s: float = _ALWAYS


class Listener(Observer):
    """Of one service after the other in one room. `fail` is told what was wrong."""

    def __init__(self, room: Room, now_s: Callable[[], float], fail: Callable[[str], None]) -> None:
        self._room, self._now_s, self._fail, self._begin_s = room, now_s, fail, now_s()
        self._next = room.cone.end_frame
        self._stretches: deque[_Stretch] = deque(maxlen=_MOST)
        self._service = 0
        self._resumed: Turn | None = None
        self._tones: dict[Turn, int] = {}
        self._behind: dict[int, Turn] = {}
        """Announcements that were heard behind an answer, by their tones."""
        self._given: dict[int, float] = {}
        """Tones that hub and programs have asked for, and until when they may begin to sound."""
        self.heard_s: dict[int, float] = {}
        """Since when each tone has sounded in the turn in which it does, by the tone."""
        self.last_period_s = now_s()
        self.plays = 0

    def given(self, tone: int) -> None:
        """Somebody will send this tone."""
        self._given[tone] = _ALWAYS
        self.heard_s.pop(tone, None)
        self._behind.pop(tone, None)

    def restarted(self) -> None:
        """The service is another one now, and counts its turns anew."""
        self._end()
        self._service += 1

    # ---- what the service does

    def on_heard(self, first: Frames, pcm: bytes) -> None:
        self.last_period_s = self._now_s()

    def on_ducked(self, ducked: Ducked) -> None:
        pass

    def on_event(self, event: Event) -> None:
        if isinstance(event, ev.Held | ev.AudioLost):
            self._end()

    def on_action(self, action: act.Action) -> None:
        match action:
            case act.Play(turn):
                self.plays += 1
                self._begin(turn)
            case act.ResumeReply(turn):
                self._begin(turn)
                # one that was held before it sounded is not known yet
                self._resumed = (self._service, turn)
                if (tone := self._tones.get(self._resumed)) is not None:
                    self._given[tone] = _ALWAYS
            case act.StopReply() | act.SayOver():
                self._end()
            case act.BeginTurn():
                for tone in filter(_is_answer, self._given):
                    self._given[tone] = min(self._given[tone], self._now_s())

    def _begin(self, turn: int) -> None:
        self._end()
        self._stretches.append(_Stretch((self._service, turn), self._now_s()))

    def _end(self) -> None:
        if self._stretches and self._stretches[-1].until_s > self._now_s():
            self._stretches[-1].until_s = self._now_s()

    # ---- what sounds

    def listen(self, time_of: Callable[[int], float]) -> None:
        """To what the loudspeaker has given since it was asked last; `time_of` is the clock at a frame of the room."""
        while self._next + BLOCK <= self._room.cone.end_frame:
            block = self._room.cone.between(self._next, self._next + BLOCK)
            tone = tone_of(block)
            if tone is not None:
                begin_s = time_of(self._next)
                self._judge(tone, begin_s, begin_s + BLOCK / RATE_HZ)
            self._next += BLOCK

    def _judge(self, tone: int, begin_s: float, end_s: float) -> None:
        live = [s for s in self._stretches if s.since_s <= end_s and begin_s < s.until_s + _GRACE_S]
        at = f"{begin_s - self._begin_s:.3f} s"
        if not live:
            self._fail(f"tone {tone} sounds at {at}, and no reply may")
            return
        turns = {stretch.turn for stretch in live}
        if tone in {self._tones.get(turn) for turn in turns}:
            self.heard_s.setdefault(tone, begin_s)
            return
        nameless = [turn for turn in turns if turn not in self._tones]
        if not nameless and self._is_behind(tone, turns):
            self.heard_s.setdefault(tone, begin_s)
        elif not nameless:
            self._fail(f"tone {tone} sounds at {at} in {turns}, which are tones {[self._tones[turn] for turn in turns]}")
        elif self._given.get(tone, 0.0) <= begin_s and max(nameless) != self._resumed:
            self._fail(f"tone {tone} sounds at {at} in turn {max(nameless)}, and belongs to an earlier one")
        else:
            self._tones[max(nameless)] = tone
            self.heard_s.setdefault(tone, begin_s)
            while len(self._tones) > _MOST:
                del self._tones[min(self._tones)]

    def _is_behind(self, tone: int, turns: set[Turn]) -> bool:
        """Whether it is an announcement, not heard elsewhere, that follows what plays."""
        if tone not in self._behind and not _is_answer(tone) and tone in self._given and tone not in self.heard_s:
            self._behind[tone] = max(turns)
        return self._behind.get(tone) in turns


def _is_answer(tone: int) -> bool:
    return tone < ANSWERS
