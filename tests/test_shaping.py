"""The operator's words for what is done to the microphone."""

import numpy as np
import pytest

from satellite.audio import commands as cmd
from satellite.audio.card import Samples
from satellite.audio.engine import AudioEngine
from satellite.audio.levels import level_db
from satellite.config import Audio, NoiseSuppression
from satellite.core.reflex import ReflexRule
from satellite.core.units import PERIOD_FRAMES, RATE_HZ
from satellite.detect.canceller import MODERATE_SUPPRESSION
from satellite.shaping import canceller_for, shape_for
from satellite.simulate.card import SimulatedCard
from satellite.simulate.clock import VirtualClock
from satellite.simulate.room import Room
from satellite.simulate.signals import Signal
from tests.audio.fakes import Deaf, Unsuspecting


def test_moderate_is_what_the_detectors_were_measured_with() -> None:
    """And is the default."""
    assert list(NoiseSuppression).index(Audio().noise_suppression) == MODERATE_SUPPRESSION


def test_more_suppression_leaves_less_noise() -> None:
    """In the order of the words."""
    noise = (100 * np.random.default_rng(7).standard_normal(3 * RATE_HZ)).astype(np.int16)
    silence, left = np.zeros(PERIOD_FRAMES, np.int16), []
    for wanted in NoiseSuppression:
        canceller = canceller_for(Audio(noise_suppression=wanted))
        periods = [canceller.process(period, silence) for period in noise.reshape(-1, PERIOD_FRAMES)]
        left.append(level_db(np.concatenate(periods[-100:])))
    assert left == sorted(left, reverse=True) and left[0] - left[3] > 12.0


def test_without_automatic_gain_nothing_is_touched() -> None:
    """Not even copied."""
    period = np.ones(PERIOD_FRAMES, np.int16)
    assert shape_for(Audio())(period) is period


class _Noted(Deaf):
    def __init__(self) -> None:
        self.fed: list[Samples] = []

    def feed(self, samples: Samples) -> float | None:
        self.fed.append(samples)
        return None


class _Open:
    """A canceller of nothing."""

    def process(self, near: Samples, far: Samples) -> Samples:
        return near


@pytest.mark.parametrize("audio", [Audio(auto_gain_db=20.0), Audio(microphone_gain_db=6.0)])
def test_who_gets_what(audio: Audio) -> None:
    """The gain of the microphone is for all; the automatic one for wake words and servers, and not for the voice detector."""
    room_noise = np.random.default_rng(1).standard_normal(2 * RATE_HZ).astype(np.float32) * np.float32(1e-3)
    whole: Signal = np.ones(1, np.float32)
    room, clock, detector = Room(whole, whole, room_noise), VirtualClock(10.0), _Noted()
    words: list[Samples] = []
    engine = AudioEngine(
        _Open(),
        detector,
        Unsuspecting(),
        lambda samples: 0.0,
        ReflexRule(),
        clock.now_s,
        on_period=lambda first, samples, played: words.append(samples),
        shape=shape_for(audio),
        gain_db=audio.microphone_gain_db,
    )
    engine.attach(SimulatedCard(room, clock))
    heard = b""
    while engine.frame < RATE_HZ:
        engine.step()
        heard += b"".join(report.pcm for report in engine.reports if isinstance(report, cmd.Heard))
        engine.reports.clear()
    assert heard == b"".join(samples.tobytes() for samples in words)
    for_words, for_voice = level_db(np.concatenate(words)), level_db(np.concatenate(detector.fed))
    plain = level_db(room.heard.between(0, RATE_HZ))
    assert for_voice == pytest.approx(plain + audio.microphone_gain_db, abs=0.3)
    assert for_words - for_voice > 5.0 if audio.auto_gain_db else for_words == for_voice
