"""How long the loop is: what is sampled for measuring it, and what is made of the measurement."""

import numpy as np

from satellite.audio.card import Samples
from satellite.audio.commands import EchoSample
from satellite.audio.echo_sampler import SAMPLE_FRAMES, LoopDelay
from satellite.core.units import PERIOD_FRAMES

PERIODS = SAMPLE_FRAMES // PERIOD_FRAMES


def _period(value: int) -> Samples:
    return np.full(PERIOD_FRAMES, value, np.int16)


def _add(loop: LoopDelay, periods: int, value: int = 1000, lead: int = 300) -> list[EchoSample]:
    added = (loop.add(_period(value), _period(value + n), lead) for n in range(periods))
    return [sample for sample in added if sample is not None]


def test_nothing_is_sampled_that_nobody_asked_for() -> None:
    """A sample costs a correlation."""
    assert _add(LoopDelay(), 2 * PERIODS) == []


def test_a_sample_begins_with_the_next_sound_and_is_one() -> None:
    """Silence tells nothing of a delay."""
    loop = LoopDelay()
    loop.measure()
    assert _add(loop, 50, value=0) == [] and not loop.has_sampled
    (sample,) = _add(loop, 3 * PERIODS)
    assert len(sample.reference) == len(sample.microphone) == SAMPLE_FRAMES
    assert sample.reference.min() == 1000 and sample.microphone[-1] == 1000 + PERIODS - 1
    assert loop.has_sampled


def test_a_sample_in_whose_sound_the_lead_moved_is_taken_anew() -> None:
    """It would hold two delays."""
    loop = LoopDelay()
    loop.measure()
    assert _add(loop, PERIODS - 1) == []
    assert _add(loop, PERIODS - 1, lead=460) == []
    assert len(_add(loop, 1, lead=460)) == 1


def test_a_lead_that_moves_after_the_sound_spoils_nothing() -> None:
    """The start-up sound is shorter than a sample, and the queue settles in the silence after it."""
    loop = LoopDelay()
    loop.measure()
    assert _add(loop, PERIODS // 2, lead=300) == []
    assert len(_add(loop, PERIODS // 2, value=0, lead=460)) == 1
    loop.measured(500)
    assert loop.at(300) == 500 and loop.at(460) == 660


def test_what_is_beyond_the_lead_stays_and_the_lead_is_followed() -> None:
    """From the moment of the sample on, not from that of its result; before, the lead is all that is known."""
    loop = LoopDelay()
    assert loop.at(300) == 300
    loop.measure()
    _add(loop, PERIODS, lead=320)
    loop.measured(500)
    assert [loop.at(lead) for lead in (320, 100, 480)] == [500, 280, 660]


def test_no_echo_comes_before_its_sound() -> None:
    """Whatever the sum says."""
    loop = LoopDelay()
    loop.measure()
    _add(loop, PERIODS, lead=320)
    loop.measured(100)
    assert loop.at(100) == 0
