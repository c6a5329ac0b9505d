"""Conversions between frames and milliseconds."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from satellite.core.units import PERIOD_FRAMES, PERIOD_MS, RATE_HZ, Frames, Millis, frames, millis


@given(st.integers(0, 10**9))
def test_whole_milliseconds_survive_the_way_to_frames_and_back(ms: int) -> None:
    """16 frames each."""
    assert millis(frames(ms)) == ms


@pytest.mark.parametrize(
    ("count", "rate_hz", "ms"), [(0, 16_000, 0), (15, 16_000, 0), (16, 16_000, 1), (47, 48_000, 0), (48, 48_000, 1)]
)
def test_a_millisecond_that_is_not_over_does_not_count(count: int, rate_hz: int, ms: int) -> None:
    """Positions are rounded down, so that heard <= played <= received holds in milliseconds too."""
    assert millis(count, rate_hz) == ms


def test_a_period_is_the_cancellers() -> None:
    """Exactly 10 ms a call."""
    assert PERIOD_FRAMES == RATE_HZ // 100 == frames(PERIOD_MS) == Frames(160)


def test_half_a_millisecond_has_frames_too() -> None:
    """Models have windows that are no whole number of them."""
    assert frames(0.5) == 8
    assert millis(frames(Millis(1))) == 1
