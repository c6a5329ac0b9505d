"""The way from the cone to the microphone, which somebody may change: a hand on the device, a door, a knob on the amplifier."""

import bisect
import threading
from dataclasses import dataclass

import numpy as np

from satellite.core.units import frames
from satellite.simulate.signals import Convolver, Signal, Tape, signal

# from the old path to the new: short beside what a canceller needs to follow, long enough not to click
FADE_FRAMES = frames(10)


@dataclass(frozen=True, slots=True)
class _Change:
    at_frame: int
    gain: np.float32
    ir: Signal | None


@dataclass(frozen=True, slots=True)
class _Path:
    start_frame: int
    ir: Signal
    convolver: Convolver


class EchoPath:
    """An impulse response that may be exchanged while sound goes through it. `run` is for one thread, `change` for any."""

    def __init__(self, ir: Signal, cone: Tape) -> None:
        """`cone` is the record of what goes through it, a block being added after its `run`."""
        self._cone = cone
        self._lock = threading.Lock()
        self._changes: list[_Change] = []
        _check(ir, cone)
        # the last is in force, those before it are being faded out
        self._paths = [_Path(0, ir, Convolver(ir))]

    def change(self, at_frame: int, gain_db: float, ir: Signal | None) -> None:
        """Fades to another response, or to the one in force by then, with this gain; at once if that frame is past."""
        if ir is not None:
            _check(ir, self._cone)
        with self._lock:
            change = _Change(at_frame, np.float32(10 ** (gain_db / 20)), ir)
            bisect.insort_right(self._changes, change, key=lambda other: other.at_frame)

    def run(self, block: Signal) -> Signal:
        """The next block as it comes to the microphone."""
        start = self._cone.end_frame
        if self._changes:
            self._begin_changes(start, start + len(block))
        out = self._paths[0].convolver.run(block)
        if len(self._paths) == 1:
            return out
        places = np.arange(start, start + len(block))
        for path in self._paths[1:]:
            share = np.clip((places - path.start_frame) / FADE_FRAMES, 0, 1).astype(np.float32)
            out += share * (path.convolver.run(block) - out)
        while len(self._paths) > 1 and self._paths[1].start_frame + FADE_FRAMES <= start + len(block):
            del self._paths[0]
        return out

    def _begin_changes(self, start: int, end: int) -> None:
        with self._lock:
            count = bisect.bisect_left(self._changes, end, key=lambda change: change.at_frame)
            due, self._changes = self._changes[:count], self._changes[count:]
        for change in due:
            ir = (self._paths[-1].ir if change.ir is None else change.ir) * change.gain
            convolver = Convolver(ir)
            # what still sounds in it of the time before, to half a step of 16 bits
            convolver.run(signal(self._cone.between(start - len(ir) + 1, start)))
            self._paths.append(_Path(max(change.at_frame, start), ir, convolver))


def _check(ir: Signal, cone: Tape) -> None:
    if len(ir) > cone.capacity_frames:
        raise ValueError(f"a response of {len(ir)} frames needs a record at least as long, and not {cone.capacity_frames}")
