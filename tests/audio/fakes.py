"""Detectors that find nothing, for tests of what is around them."""

from satellite.audio.card import Samples
from satellite.core.echo import Excess


class Deaf:
    """A voice detector that hears nobody."""

    hop_frames = 512

    def feed(self, samples: Samples) -> float | None:
        return None


class Unsuspecting:
    """A near-end detector to which everything is explained; it is released as often as it is calibrated, or more."""

    def __init__(self) -> None:
        self._is_calibrated = False

    def feed(self, near: Samples, far: Samples, is_idle: bool, is_talk: bool) -> Excess:
        return Excess()

    def give_floor(self) -> None:
        pass

    def calibrate(self) -> None:
        assert not self._is_calibrated, "two probes at once"
        self._is_calibrated = True

    def release(self) -> None:
        self._is_calibrated = False

    def abandon(self) -> None:
        self._is_calibrated = False
