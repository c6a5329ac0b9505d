"""What a rule of another system is: when it would give way in a trace, and how that changes with its threshold."""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from satellite.audio.card import Samples
from satellite.bench.trace import Levels, Trace, Windows
from satellite.core.units import RATE_HZ

Mask = NDArray[np.bool_]
Ends = NDArray[np.int64]
"""Frames at which the windows of a rule end, rising."""

# The trace's reply plays on after a stop, so the rule is asked again: for the next reply, in its own system. By then even the
# slowest of them has noticed the silence between.
AFRESH_FRAMES = RATE_HZ

# of a voice detector that is swept: most of what it finds is near 0 or near 1
PROBABILITIES = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.99)


@dataclass(frozen=True, slots=True)
class Yields:
    """When a rule gives way while the last reply of a trace plays: frames of the trace, rising."""

    stops: tuple[int, ...] = ()
    """The reply falls silent: it is over, or stands still where there are `resumes`."""
    ducks: tuple[int, ...] = ()
    """It is lowered, of rules that do so before they stop it."""
    resumes: tuple[int, ...] = ()
    """It goes on, of rules that only pause: one for each stop, as if nobody had recognised a word."""


Decide = Callable[[float], Yields]


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """One way of another system to decide that somebody talks over a reply."""

    name: str
    source: str
    """Project and version or commit that its numbers are from."""
    means: str
    """What the threshold is."""
    threshold: float
    """The source's own."""
    sweep: tuple[float, ...] = PROBABILITIES
    """Thresholds for a curve of false stops against misses; the source's is one of them."""
    listen: Callable[[Trace], Decide]
    """What is costly and the same for every threshold; then what is not."""

    def at(self, threshold: float) -> "Rule":
        """The same rule, more or less sensitive."""
        return replace(self, threshold=threshold)

    def yields(self, trace: Trace) -> Yields:
        return self.listen(trace)(self.threshold)

    def stops(self, trace: Trace) -> tuple[int, ...]:
        return self.yields(trace).stops

    def curve(self, trace: Trace) -> tuple[tuple[float, Yields], ...]:
        """With every threshold of the sweep, in its order."""
        decide = self.listen(trace)
        return tuple((threshold, decide(threshold)) for threshold in self.sweep)


def afresh(trace: Trace, ends: Ends, first: Callable[[int], int | None]) -> tuple[int, ...]:
    """Windows at which the rule stops the reply: the first one, and after each the first of a rule that starts afresh.

    `first` tells the window at which a rule stops that knows of no window before the given one. So a voice that was there
    before the reply counts from the reply's begin, which is in favour of the rule.
    """
    found: list[int] = []
    start, after = (int(np.searchsorted(ends, frame, "right")) for frame in (trace.reply_begin, trace.reply_end))
    while (stop := first(start)) is not None and stop < after:
        found.append(stop)
        start = int(np.searchsorted(ends, ends[stop] + AFRESH_FRAMES, "right"))
    return tuple(found)


def in_a_row(mask: Mask, count: int) -> Callable[[int], int | None]:
    """For `afresh`: the window that completes the first run of so many true ones."""
    index = np.arange(len(mask))
    last_false = np.maximum.accumulate(np.where(mask, -1, index)) if len(mask) else index
    complete = np.flatnonzero(index - last_false >= count)

    def first(start: int) -> int | None:
        at = int(np.searchsorted(complete, start + count - 1))
        return int(complete[at]) if at < len(complete) else None

    return first


def frames_of(ends: Ends, indices: tuple[int, ...]) -> tuple[int, ...]:
    return tuple(int(ends[index]) for index in indices)


def cut(samples: Samples, windows: Windows) -> NDArray[np.float64]:
    """The samples of each window, full scale 1. shape (windows, hop)"""
    hop = windows.hop_frames
    if not len(windows.ends):
        return np.zeros((0, hop))
    begin, end = int(windows.ends[0]) - hop, int(windows.ends[-1])
    return samples[begin:end].reshape(-1, hop).astype(np.float64) / 32768.0


def window_db(samples: Samples, windows: Windows) -> Levels:
    """Level of each window; dB relative to full scale. shape (windows,)"""
    levels: Levels = 10.0 * np.log10((cut(samples, windows) ** 2).mean(axis=1) + 1e-12)
    return levels
