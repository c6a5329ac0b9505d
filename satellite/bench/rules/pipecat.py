"""Pipecat: six windows in a row that are surely speech, and loud enough.

Its detector has four states, QUIET, STARTING, SPEAKING and STOPPING. An interruption is the step from STARTING to SPEAKING,
and STARTING falls back to QUIET with the first window that is not speech. What STOPPING is for (0.2 s of silence until the
next interruption is possible) has passed whenever a rule starts afresh.

One thing cannot be done with probabilities that are given: its detector forgets what it has heard every few seconds.
"""

from collections.abc import Callable

import numpy as np

from satellite.bench.rules import loudness
from satellite.bench.rules.rule import Decide, Rule, Yields, afresh, cut, frames_of, in_a_row
from satellite.bench.trace import Levels, Trace
from satellite.core.units import RATE_HZ

_START_S = 0.2
_MIN_VOLUME = 0.6
_SMOOTHING = 0.2

# loudness is given as a number from 0 to 1: from -110 LUFS on, in 100 dB
_QUIET_LUFS, _SPAN_DB = -110.0, 100.0
# before 1.8 from -20 on, of samples that were left 16-bit numbers: a thousandth more
_QUIET_SAMPLES_LUFS = -20.0 - 20.0 * np.log10(32768.0)
# of BS.1770: a block below this is silence; of 16-bit numbers nothing is
_GATE_LUFS = -70.0
# since 1.8 loudness is measured on this much
_BLOCK_FRAMES = RATE_HZ * 400 // 1000


def _volume_of_windows(trace: Trace) -> Levels:
    lufs = loudness.of_windows(cut(trace.clean, trace.windows))
    volume: Levels = np.clip((lufs - _QUIET_SAMPLES_LUFS) / _SPAN_DB, 0.0, 1.0)
    return volume


def _volume_of_blocks(trace: Trace) -> Levels:
    lufs = loudness.rolling(cut(trace.clean, trace.windows), _BLOCK_FRAMES)
    volume: Levels = np.where(lufs < _GATE_LUFS, 0.0, np.clip((lufs - _QUIET_LUFS) / _SPAN_DB, 0.0, 1.0))
    return volume


def smoothed(volume: Levels) -> Levels:
    """Exponentially, from 0 on."""
    level, out = 0.0, np.zeros(len(volume))
    for n, now in enumerate(volume.tolist()):
        level += _SMOOTHING * (now - level)
        out[n] = level
    return out


def _listen(volume: Callable[[Trace], Levels]) -> Callable[[Trace], Decide]:
    def listen(trace: Trace) -> Decide:
        windows = trace.windows
        loud = smoothed(volume(trace)) >= _MIN_VOLUME
        start_windows = round(_START_S * RATE_HZ / windows.hop_frames)

        def decide(threshold: float) -> Yields:
            first = in_a_row((windows.clean >= threshold) & loud, start_windows)
            return Yields(frames_of(windows.ends, afresh(trace, windows.ends, first)))

        return decide

    return listen


# VADParams: confidence 0.7, start 0.2 s, volume 0.6; smoothing 0.2
_FILES = "audio/vad/vad_analyzer.py, audio/vad/silero.py, audio/utils.py"

PIPECAT = Rule(
    name="Pipecat",
    source=f"pipecat-ai 1.14.0 (the same since 1.8), {_FILES}, audio/volume.py",
    means="confidence of 6 windows in a row that are loud enough",
    threshold=0.7,
    listen=_listen(_volume_of_blocks),
)
# of each window by itself: after silence the volume rises sooner
PIPECAT_BEFORE = Rule(
    name="Pipecat before 1.8",
    source=f"pipecat-ai/pipecat 7d1de5a and 5184d17, {_FILES}; pyloudnorm 0.2.0",
    means="confidence of 6 windows in a row that are loud enough",
    threshold=0.7,
    listen=_listen(_volume_of_windows),
)
