"""The report's charts as SVG to stand in a page: its fonts, its colours by name, no links. Needs matplotlib.

Colours are drawn as those of the demo's picture and then named, as `var(--user)`: the page says what they are in the dark.
"""

import io
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from html import escape
from itertools import cycle
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from satellite.bench import cases
from satellite.bench.cases import HEADLINE_SER_DB, LATE_MS, SOON_MS, Case
from satellite.bench.goals import LATENCIES, MOST_MISSED, MOST_MISSED_IN_NOISE, MOST_STOPS
from satellite.bench.outcome import OURS, Results
from satellite.bench.scene import Kind
from satellite.bench.versus import Point, points
from satellite.demo.panels import ECHO, INK, SOFT, SOUND, USER, VOICE, YIELD

# a chart is as wide as a phone, in points that are a phone's pixels there, and so is its text
_WIDTH_IN, _HEIGHT_IN, _TEXT_PT = 5.0, 3.7, 11.0
# for a legend below the axes: a line each, for the rules' names are long
_LEGEND_LINE_IN, _LEGEND_MARGIN_IN = 0.205, 0.25

_PAPER, _AMBER, _SKY = "#ffffff", "#b87a00", "#3b93c9"
COLOURS = {
    INK: "ink",
    SOFT: "soft",
    ECHO: "line",
    _PAPER: "paper",
    USER: "blue",
    YIELD: "red",
    VOICE: "green",
    SOUND: "purple",
    _AMBER: "amber",
    _SKY: "sky",
}
"""By the name of the page's variable. matplotlib writes them in small letters."""

# whoever sees no colours has the dashes and the shapes; the first is the headline's, and ours
_LINES: tuple[tuple[str, str | tuple[int, tuple[int, ...]]], ...] = (
    (YIELD, "-"),
    (USER, (0, (6, 2))),
    (VOICE, (0, (2, 1))),
    (SOUND, (0, (6, 2, 1, 2))),
    (_AMBER, (0, (4, 1, 1, 1, 1, 1))),
    (_SKY, (0, (1, 1))),
    (INK, (0, (8, 3))),
)
_SHAPES = "osD^vPXp*h"

# false stops per hour: none at all is drawn left of the least that can be
_LEAST_PER_HOUR, _NONE_PER_HOUR = 0.01, 0.002

_STYLE: dict[Any, Any] = {
    # text stays text, in the page's font
    "svg.fonttype": "none",
    # and is none of mathematics: rules are called what they like
    "text.parse_math": False,
    "font.size": _TEXT_PT,
    "text.color": INK,
    "axes.edgecolor": SOFT,
    "axes.labelcolor": INK,
    "axes.facecolor": "none",
    "xtick.color": SOFT,
    "ytick.color": SOFT,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "grid.color": ECHO,
    "grid.linewidth": 0.5,
    "legend.frameon": False,
}


@dataclass(frozen=True, slots=True)
class Chart:
    """What the page needs of it."""

    title: str
    note: str
    svg: str


def charts(results: Results) -> list[Chart]:
    """Those of which there is something to draw."""
    with mpl.rc_context(_STYLE):
        return [*_latencies(results), *_faults(results)]


# ---- how fast


def _latencies(results: Results) -> Iterator[Chart]:
    users = cases.in_quiet(cases.of_kind(results, Kind.USER))
    for name, what in (("duck_ms", "20 dB down"), ("silent_ms", "silent"), ("commit_ms", "over")):
        if cases.times(users, name):
            note = (
                f"Share of all users in quiet for whom the answer was {what} by then. A line that ends below 100 % leaves out "
                f"those who were not heard. Grey: one window of the voice detector, in the same scenes without echo."
            )
            title = f"From the user's first sound until the answer is {what}"
            yield Chart(title, note, _svg(_drawn_latency(users, name), title, name))


def _drawn_latency(users: Sequence[Case], name: str) -> Figure:
    figure, axes = _figure(_HEIGHT_IN)
    clear = cases.clear_times(users)
    if clear:
        axes.plot(*_rising(clear, len(users)), color=SOFT, linewidth=1.2, label="without echo")
    levels = cases.levels(users)
    # the headline has the first line of the list, whether it comes first or not
    lines = dict(zip(sorted(levels, key=lambda level: level != HEADLINE_SER_DB), cycle(_LINES), strict=False))
    for level in levels:
        here = cases.at_level(users, level)
        colour, dashes = lines[level]
        width = 2.4 if level == HEADLINE_SER_DB else 1.6
        line = _rising(cases.times(here, name), len(here))
        axes.plot(*line, color=colour, linestyle=dashes, linewidth=width, label=f"SER {level:.0f} dB")
    aims = [(aim_ms, percent) for which, _, percent, aim_ms, _ in LATENCIES if which == name]
    if aims and HEADLINE_SER_DB in levels:
        style: dict[str, Any] = {
            "color": INK,
            "markerfacecolor": _PAPER,
            "markeredgewidth": 1.4,
            "linestyle": "none",
            "zorder": 4.0,
        }
        axes.plot(*zip(*aims, strict=True), marker="o", label=f"aim at SER {HEADLINE_SER_DB:.0f} dB", **style)
    axes.set_xlim(0.0, LATE_MS if name == "commit_ms" else SOON_MS)
    axes.set_ylim(0.0, 101.0)
    axes.set_xlabel("ms")
    axes.set_ylabel("% of users")
    axes.legend(loc="lower right", fontsize=_TEXT_PT - 1)
    return figure


def _rising(times_ms: Sequence[float], of: int) -> tuple[list[float], list[float]]:
    """The corners of how many percent have come by then, over all that might have."""
    ordered = sorted(times_ms)
    at_ms = np.repeat([0.0, *ordered, 2 * LATE_MS], 2)[1:]
    percent = np.repeat(100.0 * np.arange(len(ordered) + 1) / of, 2)
    return at_ms.tolist(), [*percent.tolist(), float(percent[-1])]


