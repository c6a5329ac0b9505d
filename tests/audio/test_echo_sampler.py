"""How long the loop is: what is sampled for measuring it, and what is made of the measurement."""

import numpy as np
import pytest

from satellite.audio.card import Samples
from satellite.audio.commands import EchoSample
from satellite.audio.echo_sampler import SAMPLE_FRAMES, LoopDelay
from satellite.core.units import PERIOD_FRAMES

PERIODS = SAMPLE_FRAMES // PERIOD_FRAMES


def _period(value: int) -> Samples:
    return np.full(PERIOD_FRAMES, value, np.int16)


def _add(loop: LoopDelay, periods: int, value: int = 1000, slip_frames: int = 0) -> list[EchoSample]:
    added = (loop.add(_period(value), _period(value + n), slip_frames) for n in range(periods))
    return [sample for sample in added if sample is not None]


def test_nothing_is_sampled_that_nobody_asked_for() -> None:
    """A sample costs a correlation."""
    assert _add(LoopDelay(480), 2 * PERIODS) == []


def test_a_sample_begins_with_the_next_sound_and_is_one() -> None:
    """Silence tells nothing of a delay."""
    loop = LoopDelay(480)
    loop.measure()
    assert _add(loop, 50, value=0) == []
    (sample,) = _add(loop, 3 * PERIODS)
    assert len(sample.reference) == len(sample.microphone) == SAMPLE_FRAMES
    assert sample.reference.min() == 1000 and sample.microphone[-1] == 1000 + PERIODS - 1


def test_a_sample_over_which_the_reference_slipped_is_taken_anew() -> None:
    """It would hold two delays."""
    loop = LoopDelay(480)
    loop.measure()
    assert _add(loop, PERIODS - 1) == []
    assert _add(loop, PERIODS - 1, slip_frames=160) == []
    assert len(_add(loop, 1, slip_frames=160)) == 1


def test_a_slip_after_the_sound_spoils_nothing() -> None:
    """The start-up sound is shorter than a sample, and the queue settles in the silence after it."""
    loop = LoopDelay(480)
    loop.measure()
    assert _add(loop, PERIODS // 2, slip_frames=160) == []
    assert len(_add(loop, PERIODS // 2, value=0, slip_frames=320)) == 1
    loop.measured(500)
    assert loop.at(160) == 500 and loop.at(320) == 660


@pytest.mark.parametrize("slip_frames", [-160, 0, 480])
def test_what_has_slipped_since_the_measurement_counts(slip_frames: int) -> None:
    """From the moment of the sample on, not from that of its result."""
    loop = LoopDelay(480)
    assert loop.at(slip_frames) == 480 + slip_frames
    loop.measure()
    _add(loop, PERIODS, slip_frames=320)
    loop.measured(500)
    assert loop.at(320 + slip_frames) == 500 + slip_frames


def test_no_echo_comes_before_its_sound() -> None:
    """Whatever the sum says."""
    assert LoopDelay(100).at(-320) == 0
