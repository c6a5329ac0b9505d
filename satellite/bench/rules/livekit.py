"""LiveKit agents: half a second of speech pauses the reply, which goes on if nothing comes of it.

Speech begins with 50 ms above the activation threshold and ends with some silence below the deactivation threshold. Its
duration runs on through pauses, so that behind the Silero plugin two windows are enough to pause the reply half a second
later. In the first 3 s that are ever played nothing does, but the detector listens. The reply goes on 2 s after the end of
speech.

Left out: what the recogniser finds interrupts too, and in LiveKit's own cloud a model judges overlaps.
"""

from collections.abc import Callable
from dataclasses import dataclass

from satellite.bench.rules.rule import Decide, Rule, Yields, afresh, frames_of
from satellite.bench.trace import Levels, Trace
from satellite.core.units import RATE_HZ

_DEACTIVATION_BELOW = 0.15
_LOWEST_DEACTIVATION = 0.01
# 0.05 s and 0.5 s in windows of 32 ms
_MIN_SPEECH_WINDOWS = 2
_MIN_DURATION_WINDOWS = 16
_FALSE_INTERRUPTION_FRAMES = 2 * RATE_HZ
_WARM_UP_FRAMES = 3 * RATE_HZ


@dataclass(frozen=True, slots=True)
class _Vad:
    """What its two detectors differ in: both are Silero."""

    min_silence_windows: int
    kept: float
    """What is left of the smoothed probability when the next window comes; 0: it is not smoothed."""


# the Silero plugin: min_silence 0.55 s, an exponential filter of 0.35
_PLUGIN = _Vad(18, 0.35)
# what a session takes that is given none: min_silence 0.25 s
_BUILT_IN = _Vad(8, 0.0)


@dataclass(slots=True)
class _Detector:
    """The counters of both, in windows."""

    vad: _Vad
    activation: float
    speech: int = 0
    """So long somebody has been speaking; 0: nobody is."""
    above: int = 0
    below: int = 0

    def hear(self, probability: float) -> int:
        """How long somebody had been speaking when this window, smoothed, was published: before its own verdict."""
        self.speech += self.speech > 0
        published = self.speech
        deactivation = max(self.activation - _DEACTIVATION_BELOW, _LOWEST_DEACTIVATION)
        if probability >= self.activation or (published and probability > deactivation):
            self.above, self.below = self.above + 1, 0
            if not published and self.above >= _MIN_SPEECH_WINDOWS:
                self.speech = self.above
        else:
            self.above, self.below = 0, self.below + 1
            if self.below >= self.vad.min_silence_windows:
                self.speech = 0
        return published


def smoothed(probability: Levels, kept: float) -> list[float]:
    """The first window is taken as it is."""
    out: list[float] = []
    for now in probability.tolist():
        out.append(kept * out[-1] + (1.0 - kept) * now if out else now)
    return out


def _listen(vad: _Vad) -> Callable[[Trace], Decide]:
    def listen(trace: Trace) -> Decide:
        ends, probability = trace.windows.ends, smoothed(trace.windows.clean, vad.kept)
        warm = trace.first_reply_begin + _WARM_UP_FRAMES

        def decide(threshold: float) -> Yields:
            resumes: list[int] = []

            def first(start: int) -> int | None:
                detector = _Detector(vad, threshold)
                for index in range(start, len(probability)):
                    if detector.hear(probability[index]) >= _MIN_DURATION_WINDOWS and ends[index] >= warm:
                        resumes.append(_resume(trace, probability, index, detector))
                        return index
                return None

            stops = afresh(trace, ends, first)
            return Yields(frames_of(ends, stops), resumes=tuple(resumes[: len(stops)]))

        return decide

    return listen


def _resume(trace: Trace, probability: list[float], paused: int, detector: _Detector) -> int:
    """Where the reply goes on. It makes no echo while it stands still: what is heard then is the user, or nothing."""
    ends, hop = trace.windows.ends, trace.windows.hop_frames
    silent_from = max(int(ends[paused]), trace.sound_end or 0)
    index, now, ended = paused, probability[paused], None
    while ended is None or (index - ended) * hop < _FALSE_INTERRUPTION_FRAMES:
        index += 1
        is_heard = index < len(ends) and ends[index] <= silent_from
        now = probability[index] if is_heard else detector.vad.kept * now
        detector.hear(now)
        if detector.speech:
            ended = None
        elif ended is None:
            ended = index
    return int(ends[paused]) + (ended - paused) * hop + _FALSE_INTERRUPTION_FRAMES


# Activation 0.5, deactivation 0.15 less, min_speech 0.05 s; min_duration 0.5 s, false_interruption_timeout 2.0 s with
# resume_false_interruption, aec_warmup_duration 3.0 s
_FILES = "voice/turn.py, voice/agent_activity.py, voice/agent_session.py"

LIVEKIT = Rule(
    name="LiveKit, Silero plugin",
    source=f"livekit-agents and livekit-plugins-silero 1.8.9, {_FILES}; plugins/silero/vad.py, utils/exp_filter.py",
    means="smoothed probability at which speech begins; it ends 0.15 lower",
    threshold=0.5,
    listen=_listen(_PLUGIN),
)
LIVEKIT_BUILT_IN = Rule(
    name="LiveKit, built-in detector",
    source=f"livekit-agents 1.8.9, {_FILES}; inference/vad.py",
    means="probability at which speech begins; it ends 0.15 lower",
    threshold=0.5,
    listen=_listen(_BUILT_IN),
)