# ---- how often wrong


def _faults(results: Results) -> Iterator[Chart]:
    for noisy, where in ((False, "its own voice alone"), (True, "TV or music on")):
        found = points(results, noisy)
        if len({point.rule for point in found}) < 2:
            continue
        note = (
            f"Misses of all users {'with noise on' if noisy else 'in quiet'}. A point for each rule, and a line through its "
            "other thresholds where they were tried: the nearer the lower left corner, the better; the green corner is the goal. "
            "The thin line reaches to the 95 % upper bound of the rate, for the hours that were played."
        )
        title = f"Deaf or jumpy: {where}"
        yield Chart(title, note, _svg(_drawn_faults(found, noisy), title, f"faults-{noisy}"))


def _drawn_faults(found: Sequence[Point], noisy: bool) -> Figure:
    families = list(dict.fromkeys(cases.family(point.rule) for point in found))
    figure, axes = _figure(_HEIGHT_IN + _LEGEND_MARGIN_IN + _LEGEND_LINE_IN * (len(families) + 1))
    for i, family in enumerate(families):
        colour, dashes = _LINES[i % len(_LINES)]
        curve = sorted((_place(p.stops.per_hour), p.missed.percent) for p in found if cases.family(p.rule) == family)
        axes.plot(*zip(*curve, strict=True), color=colour, linestyle=dashes, linewidth=1.4, marker=".", markersize=4)
        named = next((point for point in found if point.rule == family), None)
        if named is not None:
            _point(axes, named, colour, _SHAPES[i % len(_SHAPES)])
    goal_per_hour = MOST_STOPS[Kind.BACKGROUND if noisy else Kind.ECHO]
    goal = Rectangle((0, -2), goal_per_hour, (MOST_MISSED_IN_NOISE if noisy else MOST_MISSED) + 2, color=VOICE, linewidth=0)
    goal.set(alpha=0.16, label="goal", zorder=0.5)
    axes.add_patch(goal)
    _rates(axes, most_per_hour=max(10.0, *(2.0 * point.stops.upper for point in found)))
    axes.set_ylim(-2, max(20.0, *(point.missed.percent + 4 for point in found)))
    axes.set_xlabel("false stops per hour")
    axes.set_ylabel("% of users missed in 1 s")
    # its place is in parts of the axes' height, which is about the same in every chart
    axes.legend(loc="upper left", bbox_to_anchor=(-0.02, -0.17), fontsize=_TEXT_PT - 1)
    return figure


def _rates(axes: Axes, most_per_hour: float) -> None:
    """An axis of decades, and left of a dotted line none at all."""
    axes.set_xscale("log")
    axes.set_xlim(_NONE_PER_HOUR * 0.5, most_per_hour)
    ticks = [tick for i in range(-2, 5) if (tick := 10.0**i) <= most_per_hour]
    axes.set_xticks([_NONE_PER_HOUR, *ticks], ["none", *(f"{tick:g}" for tick in ticks)])
    axes.axvline(_LEAST_PER_HOUR * 0.5, color=SOFT, linewidth=0.8, linestyle=":")
    axes.minorticks_off()


def _point(axes: Axes, point: Point, colour: str, shape: str) -> None:
    at = _place(point.stops.per_hour)
    is_ours = point.rule == OURS
    bound = max(_place(point.stops.upper), at)
    axes.plot([at, bound], [point.missed.percent] * 2, color=colour, linewidth=0.8)
    axes.plot(
        [at],
        [point.missed.percent],
        shape,
        color=colour,
        markersize=11 if is_ours else 8,
        markeredgecolor=_PAPER,
        label=point.rule,
        zorder=4,
        linestyle="none",
    )


def _place(per_hour: float) -> float:
    """On the axis, on which there is a place for none."""
    return _NONE_PER_HOUR if per_hour == 0 else max(per_hour, _LEAST_PER_HOUR)


# ---- the SVG


def _figure(height_in: float) -> tuple[Figure, Axes]:
    figure = Figure(figsize=(_WIDTH_IN, height_in), facecolor="none")
    FigureCanvasSVG(figure)
    axes = figure.add_axes((0.13, 1.0 - (_HEIGHT_IN - 0.6) / height_in, 0.81, (_HEIGHT_IN - 0.7) / height_in))
    axes.tick_params(length=0)
    axes.set_axisbelow(True)
    return figure, axes


def _svg(figure: Figure, title: str, salt: str) -> str:
    """Without a prologue and name spaces, which HTML does not want; names of parts are the chart's own."""
    stream = io.StringIO()
    with mpl.rc_context({"svg.hashsalt": salt}):
        figure.savefig(stream, format="svg", metadata=dict.fromkeys(("Creator", "Date", "Format", "Type")), transparent=True)
    body = stream.getvalue().split("<svg", 1)[1].split(">", 1)
    view = re.search(r'viewBox="[^"]+"', body[0])
    inside = re.sub(r'(id="|url\(#|href="#)', rf"\g<1>{salt}-", body[1]).replace("xlink:href", "href")
    for colour, name in COLOURS.items():
        inside = inside.replace(colour.lower(), f"var(--{name})")
    label = f"{salt}-title"
    # the page's style sheet says how lines end, and in which font, and here that would count for the whole page
    inside = re.sub(r"<style.*?</style>", "", inside, flags=re.DOTALL)
    inside = re.sub(r"font-family: [^;]*; ", "", inside)
    box = view.group() if view else ""
    return f'<svg {box} role="img" aria-labelledby="{label}">\n<title id="{label}">{escape(title)}</title>{inside}'
