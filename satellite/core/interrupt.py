"""The `interrupt` event: what a server is told when the user talks over an answer."""

from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any

from satellite.core.events import Position
from satellite.core.script import cut_at_word
from satellite.core.units import Millis, Probability


class Phase(StrEnum):
    """Provisional while the reply can still go on; then exactly one of the other two."""

    PROVISIONAL = "provisional"
    CONFIRMED = "confirmed"
    CANCELLED = "cancelled"


class Reason(StrEnum):
    """What interrupted."""

    SPEECH = "speech"
    WAKE_WORD = "wake-word"
    STOP_WORD = "stop-word"
    # or a program, which has no other finger
    BUTTON = "button"
    SHUTDOWN = "shutdown"


@dataclass(frozen=True, slots=True)
class Interrupt:
    """One interruption of one response. Its phases share the id, so a receiver may take any of them twice."""

    id: str
    response_id: str
    turn: int
    phase: Phase
    reason: Reason
    state: str
    timestamp: Millis
    speech_started: Millis
    speech_probability: Probability
    position: Position
    complete: bool
    text: str

    def in_phase(self, phase: Phase, at: Millis, reason: Reason | None = None) -> "Interrupt":
        """The same interruption, further on."""
        return replace(self, phase=phase, timestamp=at, reason=reason or self.reason)

    def data(self) -> dict[str, Any]:
        """As it goes over the wire; integers in ms on the satellite's stream clock."""
        position = self.position
        return {
            "id": self.id,
            "response_id": self.response_id,
            "turn": self.turn,
            "phase": self.phase.value,
            "reason": self.reason.value,
            "state": self.state,
            "timestamp": self.timestamp,
            "speech_started": self.speech_started,
            "speech_probability": round(self.speech_probability, 3),
            "played_ms": position.played,
            "heard_ms": position.heard,
            "received_ms": position.received,
            "total_ms": position.total,
            "complete": self.complete,
            "text": self.text,
            "text_offset": spoken_offset(self.text, position),
            "context": None,
        }


def spoken_offset(text: str, position: Position) -> int | None:
    """About how many characters had been spoken, cut back to a word's end; None while the length is unknown."""
    if not text or not position.total:
        return None
    return len(cut_at_word(text, len(text) * position.played // position.total))
