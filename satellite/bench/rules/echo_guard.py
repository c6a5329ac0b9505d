"""streamcore-server: whoever is louder than the line's noise, and than what the loudspeaker can be heard with, is talking.

Two frames of 20 ms lower the reply; if the sound is still there 600 ms later the reply stops, if it has ended before that it
was a listener's nod. On a line without a canceller the loudest frame that was sent in the last 400 ms bounds the echo; behind
a canceller there is no such bound.

Left out: a recogniser has to have found two letters before anything happens, and what it finds can stop the reply sooner.
Its duck is one of 12 dB, and lowers the bound with it; the trace's reply is not ducked.
"""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from satellite.audio.card import Samples
from satellite.bench.rules.rule import Decide, Mask, Rule, Yields, afresh, frames_of
from satellite.bench.trace import Trace

_FRAME = 320
# amplitudes of 16-bit samples: where the noise is not known yet, at least, and at most
_BASE, _LEAST, _MOST = 1200.0, 900.0, 2.5 * 1200.0
_ABOVE_NOISE = 3.0
# of the noise, how much the next frame makes of it
_NEW_NOISE = 0.05
_ONSET_FRAMES, _SILENT_FRAMES = 2, 15
# 600 ms, and 400 ms: a frame that old is still in the window
_NOD_FRAMES = 30
_ECHO_FRAMES = 21
_ECHO_GAIN, _ECHO_MARGIN = 0.6, 1.8
# resampling leaves half a bit where nothing was played
_NOTHING = 1.0

_Amplitudes = NDArray[np.float64]


def amplitudes(samples: Samples) -> _Amplitudes:
    """Root mean square of each whole frame, of 16-bit numbers."""
    frames = samples[: len(samples) // _FRAME * _FRAME].reshape(-1, _FRAME).astype(np.float64)
    levels: _Amplitudes = np.sqrt((frames**2).mean(axis=1))
    return levels


def _echo_bound(sent: _Amplitudes) -> _Amplitudes:
    audible = np.concatenate([np.zeros(_ECHO_FRAMES), np.where(sent < _NOTHING, 0.0, sent)])
    loudest = np.lib.stride_tricks.sliding_window_view(audible, _ECHO_FRAMES).max(axis=1)[1:]
    bound: _Amplitudes = loudest * _ECHO_GAIN * _ECHO_MARGIN
    return bound


def _is_louder(heard: _Amplitudes, bound: _Amplitudes, times: float) -> Mask:
    """Of each frame; `times` the source's thresholds. Noise is learnt where no echo is to be expected."""
    out = np.zeros(len(heard), np.bool_)
    noise: float | None = None
    for n, (now, echo) in enumerate(zip(heard.tolist(), bound.tolist(), strict=True)):
        over_noise = _BASE if noise is None else min(max(_ABOVE_NOISE * noise, _LEAST), _MOST)
        out[n] = now > times * max(over_noise, echo)
        if not out[n] and not echo:
            noise = now if noise is None else (1.0 - _NEW_NOISE) * noise + _NEW_NOISE * now
    return out


def _watch(is_louder: list[bool], start: int, ducks: list[int]) -> int | None:
    """The frame at which the reply stops; appends those at which it is lowered."""
    loud = silent = 0
    since: int | None = None
    for index in range(start, len(is_louder)):
        loud, silent = (loud + 1, 0) if is_louder[index] else (0, silent + 1)
        if since is None and loud >= _ONSET_FRAMES:
            since = index
            ducks.append(index)
        elif since is not None and index - since >= _NOD_FRAMES:
            return index
        elif silent >= _SILENT_FRAMES:
            since = None
    return None


def _listen(signal: Callable[[Trace], Samples], is_guarded: bool) -> Callable[[Trace], Decide]:
    def listen(trace: Trace) -> Decide:
        heard = amplitudes(signal(trace))
        bound = _echo_bound(amplitudes(trace.far)) if is_guarded else np.zeros(len(heard))
        ends = (np.arange(len(heard), dtype=np.int64) + 1) * _FRAME

        def decide(threshold: float) -> Yields:
            is_louder = _is_louder(heard, bound, threshold).tolist()
            ducks: list[int] = []
            stops = afresh(trace, ends, lambda start: _watch(is_louder, start, ducks))
            lowered = tuple(frame for frame in frames_of(ends, tuple(ducks)) if frame <= trace.reply_end)
            return Yields(frames_of(ends, stops), lowered)

        return decide

    return listen


# Base 1200, 3 times the noise, at least 900, at most 2.5 times the base; onset 2 frames, silence 15; window 400 ms, gain 0.6,
# margin 1.8; 600 ms
_SOURCE = "streamcoreai/streamcore-server da089c3, internal/vad/vad.go, internal/vad/echo.go; pipeline/inbound.go (05c37f2)"
# 6 dB apart
_TIMES = (1 / 32, 1 / 16, 1 / 8, 1 / 4, 1 / 2, 1.0, 2.0, 4.0)

ECHO_GUARD = Rule(
    name="echo guard, raw microphone",
    source=_SOURCE,
    means="amplitude, in multiples of its thresholds",
    threshold=1.0,
    sweep=_TIMES,
    listen=_listen(lambda trace: trace.near, is_guarded=True),
)
ENERGY = Rule(
    name="energy",
    source=_SOURCE,
    means="amplitude, in multiples of its thresholds",
    threshold=1.0,
    sweep=_TIMES,
    listen=_listen(lambda trace: trace.clean, is_guarded=False),
)
