"""A loudspeaker of whatever takes samples: it is given them when they would sound, silence too, and nobody waits for it."""

import time
from collections import deque
from collections.abc import Callable
from typing import Protocol

import numpy as np

from satellite.audio.card import Samples
from satellite.audio.fed import GivenSpeaker
from satellite.errors import DeviceError
from satellite.external.rates import Resampler, card_rate_hz

# aplay takes an eighth of a second at once, and nothing in between; what waits longer than this would lag for good
LATE_MS = 200
# a program that has not begun by then, or has stopped, is hung
STUCK_S = 5.0


class Sink(Protocol):
    """Whoever takes. Nothing waits."""

    @property
    def label(self) -> str:
        """How messages begin."""

    @property
    def rate_hz(self) -> int: ...

    def encoded(self, samples: Samples) -> bytes:
        """As it takes them."""

    def send(self, data: memoryview) -> int:
        """How many bytes it has taken; 0 if it can take none now. DeviceError if it never will."""

    def close(self) -> None:
        """May be called twice."""


class Outlet:
    """What a sink has not taken yet. It goes in whole blocks, or not at all: one that was begun is finished."""

    def __init__(self, sink: Sink, clock: Callable[[], float]) -> None:
        self.losses = 0
        """How often sound was thrown away because it was not taken in time."""
        self._sink, self._clock = sink, clock
        self._waiting: deque[tuple[bytes, int]] = deque()
        self._frames = self._sent = 0
        self._is_losing = False
        self._taken_s = clock()

    def put(self, samples: Samples) -> None:
        """It sounds now; what is too old by then never will."""
        if not len(samples):
            return
        if not self._waiting:
            self._taken_s = self._clock()
        self._waiting.append((self._sink.encoded(samples), len(samples)))
        self._frames += len(samples)
        self.flush()
        while self._frames > self._sink.rate_hz * LATE_MS // 1000 and self._lose_oldest():
            self.losses += not self._is_losing
            self._is_losing = True

    def flush(self) -> None:
        """Hands over what is taken. DeviceError if nothing has been for too long."""
        while self._waiting:
            block, frames = self._waiting[0]
            taken = self._sink.send(memoryview(block)[self._sent :])
            if not taken:
                break
            self._taken_s = self._clock()
            self._sent += taken
            if self._sent == len(block):
                self._waiting.popleft()
                self._frames -= frames
                self._sent = 0
        else:
            self._is_losing = False
        if self._waiting and self._clock() - self._taken_s > STUCK_S:
            raise DeviceError(f"{self._sink.label} takes no sound")

    def discard(self) -> None:
        """None of it is to be heard."""
        while self._lose_oldest():
            pass

    def _lose_oldest(self) -> bool:
        place = 1 if self._sent else 0
        if len(self._waiting) <= place:
            return False
        self._frames -= self._waiting[place][1]
        del self._waiting[place]
        return True


class ExternalSpeaker:
    """The `Speaker` of a sink. What has been handed over counts as heard, though whoever has it may have a queue of its own."""

    def __init__(self, sink: Sink, queue_ms: int, clock: Callable[[], float] = time.monotonic) -> None:
        self.rate_hz = card_rate_hz(sink.rate_hz)
        self._outlet = Outlet(sink, clock)
        self._resampler = Resampler(self.rate_hz, sink.rate_hz, rows=1)
        self._paced = GivenSpeaker(self._hand_over, clock, queue_ms, self.rate_hz)

    @property
    def capacity_frames(self) -> int:
        return self._paced.capacity_frames

    @property
    def underruns(self) -> int:
        return self._paced.underruns + self._outlet.losses

    def queued(self) -> int:
        self._outlet.flush()
        return self._paced.queued()

    def write(self, samples: Samples) -> int:
        return self._paced.write(samples)

    def drop(self) -> None:
        self._paced.drop()
        self._outlet.discard()
        self._resampler.forget()

    def _hand_over(self, samples: Samples) -> None:
        self._outlet.put(self._resampler.of(samples[np.newaxis])[0])
