"""Writes down what happens while it happens, on the satellite's stream clock, for a picture of it."""

from collections import deque
from enum import StrEnum

from satellite.audio.commands import Vitals
from satellite.core import actions as act
from satellite.core import events as ev
from satellite.core.actions import Action
from satellite.core.events import Event
from satellite.core.interrupt import Phase
from satellite.core.state import State, Why
from satellite.core.units import PERIOD_MS, Millis
from satellite.observer import Observer
from satellite.simulate.room import RECORD_S

# an entry a period, for as long as the room remembers what sounded
_MOST_ENTRIES = RECORD_S * 1000 // PERIOD_MS


class Mark(StrEnum):
    """Something that went over the wire."""

    DETECTION = "wake word"
    RUN = "run"
    TRANSCRIPT = "transcript"
    PROVISIONAL = "interrupt: provisional"
    CONFIRMED = "confirmed"
    CANCELLED = "cancelled"


_MARK_OF = {Phase.PROVISIONAL: Mark.PROVISIONAL, Phase.CONFIRMED: Mark.CONFIRMED, Phase.CANCELLED: Mark.CANCELLED}


class Recorder(Observer):
    """Remembers the last ten minutes."""

    def __init__(self) -> None:
        self.states = deque[tuple[Millis, State]]([(Millis(0), State.OFFLINE)], _MOST_ENTRIES)
        """Each with the time at which it began."""
        self.marks = deque[tuple[Millis, Mark]](maxlen=_MOST_ENTRIES)
        self.windows = deque[ev.VoiceWindow](maxlen=_MOST_ENTRIES)
        self.vitals = deque[Vitals](maxlen=_MOST_ENTRIES)
        # actions and changes of state carry no time: they are of the event before them
        self._at = Millis(0)

    def on_event(self, event: Event) -> None:
        """The conversation was told something."""
        self._at = event.at
        match event:
            case ev.VoiceWindow():
                self.windows.append(event)
            case ev.Transcript():
                self.marks.append((event.at, Mark.TRANSCRIPT))
            case _:
                pass

    def on_state_changed(self, old: State, new: State, why: Why) -> None:
        """The conversation is in another state."""
        self.states.append((self._at, new))

    def on_action(self, action: Action) -> None:
        """Something was done."""
        match action:
            case act.SendDetection():
                self.marks.append((self._at, Mark.DETECTION))
            case act.SendRun():
                self.marks.append((self._at, Mark.RUN))
            case act.SendInterrupt(interrupt):
                self.marks.append((self._at, _MARK_OF[interrupt.phase]))
            case _:
                pass

    def on_vitals(self, vitals: Vitals) -> None:
        """What the reflex has just seen."""
        self.vitals.append(vitals)
