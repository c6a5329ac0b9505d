"""Traces made by hand: so many windows, each with its probability and levels."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from satellite.audio.card import Samples
from satellite.bench.trace import Trace, Windows

HOP = 512

# a number stands for every window
Track = float | Sequence[float]


def trace(
    clean: Sequence[float],
    raw: Track = 0.0,
    *,
    near_db: Track = -30.0,
    clean_db: Track = -30.0,
    far_db: Track = -30.0,
    begin: int = 0,
    end: int | None = None,
    first: int | None = None,
    sound_end: int | None = None,
) -> Trace:
    """`clean` and `raw` are probabilities. Places are windows: the reply sounds from `begin` to `end`."""
    count = len(clean)
    return Trace(
        near=sound(near_db, count),
        clean=sound(clean_db, count),
        far=sound(far_db, count),
        windows=Windows(
            ends=(np.arange(count, dtype=np.int64) + 1) * HOP,
            clean=np.array(clean, dtype=np.float64),
            raw=track(raw, count),
        ),
        reply_begin=begin * HOP,
        reply_end=(count if end is None else end) * HOP,
        first_reply_begin=(begin if first is None else first) * HOP,
        sound_end=None if sound_end is None else sound_end * HOP,
    )


def track(value: Track, count: int) -> NDArray[np.float64]:
    """One value for each window."""
    return np.broadcast_to(np.asarray(value, dtype=np.float64), count).copy()


def sound(level_db: Track, count: int) -> Samples:
    """A square wave of 1 kHz with these levels; silence below -90 dB."""
    amplitude = np.where(track(level_db, count) < -90.0, 0.0, 32768.0 * 10.0 ** (track(level_db, count) / 20.0))
    wave = np.where(np.arange(count * HOP) % 16 < 8, 1.0, -1.0)
    return np.round(np.repeat(amplitude, HOP) * wave).astype(np.int16)


def windows_of(frames: Sequence[int]) -> list[int]:
    """Indices of the windows that end there."""
    assert all(frame % HOP == 0 for frame in frames)
    return [frame // HOP - 1 for frame in frames]
