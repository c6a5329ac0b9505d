"""A card of two halves that know nothing of each other."""

from collections.abc import Callable
from typing import Protocol

from satellite.audio.card import Microphone, Speaker
from satellite.core.units import PERIOD_MS


class WaitingMicrophone(Microphone, Protocol):
    """A microphone that can be waited for by itself."""

    def wait(self, timeout_s: float) -> bool:
        """Sleeps until a period can be read, at most so long; says whether one can. DeviceError if the device is gone."""


class PairedCard:
    """The `Card` of any microphone and any speaker."""

    def __init__(self, microphone: WaitingMicrophone, speaker: Speaker, *closes: Callable[[], None]) -> None:
        """`closes` give them back, and may be called twice."""
        self.microphone, self.speaker = microphone, speaker
        self._waited_for, self._closes = microphone, closes

    def wait(self, timeout_s: float) -> bool:
        """Sleeps until a period can be read, at most so long, and not much longer than one takes; says whether one can."""
        # a speaker that is only looked at wants to be looked at once a period, whoever feeds the microphone, and when
        return self._waited_for.wait(min(timeout_s, PERIOD_MS / 1000))

    def close(self) -> None:
        """Gives both back."""
        for close in self._closes:
            close()
