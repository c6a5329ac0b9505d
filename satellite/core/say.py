"""The say handle: what became of one utterance of ours, and how far the listener followed it.

queued ─> playing ─> played
   │         ├────> interrupted      the user's doing; a hold is still `playing`
   └─────────┴────> cancelled        anybody else's
"""

from dataclasses import dataclass, replace
from enum import StrEnum

from satellite.core.events import Position
from satellite.core.sensitivity import Sensitivity
from satellite.core.units import Millis
from satellite.errors import ProtocolMisuse


class Allow(StrEnum):
    """What may interrupt an utterance: what a level is called after, and all that the levels below it let in."""

    SPEECH = "speech"
    WAKE_WORD = "wake-word"
    STOP_WORD = "stop-word"
    NONE = "none"

    def lets_in(self, what: "Allow") -> bool:
        """Whether this may interrupt."""
        levels = tuple(Allow)
        return what is not Allow.NONE and levels.index(self) <= levels.index(what)


class FollowUp(StrEnum):
    """After which answers the user may speak without the wake word."""

    QUESTION = "question"
    ALWAYS = "always"
    NEVER = "never"


# Home Assistant's own rule for satellites that it can tell to listen on; its semicolon is the Greek question mark. The last
# one is Arabic's.
_ASKS = ("?", ";", "\uff1f", "\u061f")


class SayState(StrEnum):
    """Of an utterance. The last three are final."""

    QUEUED = "queued"
    PLAYING = "playing"
    PLAYED = "played"
    INTERRUPTED = "interrupted"
    CANCELLED = "cancelled"


_NEXT: dict[SayState, frozenset[SayState]] = {
    SayState.QUEUED: frozenset({SayState.PLAYING, SayState.CANCELLED}),
    SayState.PLAYING: frozenset({SayState.PLAYED, SayState.INTERRUPTED, SayState.CANCELLED}),
    SayState.PLAYED: frozenset(),
    # the one way back: an interruption that turned out to be nothing takes the utterance up again
    SayState.INTERRUPTED: frozenset({SayState.PLAYING}),
    SayState.CANCELLED: frozenset(),
}

NOWHERE = Position(Millis(0), Millis(0), Millis(0), None)


@dataclass(frozen=True, slots=True)
class Say:
    """One utterance of ours; its turn is 0 until it begins to be spoken."""

    turn: int
    allow_interruptions: Allow = Allow.SPEECH
    state: SayState = SayState.QUEUED
    position: Position = NOWHERE
    complete: bool = False
    text: str = ""
    is_announcement: bool = False
    sensitivity: Sensitivity | None = None
    """How easily it gives way, if otherwise than all others here."""
    id: int | None = None
    """Of what a program wants said; negative, if a hub announces it and it had to wait; None for an answer, and for other
    announcements."""
    is_here: bool = False
    """Its audio comes by itself, or is there already: nothing has to be made."""
    is_ring: bool = False
    """It is a timer, and not words: a short word ends it, and is no command."""
    listens: bool = False
    """The user is to answer it."""

    @property
    def is_of_hub(self) -> bool:
        """Whether a hub waits to hear that it has been played."""
        return self.id is not None and self.id < 0

    def lets_answer(self, rule: FollowUp) -> bool:
        """Whether the user may answer it without the wake word. What was said unasked waits for none, if it does not say so."""
        is_open = rule is FollowUp.ALWAYS or (rule is FollowUp.QUESTION and self.text.strip().endswith(_ASKS))
        return self.listens or (is_open and not self.is_announcement)

    def become(self, state: SayState, position: Position | None = None) -> "Say":
        """Further on, with the position reached. ProtocolMisuse if it cannot go there from here."""
        if state not in _NEXT[self.state]:
            raise ProtocolMisuse(f"an utterance that is {self.state} cannot become {state}")
        return replace(self, state=state, position=position or self.position)

    def received_all(self, total: Millis) -> "Say":
        """When the last of its audio has come."""
        return replace(self, complete=True, position=replace(self.position, received=total, total=total))

    def receives_more(self) -> "Say":
        """When what was thought to be all of its audio was not."""
        return replace(self, complete=False, position=replace(self.position, total=None))
