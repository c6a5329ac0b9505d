"""A run that played on, as other rules need it: the signals on which they decide, and the same user without our echo."""

import numpy as np
from numpy.typing import NDArray

from satellite.audio.card import Samples
from satellite.bench.run import Run
from satellite.bench.trace import Trace, Windows
from satellite.core import events as ev
from satellite.core.units import PERIOD_FRAMES, RATE_HZ, frames
from satellite.detect.canceller import EchoCanceller
from satellite.detect.silero import WINDOW_FRAMES as SILERO_FRAMES
from satellite.detect.silero import SileroVad
from satellite.simulate.signals import direct_path_frames, pcm, signal

# one window of the voice detector, by its makers' recommendation
_SURE = 0.5
# the canceller's noise suppression learns in so long
_BEFORE_S = 3.0


def trace(plain: Run) -> Trace:
    """What the detectors made of a run that played on."""
    clean = np.frombuffer(b"".join(plain.stage.heard), "<i2")
    near = plain.room.heard.between(0, len(clean))
    # 8 cm from loudspeaker to microphone
    late = direct_path_frames(plain.setting.echo_ir)
    far = np.concatenate((np.zeros(late, np.int16), plain.room.given.between(0, len(clean) - late)))
    whole = [(end, w) for _, w in plain.stage.all_told(ev.VoiceWindow) if (end := window_end(w)) % SILERO_FRAMES == 0]
    ends = np.array([end for end, _ in whole], np.int64)
    windows = Windows(ends, np.array([w.probability for _, w in whole]), _probabilities(near, ends))
    spans, said = counted(plain), plain.said
    return Trace(
        near,
        clean,
        far,
        windows,
        spans[0][0],
        min(spans[-1][1], len(clean)),
        plain.plays[0],
        None if said is None else said.onset_frame,
        None if said is None else said.end_frame,
    )


def window_end(window: ev.VoiceWindow) -> int:
    """Where it really ended: it was told at the end of that period. Every second one is a window of the same detector's."""
    return window.end // window.length * window.length


def counted(plain: Run) -> list[tuple[int, int]]:
    """Where the replies that count begin and end at the microphone."""
    setting, first = plain.setting, plain.setting.first_counted
    pairs = zip(plain.plays[first:], setting.replies[first:], strict=True)
    return [(begin := setting.starts_at(play), begin + len(reply)) for play, reply in pairs]


def _probabilities(near: Samples, ends: NDArray[np.int64]) -> NDArray[np.float64]:
    """Of the windows that end there, on another signal of the same stream."""
    detector = SileroVad(hop_ms=32)
    found = [p for i in range(0, len(near), PERIOD_FRAMES) if (p := detector.feed(near[i : i + PERIOD_FRAMES])) is not None]
    return np.array(found[: len(ends)])


def clear_ms(plain: Run) -> float | None:
    """The same user in the same room with the loudspeaker's cable pulled, behind the same canceller: one window is sure."""
    assert plain.said is not None and plain.onset is not None
    begin = max(plain.onset - frames(1000 * _BEFORE_S), 0) // PERIOD_FRAMES * PERIOD_FRAMES
    end = plain.end // PERIOD_FRAMES * PERIOD_FRAMES
    noise = plain.setting.noise[np.arange(begin, end) % len(plain.setting.noise)]
    near = pcm(signal(plain.room.near.between(begin, end)) + noise)
    canceller, detector, silence = EchoCanceller(), SileroVad(hop_ms=32), np.zeros(PERIOD_FRAMES, np.int16)
    for at in range(0, len(near), PERIOD_FRAMES):
        probability = detector.feed(canceller.process(near[at : at + PERIOD_FRAMES], silence))
        since = begin + at + PERIOD_FRAMES - plain.onset
        if probability is not None and probability >= _SURE and since > 0:
            return since * 1000 / RATE_HZ
    return None
