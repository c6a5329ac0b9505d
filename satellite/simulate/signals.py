"""Sound as the simulation handles it: tapes with absolute frame numbers, convolution, values between samples, levels."""

import math
from typing import cast

import numpy as np
from numpy.typing import NDArray

from satellite.audio.card import Samples
from satellite.core.units import PERIOD_FRAMES, SILENCE_DB, Decibels

Signal = NDArray[np.float32]
"""Sound or an impulse response, shape (n,); full scale is 1."""

FULL_SCALE = 32768.0

# zero crossings of the interpolating kernel on each side: what a latency of 1 ms at 16 kHz can hold, less one
CROSSINGS = 15

# of the Nyquist frequency: half-power point of the kernel, which leaves speech below 6.5 kHz untouched
_CUT_OFF = 0.94

# of the Kaiser window around the kernel: 70 dB of stop band
_KAISER_BETA = 7.0

# kernels kept per sample; divisible by three, so that between 16 and 48 kHz none has to be interpolated
_PHASES = 480

# frames so much below the loudest are pauses, not speech
_ACTIVE_RANGE_DB = 25.0


def signal(samples: Samples) -> Signal:
    """What 16-bit samples stand for."""
    return samples.astype(np.float32) / np.float32(FULL_SCALE)


def pcm(sound: Signal) -> Samples:
    """16-bit samples of a sound, clipped as a converter does."""
    rounded: Signal = np.rint(sound * np.float32(FULL_SCALE))
    return rounded.clip(-FULL_SCALE, FULL_SCALE - 1).astype(np.int16)


def convolved(sound: Signal, ir: Signal) -> Signal:
    """The whole of a sound through an impulse response, tail included."""
    size = len(sound) + len(ir) - 1
    padded = 1 << (size - 1).bit_length()
    spectrum = np.fft.rfft(sound, padded) * np.fft.rfft(ir, padded)
    return np.fft.irfft(spectrum, padded)[:size].astype(np.float32)


def direct_path_frames(ir: Signal) -> int:
    """When the sound that took no detour arrives: the first value of at least half the peak."""
    magnitude = np.abs(ir)
    return int(np.argmax(magnitude >= magnitude.max() / 2))


def active_level_db(sound: Signal) -> Decibels:
    """Mean power of the 10 ms frames that are not pauses."""
    whole = len(sound) // PERIOD_FRAMES * PERIOD_FRAMES
    power = (sound[:whole].astype(np.float64).reshape(-1, PERIOD_FRAMES) ** 2).mean(axis=1)
    peak = power.max(initial=0.0)
    if peak == 0.0:
        return SILENCE_DB
    active = power[power > peak * 10 ** (-_ACTIVE_RANGE_DB / 10)]
    return Decibels(10 * math.log10(active.mean()))


class Tape:
    """The latest samples of a stream by their absolute numbers. One thread appends, any may read."""

    def __init__(self, capacity_frames: int, first_frame: int = 0) -> None:
        self._data = np.zeros(capacity_frames, np.int16)
        self._first_frame = first_frame
        self.end_frame = first_frame

    def append(self, samples: Samples) -> None:
        """Adds samples; the oldest give way when the tape is full."""
        capacity = len(self._data)
        kept = samples[-capacity:]
        at = (self.end_frame + len(samples) - len(kept)) % capacity
        head = min(len(kept), capacity - at)
        self._data[at : at + head] = kept[:head]
        self._data[: len(kept) - head] = kept[head:]
        self.end_frame += len(samples)

    def between(self, start_frame: int, end_frame: int) -> Samples:
        """A copy of [start, end). Silence before the first sample; ValueError where it is forgotten or yet to come."""
        capacity = len(self._data)
        begin = max(start_frame, self._first_frame)
        if end_frame > self.end_frame or (begin < end_frame and begin < self.end_frame - capacity):
            raise ValueError(f"frames {start_frame} to {end_frame} are not on the tape, which ends at {self.end_frame}")
        out = np.zeros(max(0, end_frame - start_frame), np.int16)
        if begin < end_frame:
            at = begin % capacity
            head = min(end_frame - begin, capacity - at)
            out[begin - start_frame :][:head] = self._data[at : at + head]
            out[begin - start_frame + head :] = self._data[: end_frame - begin - head]
        return out


class Convolver:
    """A fixed impulse response applied to a stream, block by block (overlap-save, no delay of its own)."""

    def __init__(self, ir: Signal, block_frames: int) -> None:
        self._history_frames = len(ir) - 1
        self._size = 1 << (self._history_frames + block_frames - 1).bit_length()
        self._spectrum = np.fft.rfft(ir.astype(np.float32), self._size)
        self._past = np.zeros(self._history_frames, np.float32)
        self._silent_frames = self._history_frames

    def run(self, block: Signal) -> Signal:
        """The next block, not longer than `block_frames`, as it comes out of the impulse response."""
        self._silent_frames = 0 if block.any() else self._silent_frames + len(block)
        if self._silent_frames >= self._history_frames + len(block):
            self._past[:] = 0
            return np.zeros(len(block), np.float32)
        line = np.concatenate([self._past, block])
        self._past = line[len(line) - self._history_frames :]
        out = np.fft.irfft(np.fft.rfft(line, self._size) * self._spectrum, self._size)
        return out[self._history_frames : len(line)].astype(np.float32)


class Sinc:
    """Band-limited values of a stream at places `step` of its frames apart."""

    def __init__(self, step: float) -> None:
        cut = _CUT_OFF / max(1.0, step)
        self.reach_frames = round(CROSSINGS * max(1.0, step))
        tap = np.arange(1 - self.reach_frames, self.reach_frames + 1) - (np.arange(_PHASES + 1) / _PHASES)[:, None]
        window = np.i0(_KAISER_BETA * np.sqrt(np.clip(1 - (tap / self.reach_frames) ** 2, 0, 1)))
        self._kernels = (cut * np.sinc(cut * tap) * window / np.i0(_KAISER_BETA)).astype(np.float32)
        self._step = step

    def at(self, tape: Tape, place: float, count: int) -> Signal:
        """Values at place, place + step, and so on."""
        places = place + self._step * np.arange(count)
        whole = np.floor(places).astype(np.int64)
        first = int(whole[0]) - self.reach_frames + 1
        data = signal(tape.between(first, int(whole[-1]) + self.reach_frames + 1))
        rows = np.lib.stride_tricks.sliding_window_view(data, 2 * self.reach_frames)[whole - whole[0]]
        phase = (places - whole) * _PHASES
        lower = np.minimum(phase.astype(np.int64), _PHASES - 1)
        part = (phase - lower).astype(np.float32)[:, None]
        kernels = self._kernels[lower] * (1 - part) + self._kernels[lower + 1] * part
        return cast(Signal, np.einsum("ij,ij->i", rows, kernels))
