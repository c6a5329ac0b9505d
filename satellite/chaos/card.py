"""A simulated sound card that can be away, busy, deaf or another one."""

from collections.abc import Callable
from functools import partial

import numpy as np

from satellite.audio.card import Samples
from satellite.core.units import RATE_HZ
from satellite.errors import DeviceError
from satellite.simulate.card import SimulatedCard
from satellite.simulate.clock import Clock
from satellite.simulate.room import Room

# clips every word of a user at arm's length
_TOO_LOUD = 40.0


class Socket:
    """What a card is plugged into; `open` is what a service opens it by."""

    def __init__(self, room: Room, clock: Clock) -> None:
        self._room, self._clock = room, clock
        self._rate_hz = RATE_HZ
        self._is_plugged = True
        self.is_busy = False
        """Whether another program has it, whoever wants to open it now."""
        self._converter: Callable[[Samples], Samples] | None = None
        self.card = SimulatedCard(room, clock)

    def open(self) -> SimulatedCard:
        """The card that is there. DeviceError if there is none to be had."""
        if self.is_busy:
            raise DeviceError("the simulated card is busy")
        if not self._is_plugged:
            raise DeviceError("the simulated card is not plugged in")
        if self.card.microphone.rate_hz != self._rate_hz:
            # the room has stood still while the old one was away; the new one goes on by the same time
            self._room.advance(np.zeros(self.frame() - self._room.end_frame, np.float32))
            self.card = SimulatedCard(self._room, self._clock, self._rate_hz, self._rate_hz)
            self.card.convert(self._converter)
        self.card.reopen()
        return self.card

    def unplug(self) -> None:
        """Pulls it out."""
        self._is_plugged = False
        self.card.unplug()

    def plug(self, rate_hz: int | None = None) -> None:
        """Puts it back; with a rate, one of that rate in its place."""
        self._rate_hz = rate_hz or self._rate_hz
        self._is_plugged = True
        self.card.plug()

    def deafen(self) -> None:
        """The microphone gives zeros."""
        self._convert(np.zeros_like)

    def clip(self) -> None:
        """The microphone is far too loud."""
        self._convert(partial(_clipped, gain=_TOO_LOUD))

    def hear_again(self) -> None:
        """Ends `deafen` and `clip`."""
        self._convert(None)

    def frame(self) -> int:
        """Of the room, now; it stands still while the card is away."""
        return max(self._room.end_frame, self.card.air_frame(self._clock.now_s()))

    def _convert(self, converter: Callable[[Samples], Samples] | None) -> None:
        self._converter = converter
        self.card.convert(converter)


def _clipped(samples: Samples, gain: float) -> Samples:
    clipped: Samples = np.clip(samples * np.float32(gain), -32768, 32767).astype(np.int16)
    return clipped
