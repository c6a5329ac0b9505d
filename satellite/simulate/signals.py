"""Sound as the simulation handles it: tapes with absolute frame numbers, convolution, values between frames, levels."""

import math
from fractions import Fraction

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

# of an impulse response; measured the cheapest for one of 0.35 s in blocks of 10 ms
_SEGMENT_FRAMES = 512

# between frames that values fall on, at most, for a filter each to be cheaper; it takes three from 16 to 48 kHz
_MOST_PLACES = 3

# frames so much below the loudest are pauses, not speech
_ACTIVE_RANGE_DB = 25.0


def signal(samples: Samples) -> Signal:
    """What 16-bit samples stand for."""
    return samples.astype(np.float32) / np.float32(FULL_SCALE)


def pcm(sound: Signal) -> Samples:
    """16-bit samples of a sound, clipped as a converter does."""
    # a third of the time of clip() on blocks as short as ours
    limited: Signal = np.minimum(np.maximum(sound * np.float32(FULL_SCALE), -FULL_SCALE), FULL_SCALE - 1)
    return np.rint(limited).astype(np.int16)


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
        self.capacity_frames = capacity_frames
        self._data = np.zeros(capacity_frames, np.int16)
        self._first_frame = first_frame
        self.end_frame = first_frame

    def append(self, samples: Samples) -> None:
        """Adds samples; the oldest give way when the tape is full."""
        capacity = self.capacity_frames
        kept = samples[-capacity:]
        at = (self.end_frame + len(samples) - len(kept)) % capacity
        head = min(len(kept), capacity - at)
        self._data[at : at + head] = kept[:head]
        self._data[: len(kept) - head] = kept[head:]
        self.end_frame += len(samples)

    def between(self, start_frame: int, end_frame: int) -> Samples:
        """A copy of [start, end). Silence before the first sample; ValueError where it is forgotten or yet to come."""
        capacity = self.capacity_frames
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
    """A fixed impulse response applied to a stream, in blocks of any length, without delay.

    The first segment of the response is applied directly. What the rest makes of a whole segment of the stream comes
    later than that segment, so it is computed for the next one at once, by transforms.
    """

    def __init__(self, ir: Signal) -> None:
        count = max(2, math.ceil(len(ir) / _SEGMENT_FRAMES))
        segments = np.zeros((count, _SEGMENT_FRAMES), np.float32)
        segments.reshape(-1)[: len(ir)] = ir
        self._head = segments[0]
        self._tail = np.fft.rfft(segments[1:], 2 * _SEGMENT_FRAMES)
        self._past = np.zeros_like(self._tail)
        self._line = np.zeros(2 * _SEGMENT_FRAMES, np.float32)
        self._from_tail = np.zeros(_SEGMENT_FRAMES, np.float32)
        self._filled = 0
        self._memory_frames = (count + 1) * _SEGMENT_FRAMES
        self._silent_frames = self._memory_frames

    def run(self, block: Signal) -> Signal:
        """The next block as it comes out of the impulse response."""
        out = np.zeros(len(block), np.float32)
        self._silent_frames = 0 if block.any() else self._silent_frames + len(block)
        if self._silent_frames >= self._memory_frames + len(block):
            return out
        at = 0
        while at < len(block):
            start = self._filled
            count = min(len(block) - at, _SEGMENT_FRAMES - start)
            end = start + count
            self._line[_SEGMENT_FRAMES + start : _SEGMENT_FRAMES + end] = block[at : at + count]
            direct = np.convolve(self._line[start + 1 : _SEGMENT_FRAMES + end], self._head, "valid")
            out[at : at + count] = direct + self._from_tail[start:end]
            at += count
            self._filled = end % _SEGMENT_FRAMES
            if self._filled == 0:
                self._turn_segment()
        return out

    def _turn_segment(self) -> None:
        self._past[1:] = self._past[:-1]
        self._past[0] = np.fft.rfft(self._line)
        spectrum = (self._past * self._tail).sum(axis=0)
        self._from_tail[:] = np.fft.irfft(spectrum, 2 * _SEGMENT_FRAMES)[_SEGMENT_FRAMES:]
        self._line[:_SEGMENT_FRAMES] = self._line[_SEGMENT_FRAMES:]


class Sinc:
    """Band-limited values of a stream at places `step` of its frames apart."""

    def __init__(self, step: float) -> None:
        cut = _CUT_OFF / max(1.0, step)
        self.reach_frames = round(CROSSINGS * max(1.0, step))
        tap = np.arange(1 - self.reach_frames, self.reach_frames + 1) - (np.arange(_PHASES + 1) / _PHASES)[:, None]
        window = np.i0(_KAISER_BETA * np.sqrt(np.clip(1 - (tap / self.reach_frames) ** 2, 0, 1)))
        self._kernels = (cut * np.sinc(cut * tap) * window / np.i0(_KAISER_BETA)).astype(np.float32)
        self._step = step
        self._ratio = Fraction(step).limit_denominator(_MOST_PLACES)

    def at(self, tape: Tape, place: float, count: int) -> Signal:
        """Values at place, place + step, and so on."""
        if float(self._ratio) == self._step and place == int(place):
            return self._at_few_places(tape, int(place), count)
        places = place + self._step * np.arange(count)
        whole = np.floor(places).astype(np.int64)
        phase = (places - whole) * _PHASES
        lower = phase.astype(np.int64)
        part = (phase - lower).astype(np.float32)[:, None]
        kernels = self._kernels[lower] * (1 - part) + self._kernels[lower + 1] * part
        first = int(whole[0])
        data = self._around(tape, first, int(whole[-1]))
        taps = 2 * self.reach_frames
        rows = np.ndarray((len(data) - taps + 1, taps), np.float32, data, strides=(4, 4))[whole - first]
        out: Signal = np.einsum("ij,ij->i", rows, kernels)
        return out

    def _at_few_places(self, tape: Tape, first: int, count: int) -> Signal:
        """Where values fall on the same few places between frames, each place is one plain filter."""
        down, up = self._ratio.as_integer_ratio()
        data = self._around(tape, first, first + (count - 1) * down // up)
        out = np.empty(count, np.float32)
        for start in range(up):
            skipped, phase = divmod(start * down, up)
            values = np.correlate(data, self._kernels[phase * _PHASES // up], "valid")[skipped::down]
            out[start::up] = values[: len(out[start::up])]
        return out

    def _around(self, tape: Tape, first: int, last: int) -> Signal:
        return signal(tape.between(first - self.reach_frames + 1, last + self.reach_frames + 1))
