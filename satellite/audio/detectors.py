"""What the engine is given to hear with: models and detectors, which it knows by what they can do."""

from collections.abc import Callable
from typing import Protocol

from satellite.audio.card import Samples
from satellite.core.echo import Excess

# two periods of the lowest voice
VOICING_FRAMES = 640


class Canceller(Protocol):
    """Takes our own voice out of a period of the microphone."""

    def process(self, near: Samples, far: Samples) -> Samples: ...


class VoiceDetector(Protocol):
    """Says how likely the window that ended in this period is speech; None if none ended."""

    def feed(self, samples: Samples) -> float | None: ...

    @property
    def hop_frames(self) -> int: ...


class NearEndDetector(Protocol):
    """Says how far a period of the raw microphone exceeds what was played as it reaches the microphone then.

    What it hears while idle it learns as background, and forgets when the user is given the floor. Where that is talk, only
    what is louder than it exceeds anything.
    """

    def feed(self, near: Samples, far: Samples, is_idle: bool, is_talk: bool) -> Excess: ...

    def give_floor(self) -> None: ...

    def calibrate(self) -> None: ...

    def release(self) -> None: ...

    def abandon(self) -> None: ...


Voicing = Callable[[Samples], float]
"""How voiced the last samples of a signal are; it is given `VOICING_FRAMES` of them."""
