"""Which sound goes with a change of state."""

from enum import StrEnum

from satellite.core.actions import Become
from satellite.core.events import Event, ListenAsked, WakeHeard
from satellite.core.state import State, Why


class Cue(StrEnum):
    """A sound beside speech, by its name in the configuration."""

    AWAKE = "awake"
    DONE = "done"
    ERROR = "error"
    INTERRUPTED = "interrupted"
    TIMER = "timer"
    MUTE = "mute"
    UNMUTE = "unmute"


def cue(change: Become, event: Event) -> Cue | None:
    """What is heard when the state changes so, at this event; None for nothing.

    Who talks over an answer hears that it stops, and needs no sound of being awake; after an answer that asks he is expected to
    speak; and who goes on speaking while the server is already at it need not know.
    """
    match change.new, change.why:
        case State.LISTENING, Why.WAKE_WORD | Why.LISTEN:
            return Cue.AWAKE
        case State.LISTENING, Why.INTERRUPTED:
            return Cue.AWAKE if isinstance(event, WakeHeard | ListenAsked) else Cue.INTERRUPTED
        case State.PROCESSING, Why.END_OF_SPEECH | Why.TIME_LIMIT:
            return Cue.DONE
        case _:
            return None
