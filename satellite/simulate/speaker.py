"""The playing half of the simulated card."""

import math
from collections import deque

import numpy as np

from satellite.audio.card import Samples
from satellite.core.units import PERIOD_FRAMES, RATE_HZ
from satellite.errors import DeviceError
from satellite.simulate.air import Air
from satellite.simulate.signals import CROSSINGS, Signal, Sinc, Tape, signal

# of what went over the wire; the room is never more than two periods behind it
_WIRE_S = 1


class SimulatedSpeaker:
    """Clocks out its queue as time goes; a position is a function of the clock alone."""

    def __init__(self, air: Air, rate_hz: int, queue_ms: int, latency_ms: float, ppm: float) -> None:
        self.rate_hz = rate_hz
        self.capacity_frames = rate_hz * queue_ms // 1000
        self.underruns = 0
        self._air = air
        self._crystal_hz = rate_hz * (1 + ppm * 1e-6)
        self._step = self._crystal_hz / RATE_HZ
        self._latency_frames = round(latency_ms * RATE_HZ / 1000)
        self._sinc = None if self._step == 1.0 else Sinc(self._step)
        if self._sinc is not None and self._latency_frames <= CROSSINGS:
            raise ValueError("a speaker that is not at the rate of the air needs a latency of 1 ms for its filter")
        self._wire = Tape(rate_hz * _WIRE_S, math.floor(air.room.end_frame * self._step))
        self._queue: deque[Samples] = deque()
        self._queued = 0
        self._playing = False
        self._connected = True
        self._stalled_until_s = air.clock.now_s()

    def queued(self) -> int:
        """Frames accepted by `write` and not yet clocked out; 0 when stopped. DeviceError if the device is gone."""
        with self._air.lock:
            self._live_until_now()
            return self._queued

    def write(self, samples: Samples) -> int:
        """Queues samples and says how many were taken: fewer when the queue is full. DeviceError if it is gone."""
        with self._air.lock:
            now_s = self._live_until_now()
            taken = min(len(samples), self.capacity_frames - self._queued)
            if taken == 0:
                return 0
            if not self._playing:
                self._playing = True
                self._put_silence(self._air.begun(now_s, self._crystal_hz) - self._wire.end_frame)
            self._queue.append(samples[:taken].copy())
            self._queued += taken
            return taken

    def drop(self) -> None:
        """Stops at once and discards all that is queued; the next `write` starts anew."""
        with self._air.lock:
            if self._connected:
                self._live_until_now()
                self._stop()

    def connect(self) -> None:
        """Makes it usable, silent, with an empty queue. The caller holds the lock of the air."""
        self._connected = True

    def disconnect(self) -> None:
        """Makes it fail; what is queued is lost. The caller holds the lock of the air."""
        if self._connected:
            self._live_until_now()
            self._stop()
            self._connected = False

    def inject_xrun(self) -> None:
        """Stops as on a driver's error: counted, and what is queued is lost. The caller holds the lock of the air."""
        self._live_until_now()
        if self._playing:
            self._stop()
            self.underruns += 1

    def stall(self, ms: float) -> None:
        """Stands still for so long. The caller holds the lock of the air."""
        self._stalled_until_s = self._live_until_now() + ms / 1000

    def clock_out(self, t_s: float) -> None:
        if t_s < self._stalled_until_s:
            self._put_silence(self._air.passed(t_s, self._crystal_hz) - self._wire.end_frame)
            return
        due = self._air.passed(t_s, self._crystal_hz) - self._wire.end_frame
        while due > 0 and self._queue:
            block = self._queue.popleft()
            if len(block) > due:
                self._queue.appendleft(block[due:])
                block = block[:due]
            self._wire.append(block)
            self._queued -= len(block)
            due -= len(block)
        if self._playing and not self._queue:
            self._playing = False
            self.underruns += 1
        self._put_silence(due)

    def sounding(self, start_frame: int, end_frame: int) -> Signal:
        start, count = start_frame - self._latency_frames, end_frame - start_frame
        if self._sinc is None:
            return signal(self._wire.between(start, start + count))
        return self._sinc.at(self._wire, start * self._step, count)

    def _live_until_now(self) -> float:
        now_s = self._air.clock.now_s()
        if not self._connected:
            raise DeviceError("the simulated speaker is gone")
        self._air.catch_up(self, now_s, PERIOD_FRAMES)
        self.clock_out(now_s)
        return now_s

    def _put_silence(self, count: int) -> None:
        if count > 0:
            self._wire.append(np.zeros(count, np.int16))

    def _stop(self) -> None:
        self._playing = False
        self._queue.clear()
        self._queued = 0
