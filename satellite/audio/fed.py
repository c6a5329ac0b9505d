"""The halves of a card without hardware: a program feeds the microphone, and gets what the loudspeaker would play."""

import threading
from collections import deque
from collections.abc import Callable

import numpy as np

from satellite.audio.card import Samples
from satellite.core.units import PERIOD_FRAMES, RATE_HZ

# a program that feeds faster than the sound would have come is told so after as much
MOST_WAITING_S = 5


class FedMicrophone:
    """The `Microphone` that a program feeds, from any thread, at 16 kHz."""

    rate_hz = RATE_HZ
    loopback: Samples | None = None
    every_channel = None
    overruns = 0

    def __init__(self) -> None:
        self._more = threading.Condition()
        self._waiting: deque[Samples] = deque()
        self._frames = 0

    def feed(self, samples: Samples) -> None:
        """Adds samples. BufferError, and none of them is taken, if seconds of sound wait already."""
        with self._more:
            if self._frames + len(samples) > MOST_WAITING_S * RATE_HZ:
                raise BufferError(f"{self._frames / RATE_HZ:.1f} s of audio wait already; it has to come as it is spoken")
            self._waiting.append(np.array(samples, np.int16))
            self._frames += len(samples)
            self._more.notify_all()

    def read(self) -> Samples | None:
        """The next whole period, or None."""
        with self._more:
            if self._frames < PERIOD_FRAMES:
                return None
            self._frames -= PERIOD_FRAMES
            parts, missing = [], PERIOD_FRAMES
            while missing:
                block = self._waiting.popleft()
                if len(block) > missing:
                    self._waiting.appendleft(block[missing:])
                    block = block[:missing]
                parts.append(block)
                missing -= len(block)
            return np.concatenate(parts)

    def wait(self, timeout_s: float) -> bool:
        """Sleeps until a period can be read, at most so long; says whether one can."""
        with self._more:
            return self._more.wait_for(lambda: self._frames >= PERIOD_FRAMES, timeout_s)


class GivenSpeaker:
    """The `Speaker` that gives what it plays to a program, when it would sound. `given` is called by who serves it."""

    underruns = 0

    def __init__(
        self, given: Callable[[Samples], None], clock: Callable[[], float], queue_ms: int = 30, rate_hz: int = RATE_HZ
    ) -> None:
        self.rate_hz = rate_hz
        self.capacity_frames = rate_hz * queue_ms // 1000
        self._given, self._clock = given, clock
        self._queue: Samples = np.zeros(0, np.int16)
        self._begun_s = 0.0
        self._passed = 0

    def queued(self) -> int:
        """Frames accepted and not yet clocked out."""
        self._clock_out()
        return len(self._queue)

    def write(self, samples: Samples) -> int:
        """Queues samples, as many as there is room for."""
        self._clock_out()
        if not len(self._queue):
            self._begun_s, self._passed = self._clock(), 0
        taken = min(len(samples), self.capacity_frames - len(self._queue))
        self._queue = np.concatenate((self._queue, samples[:taken]))
        return taken

    def drop(self) -> None:
        """What has not been clocked out is not given to anybody."""
        self._clock_out()
        self._queue = np.zeros(0, np.int16)

    def _clock_out(self) -> None:
        if not len(self._queue):
            return
        due = int((self._clock() - self._begun_s) * self.rate_hz) - self._passed
        if due <= 0:
            return
        out, self._queue = self._queue[:due], self._queue[due:]
        self._passed += len(out)
        self.underruns += due > len(out)
        self._given(out)
