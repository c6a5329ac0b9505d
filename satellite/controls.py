"""What a button, a broker or a shell may want of a running satellite, and what they may ask it: the same for all of them."""

from typing import Protocol

from satellite.core.sensitivity import Sensitivity
from satellite.core.state import State

LOUDEST = 100


class Controls(Protocol):
    """A running satellite, for the event loop. Each call returns at once; SatelliteError says why it cannot.

    What was set is told to observers (`on_setting`), whoever set it, and also if it had that value before.
    """

    @property
    def state(self) -> State:
        """Of the conversation."""

    @property
    def volume(self) -> int:
        """Of all that is played, 0 to 100."""

    def set_volume(self, volume: int) -> None:
        """From 0 to 100."""

    @property
    def is_muted(self) -> bool:
        """Whether the microphone has been switched off here; a hub's switch shows as the state `muted`."""

    def mute(self, is_muted: bool) -> None:
        """Switches the microphone off or on. What a hub has switched off stays so until that switches it on."""

    @property
    def is_barge_in_on(self) -> bool:
        """Whether answers may be interrupted as `barge_in.allow` says; else by nothing but a button."""

    def set_barge_in(self, is_on: bool) -> None:
        """From the next answer on."""

    @property
    def sensitivity(self) -> Sensitivity:
        """How easily answers give way."""

    def set_sensitivity(self, sensitivity: Sensitivity) -> None:
        """From now on."""

    @property
    def wake_threshold(self) -> float | None:
        """Of the first wake word that is found here; None if none is."""

    def set_wake_threshold(self, threshold: float) -> None:
        """Of all wake words that are found here, from now on: a probability above 0 and below 1."""

    def listen(self) -> None:
        """Opens a turn as a wake word does. SatelliteError if nobody would hear it."""

    def hush(self) -> None:
        """Ends whatever is going on."""

    def say_text(self, text: str, *, then_listen: bool = False, is_announcement: bool = False) -> None:
        """Has it said in its turn; `then_listen` opens a turn after it, so that the user can answer without a wake word."""
