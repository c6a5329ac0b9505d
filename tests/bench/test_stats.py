"""Figures and their doubt, against values from tables and from slower ways."""

import math

import numpy as np
import pytest

from satellite.bench.stats import Rate, Share, most_expected, percentile, share


@pytest.mark.parametrize(
    ("events", "mean"),
    [(0, 2.9957), (1, 4.7439), (2, 6.2958), (3, 7.7537), (5, 10.5130), (10, 16.9622), (20, 29.0620), (49, 62.1711)],
)
def test_the_poisson_bound_is_that_of_the_tables(events: int, mean: float) -> None:
    """Half of chi-square's 95 % point with 2 (events + 1) degrees of freedom."""
    assert most_expected(events) == pytest.approx(mean, abs=5e-4)


def test_the_poisson_bound_is_where_five_percent_are_left() -> None:
    """By the plain sum; and for thousands of events, where that underflows, near the normal one."""
    mean = most_expected(37)
    assert sum(math.exp(-mean) * mean**i / math.factorial(i) for i in range(38)) == pytest.approx(0.05, abs=1e-9)
    many = 20_000
    assert most_expected(many) == pytest.approx(many + 1.645 * math.sqrt(many) + 1.6, abs=1.0)


def test_a_rate_without_events_is_three_over_the_hours() -> None:
    """The rule of three."""
    assert Rate(0, 10.0).per_hour == 0.0
    assert Rate(0, 10.0).upper == pytest.approx(0.29957, abs=1e-5)
    assert Rate(1, 16.0).upper == pytest.approx(0.2965, abs=1e-4)


def test_a_rate_without_time_bounds_nothing() -> None:
    """Rather than being good."""
    assert math.isnan(Rate(0, 0.0).per_hour)
    assert Rate(0, 0.0).upper == math.inf


@pytest.mark.parametrize(
    ("count", "of", "low", "high"),
    # Wilson's interval as published by Newcombe (1998), table I, method 3
    [(81, 263, 25.53, 36.62), (15, 148, 6.24, 16.05), (0, 20, 0.0, 16.11), (1, 29, 0.61, 17.18), (29, 29, 88.30, 100.0)],
)
def test_wilsons_interval_is_the_published_one(count: int, of: int, low: float, high: float) -> None:
    """In percent."""
    assert Share(count, of).interval == (pytest.approx(low, abs=0.01), pytest.approx(high, abs=0.01))


def test_a_share_of_nothing_says_nothing() -> None:
    """It may be anything."""
    assert math.isnan(Share(0, 0).percent)
    assert Share(0, 0).interval == (0.0, 100.0)
    assert share([]) == Share(0, 0)
    assert share([True, False, True]) == Share(2, 3)


def test_a_percentile_is_numpys() -> None:
    """Linear between ranks."""
    values = [3.0, 1.0, 2.0, 10.0]
    for percent in (0, 5, 50, 95, 100):
        found = percentile(values, percent)
        assert found is not None
        assert found.value == pytest.approx(np.percentile(values, percent))
        assert found.low <= found.value <= found.high


def test_a_percentile_of_nothing_is_none_and_of_one_value_that() -> None:
    """And neither warns."""
    assert percentile([], 50) is None
    found = percentile([7.0], 95)
    assert found is not None
    assert (found.value, found.low, found.high) == (7.0, 7.0, 7.0)


@pytest.mark.parametrize("percent", [50, 95])
def test_the_interval_is_that_of_plain_resampling(percent: float) -> None:
    """Drawn the slow way, often."""
    values = np.random.default_rng(1).gamma(2.0, 80.0, 200)
    resamples = np.random.default_rng(2).choice(values, (20_000, 200))
    low, high = np.percentile(np.percentile(resamples, percent, axis=1), (2.5, 97.5))
    found = percentile(list(values), percent)
    assert found is not None
    assert found.low == pytest.approx(low, rel=0.03)
    assert found.high == pytest.approx(high, rel=0.03)


def test_the_same_values_have_the_same_interval() -> None:
    """In any order."""
    values = list(np.random.default_rng(3).normal(150.0, 30.0, 99))
    assert percentile(values, 95) == percentile(values[::-1], 95)
