"""Tables as plain values, and how figures are written in them."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from satellite.bench.stats import Estimate, Rate, Share, percentile

# where there is nothing to say
NOTHING = "-"


class Verdict(StrEnum):
    """Of a figure that has a goal."""

    MET = "met"
    MISSED = "not met"
    # of a rate: too few hours were played to tell
    OPEN = "too few hours"


@dataclass(frozen=True, slots=True)
class Cell:
    """What stands in it, and whether that is good enough; None: it has no goal."""

    text: str
    verdict: Verdict | None = None


@dataclass(frozen=True, slots=True)
class Table:
    """The first cell of a row names it."""

    title: str
    note: str
    """What its figures mean."""
    columns: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]


def row(*cells: Cell | str) -> tuple[Cell, ...]:
    """Of texts and cells."""
    return tuple(cell if isinstance(cell, Cell) else Cell(cell) for cell in cells)


def judged(is_met: bool) -> Verdict:
    """There are two ways, for most figures."""
    return Verdict.MET if is_met else Verdict.MISSED


def rate_verdict(rate: Rate, most_per_hour: float) -> Verdict:
    """The bound has to be below the goal. If only the rate itself is, the run was too short to say."""
    if rate.upper <= most_per_hour:
        return Verdict.MET
    return Verdict.MISSED if rate.per_hour > most_per_hour else Verdict.OPEN


def ms(values: Sequence[float], percent: float) -> str:
    """A percentile and its interval, as in "152 (140-165)"."""
    return milliseconds(percentile(values, percent))


def milliseconds(found: Estimate | None) -> str:
    """Whole ones."""
    return NOTHING if found is None else f"{found.value:.0f} ({found.low:.0f}-{found.high:.0f})"


def short_ms(values: Sequence[float], percent: float) -> str:
    """A percentile alone."""
    found = percentile(values, percent)
    return NOTHING if found is None else f"{found.value:.0f}"


def percent_of(share: Share) -> str:
    """As in "4.2 % (1.1-9.0)"."""
    low, high = share.interval
    return f"{share.percent:.1f} % ({low:.1f}-{high:.1f})" if share.of else NOTHING


def short_percent(share: Share) -> str:
    """As in "4.2 %"."""
    return f"{share.percent:.1f} %" if share.of else NOTHING


def per_hour(value: float) -> str:
    """Three digits of small ones, none after the point of large ones."""
    if not math.isfinite(value):
        return NOTHING
    return f"{value:.0f}" if value >= 100 else f"{value:.1f}" if value >= 10 else f"{value:.2f}"


def hours(rate: Rate) -> str:
    """With a digit after the point from one hour on."""
    return f"{rate.hours:.1f}" if rate.hours >= 1 else f"{rate.hours:.2f}"


def bounded(rate: Rate) -> str:
    """As in "0.12 (<= 0.31)"."""
    return f"{per_hour(rate.per_hour)} (<= {per_hour(rate.upper)})" if rate.hours else NOTHING
