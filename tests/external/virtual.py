"""A source and a sink in virtual time: what a program or a service does, without one."""

from typing import Any

import numpy as np

from satellite.audio.card import Channels, Samples
from satellite.audio.pair import PairedCard
from satellite.errors import DeviceError
from satellite.external.microphone import ExternalMicrophone
from satellite.external.speaker import ExternalSpeaker
from satellite.simulate.clock import VirtualClock


class Talker:
    """Counts its samples. `piece_s` at once, `late_s` after they were spoken in turn; `pace` times real time."""

    label = "the talker"

    def __init__(
        self,
        clock: VirtualClock,
        rate_hz: int = 16_000,
        piece_s: float = 0.01,
        late_s: tuple[float, ...] = (0.0,),
        pace: float = 1.0,
        rows: int = 1,
    ) -> None:
        self.rate_hz, self.rows = rate_hz, rows
        self.is_silent = False
        self._clock, self._begun_s = clock, clock.now_s()
        self._piece_s, self._late_s, self._pace = piece_s, late_s, pace
        self._pieces = self._taken = 0

    def wait(self, timeout_s: float) -> None:
        until_s = self._clock.now_s() + timeout_s
        self._clock.sleep_until(until_s if self.is_silent else min(until_s, max(self._next_s(), self._clock.now_s())))

    def take(self) -> Channels:
        while not self.is_silent and self._next_s() <= self._clock.now_s() + 1e-9:
            self._pieces += 1
        end = round(self._pieces * self._piece_s * self.rate_hz)
        counted = np.arange(self._taken, end).astype(np.int16)
        self._taken = end
        return np.stack([counted] * self.rows)

    def close(self) -> None:
        pass

    def _next_s(self) -> float:
        late_s = self._late_s[self._pieces % len(self._late_s)]
        return self._begun_s + (self._pieces + 1) * self._piece_s / self._pace + late_s


class Listener:
    """Takes `room_bytes` until it is told to take more."""

    label = "the listener"

    def __init__(self, rate_hz: int = 16_000, room_bytes: int = 10**9) -> None:
        self.rate_hz, self.room_bytes = rate_hz, room_bytes
        self.got = bytearray()
        self.is_gone = False

    @property
    def heard(self) -> Samples:
        """In whole samples."""
        return np.frombuffer(bytes(self.got[: len(self.got) // 2 * 2]), np.int16)

    def encoded(self, samples: Samples) -> bytes:
        return samples.tobytes()

    def send(self, data: memoryview) -> int:
        if self.is_gone:
            raise DeviceError(f"{self.label} is gone")
        taken = min(len(data), self.room_bytes)
        self.got += data[:taken]
        self.room_bytes -= taken
        return taken

    def close(self) -> None:
        pass


def pass_time(clock: VirtualClock, seconds: float) -> None:
    """Lets so much of it go by."""
    clock.sleep_until(clock.now_s() + seconds)


def microphone(clock: VirtualClock, **talk: Any) -> tuple[ExternalMicrophone, Talker]:
    """One that has just been opened."""
    talker = Talker(clock, **talk)
    return ExternalMicrophone(talker, clock.now_s, lambda seconds: pass_time(clock, seconds)), talker


def paired(clock: VirtualClock, rate_hz: int) -> PairedCard:
    """A card of both."""
    return PairedCard(microphone(clock, rate_hz=rate_hz)[0], ExternalSpeaker(Listener(rate_hz), 30, clock.now_s))
