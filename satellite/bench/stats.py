"""Figures with their doubt: percentiles, shares and rates, each with a 95 % interval or bound. Deterministic."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

# enough that the second digit of an interval's end stands still
RESAMPLES = 1000

# any number: the same figures in every run
_SEED = 4

# of a standard normal variable, on both sides of which 2.5 % lie
_Z = 1.959963984540054

# what is left above a one-sided bound
_TAIL = 0.05

# halvings of an interval until it is narrower than a float can tell
_HALVINGS = 80

# of a sum; what is less is not added
_NEGLIGIBLE = 1e-17


@dataclass(frozen=True, slots=True)
class Estimate:
    """A figure and the ends of its 95 % interval."""

    value: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Share:
    """So many of so many. Its interval is Wilson's, which holds for few and for none too."""

    count: int
    of: int

    @property
    def percent(self) -> float:
        """Not a number if there were none to count."""
        return 100.0 * self.count / self.of if self.of else math.nan

    @property
    def interval(self) -> tuple[float, float]:
        """In percent, two-sided, 95 %. Everything, if there were none to count."""
        if not self.of:
            return 0.0, 100.0
        share, part = self.count / self.of, _Z**2 / self.of
        middle = share + part / 2
        reach = _Z * math.sqrt(share * (1 - share) / self.of + part / (4 * self.of))
        low, high = (100.0 * (middle + side) / (1 + part) for side in (-reach, reach))
        # exact where rounding would leave a remainder
        return 0.0 if self.count == 0 else low, 100.0 if self.count == self.of else high


@dataclass(frozen=True, slots=True)
class Rate:
    """So many events in so many hours."""

    events: int
    hours: float

    @property
    def per_hour(self) -> float:
        """Not a number without any time."""
        return self.events / self.hours if self.hours else math.nan

    @property
    def upper(self) -> float:
        """The exact one-sided 95 % bound of a Poisson rate, per hour; without an event 3.0 / hours."""
        return most_expected(self.events) / self.hours if self.hours else math.inf


def share(flags: Iterable[bool]) -> Share:
    """Of those that are true."""
    known = list(flags)
    return Share(sum(known), len(known))


def percentile(values: Sequence[float], percent: float) -> Estimate | None:
    """Linear between ranks, as numpy does it, with the bootstrap's percentile interval; None without values.

    The n values are not drawn anew a thousand times. The k-th smallest of a resample is the value at floor(n U) of the sorted
    ones, where U is the k-th smallest of n uniform numbers, which has a Beta(k, n - k + 1) distribution: so that is drawn.
    """
    n = len(values)
    if n == 0:
        return None
    ordered = np.sort(np.asarray(values, np.float64))
    place = percent / 100.0 * (n - 1)
    rank, between = min(int(place), n - 1), place - int(place)
    dice = np.random.default_rng((_SEED, n))
    lower = dice.beta(rank + 1, n - rank, RESAMPLES)
    # the next one is the smallest of those that are left, on what is left
    upper = lower + (1.0 - lower) * dice.beta(1, n - rank - 1, RESAMPLES) if rank + 1 < n else lower
    at = [ordered[np.minimum((n * u).astype(np.int64), n - 1)] for u in (lower, upper)]
    low, high = np.percentile(at[0] + between * (at[1] - at[0]), (2.5, 97.5))
    return Estimate(float(np.percentile(ordered, percent)), float(low), float(high))


def most_expected(events: int) -> float:
    """The largest mean of a Poisson variable that still gives so few events, or fewer, in 5 % of cases."""
    low, high = float(events), 2.0 * events + 4.0
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        low, high = (middle, high) if _poisson_cdf(events, middle) > _TAIL else (low, middle)
    return (low + high) / 2


def _poisson_cdf(events: int, mean: float) -> float:
    """For a mean that is not less than the events: from the last term down, each of which is less than the one before."""
    term = total = math.exp(events * math.log(mean) - mean - math.lgamma(events + 1)) if mean > 0 else 1.0
    for i in range(events, 0, -1):
        term *= i / mean
        total += term
        if term < _NEGLIGIBLE * total:
            break
    return total
