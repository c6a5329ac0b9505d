"""A simulated sound card that can be away, busy, deaf or another one."""

import numpy as np

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
        self._gain = 1.0
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
            self.card.overdrive(self._gain)
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
        self._overdrive(0.0)

    def clip(self) -> None:
        """The microphone is far too loud."""
        self._overdrive(_TOO_LOUD)

    def hear_again(self) -> None:
        """Ends `deafen` and `clip`."""
        self._overdrive(1.0)

    def frame(self) -> int:
        """Of the room, now; it stands still while the card is away."""
        return max(self._room.end_frame, self.card.air_frame(self._clock.now_s()))

    def _overdrive(self, gain: float) -> None:
        self._gain = gain
        self.card.overdrive(gain)
