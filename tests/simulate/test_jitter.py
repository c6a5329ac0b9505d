"""Capture periods that come late, in virtual time."""

from itertools import pairwise

import numpy as np
import pytest

from satellite.audio.card import Samples
from satellite.simulate.jitter import Jitter
from tests.simulate.virtual import START_S, let_pass, loud, opened, read_all

PERIODS = 300


def waited_for(jitter_ms: float, seed: int = 1, every_ms: float = 1000.0) -> tuple[list[float], list[Samples]]:
    """How many ms after the last frame each period came, to one that polls so often or waits; and the periods."""
    room, clock, card = opened(in_latency_ms=6.0, jitter_ms=jitter_ms, seed=seed)
    room.say(loud(PERIODS * 160 + 3200))
    late, periods = [], []
    while len(periods) < PERIODS:
        card.wait(every_ms / 1000)
        while (period := card.microphone.read()) is not None:
            periods.append(period)
            late.append((clock.now_s() - START_S) * 1000 - 10 * len(periods))
    assert card.microphone.overruns == 0
    return late[:PERIODS], periods[:PERIODS]


@pytest.mark.parametrize("jitter_ms", [5.0, 25.0])
def test_periods_come_late_by_up_to_the_jitter_and_unchanged(jitter_ms: float) -> None:
    """The stream is the same as without; the times are spread over the whole range, beyond the latency."""
    late, periods = waited_for(jitter_ms)
    punctual, same = waited_for(0.0)
    assert punctual == pytest.approx([6.0] * PERIODS, abs=1e-6)
    assert np.array_equal(np.concatenate(periods), np.concatenate(same))
    assert min(late) >= 6.0 and max(late) <= 6.0 + jitter_ms + 1e-6
    assert max(late) - min(late) > 0.9 * jitter_ms


@pytest.mark.parametrize("jitter_ms", [5.0, 25.0])
def test_when_a_period_comes_depends_on_its_number_and_the_seed_alone(jitter_ms: float) -> None:
    """Who polls every 0.1 ms finds it then, not sooner and at most that much later."""
    late, _ = waited_for(jitter_ms)
    assert waited_for(jitter_ms)[0] == late
    polled, _ = waited_for(jitter_ms, every_ms=0.1)
    assert all(-1e-6 < at - due < 0.1 + 1e-6 for at, due in zip(polled, late, strict=True))
    assert waited_for(jitter_ms, seed=2)[0] != late


@pytest.mark.parametrize("most_ms", [0.0, 5.0, 10.0, 35.0])
def test_no_period_overtakes_another(most_ms: float) -> None:
    """One that is late by more than a period holds up those behind it; nothing is later than the most."""
    jitter = Jitter(most_ms, seed=3)
    late_ms = [1000 * jitter.late_s(period) for period in range(10_000)]
    assert all(later + 10 >= sooner - 1e-9 for sooner, later in pairwise(late_ms))
    assert min(late_ms) >= 0 and max(late_ms) <= most_ms


def test_what_has_not_come_is_not_in_the_buffer() -> None:
    """The period that would be one too many is still under way, and so none is lost."""
    for jitter_ms, overruns in ((0.0, 1), (5.0, 0)):
        _, clock, card = opened(jitter_ms=jitter_ms, seed=1)
        let_pass(clock, 216)
        assert (len(read_all(card)), card.microphone.overruns) == (20, overruns)
