"""Loops as long as real cards and their drivers make them, beyond what the speaker has queued."""

from itertools import count

import numpy as np
import pytest

from satellite.audio import commands as cmd
from satellite.audio.card import Samples
from satellite.audio.engine import AudioEngine
from satellite.audio.reply import Reply
from satellite.core.reflex import ReflexRule
from satellite.core.say import Allow
from satellite.core.units import RATE_HZ
from satellite.detect.loop_delay import measure_loop_delay
from satellite.simulate.card import SimulatedCard
from satellite.simulate.clock import VirtualClock
from tests.audio.fakes import Deaf, Unsuspecting
from tests.simulate.recordings import corpus_room, recording
from tests.simulate.virtual import IR_FRAMES, START_S, opened

# half of it before the air and half behind, or all on one side
LOOPS_MS = [(5.0, 5.0), (25.0, 25.0), (60.0, 60.0), (125.0, 125.0), (249.0, 1.0), (1.0, 249.0)]
# at the rate of the air nothing is filtered; a crystal of its own needs a filter, and its latency of 1 ms
RATES_HZ = [(16_000, 0.0), (48_000, 0.0), (48_000, 100.0), (48_000, -100.0)]
# far more than any of them takes
PATIENCE_PERIODS = 100


@pytest.mark.parametrize("rate_hz, ppm", RATES_HZ)
@pytest.mark.parametrize("out_ms, in_ms", LOOPS_MS)
def test_a_click_is_readable_after_the_whole_loop(out_ms: float, in_ms: float, rate_hz: int, ppm: float) -> None:
    """From its write to its period: the latencies and the air, at either rate, with drift, and again after seconds."""
    room, clock, card = opened(
        out_latency_ms=out_ms, in_latency_ms=in_ms + 1, playback_rate_hz=rate_hz, capture_rate_hz=rate_hz, ppm=ppm
    )
    click = np.zeros(rate_hz // 100, np.int16)
    # one frame of the air: a filter takes no more of it than half
    click[: rate_hz // RATE_HZ] = 12_345
    for _ in range(3):
        written_s, heard_s = clock.now_s(), None
        card.speaker.write(click)
        for _ in range(PATIENCE_PERIODS):
            card.wait(1.0)
            period = card.microphone.read()
            if period is not None and np.abs(period).max() > 4000:
                heard_s = clock.now_s()
                break
        assert heard_s is not None
        at = int(np.argmax(np.abs(room.heard.between(0, room.end_frame))[card.air_frame(written_s) :]))
        assert abs(at - (out_ms * 16 + IR_FRAMES)) <= 1
        # a period is read when its last frame is there
        assert 0 <= (heard_s - written_s) * 1000 - (out_ms + in_ms + 1 + IR_FRAMES / 16) <= 10.1
        for _ in range(200):
            card.wait(1.0)
            card.microphone.read()
    assert (card.microphone.overruns, card.speaker.underruns) == (0, 3)


class _NoCanceller:
    def process(self, near: Samples, far: Samples) -> Samples:
        return near


@pytest.mark.parametrize("out_ms, in_ms", LOOPS_MS)
def test_the_engine_measures_the_loop(out_ms: float, in_ms: float) -> None:
    """What it samples of a reply has the echo where the latencies, the air, and its queue of at most 40 ms put it."""
    room, clock = corpus_room(), VirtualClock(START_S)
    card = SimulatedCard(room, clock, out_latency_ms=out_ms, in_latency_ms=in_ms, jitter_ms=4.0)
    engine = AudioEngine(_NoCanceller(), Deaf(), Unsuspecting(), lambda samples: 0.0, ReflexRule(), clock.now_s)
    engine.attach(card)
    reply = Reply(1, RATE_HZ)
    reply.feed(recording("heart_medium_67966").tobytes(), RATE_HZ, 2, 1)
    engine.commands.append(cmd.PlayReply(reply, Allow.SPEECH))
    for step in count():
        engine.step()
        if sample := next((report for report in engine.reports if isinstance(report, cmd.EchoSample)), None):
            break
        assert step < 500
    found = measure_loop_delay(sample.reference, sample.microphone)
    assert found is not None
    beyond_ms = found.frames / 16 - out_ms - in_ms - IR_FRAMES / 16
    assert 0 <= beyond_ms <= 40
