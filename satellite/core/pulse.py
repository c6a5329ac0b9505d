"""Whether the audio thread lives, by what can be seen of it from outside."""

from dataclasses import dataclass

from satellite.core.units import Frames


@dataclass(frozen=True, slots=True)
class Pulse:
    """What there is to be seen at one time."""

    frame: Frames
    """Of the microphone."""
    turns: int
    """Of the thread: periods, or attempts to open a device."""
    is_lost: bool
    """Whether the microphone is known to be away."""

    def is_alive_since(self, before: "Pulse") -> bool:
        """Whether it has heard something, or knows that it cannot and tries again. Only another start helps if it has not."""
        return self.frame != before.frame or (self.is_lost and self.turns != before.turns)
