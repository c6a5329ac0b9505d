"""A microphone and a speaker whose clocks differ, in virtual time: the engine keeps both served and the reference in step."""

import numpy as np
import pytest

from satellite.audio import commands as cmd
from satellite.audio.card import Samples
from satellite.audio.engine import AudioEngine
from satellite.audio.reply import Reply
from satellite.core.reflex import ReflexRule
from satellite.core.say import Allow
from satellite.core.units import PERIOD_FRAMES, RATE_HZ, frames
from satellite.detect.loop_delay import measure_loop_delay
from tests.audio.fakes import Deaf, Unsuspecting
from tests.simulate.virtual import opened

REPLY_S, PAUSE_S = 20, 5
PERIODS_PER_S = 100


class LeadMeter:
    """A canceller that cancels nothing, and measures once a second how far the reference is ahead of its echo."""

    def __init__(self) -> None:
        self.leads: list[int] = []
        self._near: list[Samples] = []
        self._far: list[Samples] = []

    def process(self, near: Samples, far: Samples) -> Samples:
        self._near.append(near)
        self._far.append(far)
        if len(self._near) == PERIODS_PER_S:
            if all(period.any() for period in self._far):
                delay = measure_loop_delay(np.concatenate(self._far), np.concatenate(self._near))
                assert delay is not None
                self.leads.append(delay.frames)
            self._near.clear()
            self._far.clear()
        return near


@pytest.mark.parametrize(
    ("ppm", "rate_hz", "minutes"),
    [
        (200.0, 16_000, 3),
        (-200.0, 48_000, 2),
        *(pytest.param(ppm, 16_000, 60, marks=pytest.mark.long) for ppm in (100.0, 200.0, -200.0)),
    ],
)
def test_drift_neither_starves_nor_fills_anything(ppm: float, rate_hz: int, minutes: int) -> None:
    """Replies with pauses between them: no xrun, a queue that stays full, and a lead that moves within a period."""
    _, clock, card = opened(ppm=ppm, capture_rate_hz=rate_hz, playback_rate_hz=rate_hz)
    meter = LeadMeter()
    engine = AudioEngine(meter, Deaf(), Unsuspecting(), lambda samples: 0.0, ReflexRule(), clock.now_s)
    engine.attach(card)
    noise = np.random.default_rng(3).integers(-8000, 8000, REPLY_S * rate_hz).astype(np.int16)
    fullest = emptiest = rate_hz * 20 // 1000
    for turn in range(minutes * 60 // (REPLY_S + PAUSE_S)):
        reply = Reply(turn, rate_hz)
        reply.append(noise)
        reply.finish()
        engine.commands.append(cmd.PlayReply(reply, Allow.NONE))
        for _ in range((REPLY_S + PAUSE_S) * PERIODS_PER_S):
            engine.step()
            engine.reports.clear()
            queued = card.speaker.queued()
            fullest, emptiest = max(fullest, queued), min(emptiest, queued)
    leads = meter.leads
    print(f"{ppm} ppm, {minutes} min: lead {min(leads)} to {max(leads)} frames, queue {emptiest} to {fullest}")
    assert (card.microphone.overruns, card.speaker.underruns) == (0, 0)
    assert rate_hz * 15 // 1000 <= emptiest and fullest <= rate_hz * 30 // 1000
    assert len(leads) >= minutes * 60 // (REPLY_S + PAUSE_S) * (REPLY_S - 2)
    assert min(leads) > frames(5)
    # it is made up for in pauses, by whole periods
    assert max(leads) - min(leads) <= PERIOD_FRAMES + REPLY_S * RATE_HZ * abs(ppm) * 1e-6 + 1
