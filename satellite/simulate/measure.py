"""Reads a barge-in off the records of a room: when the loudspeaker yielded, and what of the user's words arrived."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from satellite.audio.card import Samples
from satellite.core.units import frames
from satellite.mock.recogniser import locate

# a gain is fitted over so much of the reply
_WINDOW = frames(5)
# -19 dB: the duck is 20 dB, and a fit has an error
DUCKED_GAIN = 0.112
# -40 dB: silence beside speech
SILENT_GAIN = 0.01
# silence has to last, a pause between two words does not count
_SILENCE = frames(150)
# so much of what the loudspeaker said before tells where in the reply it was
_ALIGNED_BY = frames(800)
# softer windows of a reply say nothing about its gain
_QUIET = 0.1


@dataclass(frozen=True, slots=True)
class Yield:
    """When the loudspeaker gave way after a frame of the room: 20 dB down, and silent. None: it did not."""

    ducked_ms: float | None
    silent_ms: float | None


def reply_start(reply: Samples, cone: Samples) -> int:
    """Where a reply would have begun for what the loudspeaker said just now; it says it still."""
    before = cone[-_ALIGNED_BY:]
    place, _ = locate(before, reply)
    return len(cone) - len(before) - place


def measure_yield(cone: Samples, reply: Samples, after_frame: int) -> Yield:
    """`cone` is the loudspeaker's record from the room's first frame; `reply` what it was saying at `after_frame`."""
    before = cone[max(after_frame - _ALIGNED_BY, 0) : after_frame]
    place, _ = locate(before, reply)
    spoken = reply[max(place + len(before), 0) :].astype(np.float64)
    aligned = cone[after_frame : after_frame + len(spoken)].astype(np.float64)
    spoken = spoken[: len(aligned)]
    level = float(np.sqrt(np.mean(reply.astype(np.float64) ** 2)))
    ducked = next((i for i in range(0, len(spoken) - _WINDOW, 16) if _is_ducked(aligned, spoken, i, level)), None)
    silent = _first_silence(np.flatnonzero(np.abs(aligned) > SILENT_GAIN * level), len(aligned))
    return Yield(None if ducked is None else ducked / 16, None if silent is None else silent / 16)


def _is_ducked(aligned: NDArray[np.float64], spoken: NDArray[np.float64], at: int, level: float) -> bool:
    window = spoken[at : at + _WINDOW]
    energy = float(window @ window)
    if energy < _WINDOW * (_QUIET * level) ** 2:
        return False
    return float(aligned[at : at + _WINDOW] @ window) / energy <= DUCKED_GAIN


def _first_silence(loud: NDArray[np.intp], end: int) -> int | None:
    """One past the last loud sample before a long silence; 0 if there is none."""
    if not len(loud):
        return 0
    edges = np.append(loud, end + _SILENCE)
    gaps = np.flatnonzero(np.diff(edges) > _SILENCE)
    return int(edges[gaps[0]]) + 1 if len(gaps) else None


@dataclass(frozen=True, slots=True)
class Arrival:
    """What of the user's words reached a server."""

    lost_ms: float
    """Missing from their beginning, or within."""
    lead_ms: float
    """How long before their onset the audio begins."""
    prominence: float
    """How surely they were found in it."""


def measure_arrival(received: Samples, near: Samples, onset_frame: int, end_frame: int) -> Arrival:
    """`near` is the record of the user's voice at the microphone from the room's first frame; the words lie from onset to end."""
    half = (onset_frame + end_frame) // 2
    first_lag, prominence = locate(near[onset_frame:half], received)
    last_lag, _ = locate(near[half:end_frame], received)
    slip = abs((last_lag - first_lag) - (half - onset_frame))
    # the canceller bends a signal's phase a little
    slip_ms = slip / 16 if slip > frames(1) else 0.0
    return Arrival(max(0.0, -first_lag / 16) + slip_ms, max(first_lag, 0) / 16, prominence)
