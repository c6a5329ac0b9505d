"""The page that pictures are drawn on: rows of axes, a closer look below, and the measures in it. Needs matplotlib."""

from typing import Literal

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.gridspec import GridSpec
from matplotlib.patches import Polygon

from satellite.demo import panels
from satellite.demo.panels import TEXT_PT

# an upright page, because it is read on phones too
WIDTH_IN, DPI = 7.2, 200
LEFT, RIGHT = 0.045, 0.945

# behind what is looked at closely
_CLOSER = "#f1f3f5"


def rows(figure: Figure, heights: tuple[float, ...], span_s: tuple[float, float], place_in: tuple[float, float]) -> list[Axes]:
    """One below the other, with one span of time: from and to so many inches below the page's upper edge."""
    top, bottom = (up(figure, inches) for inches in place_in)
    grid = GridSpec(len(heights), 1, figure, LEFT, bottom, RIGHT, top, hspace=0.38, height_ratios=heights)
    found = [figure.add_subplot(grid[i, 0]) for i in range(len(heights))]
    for axes in found:
        panels.blank(axes, *span_s)
    return found


def up(figure: Figure, inches: float) -> float:
    """From inches below the page's upper edge to the part of it that is below."""
    return 1.0 - inches / float(figure.get_size_inches()[1])


def magnify(figure: Figure, whole: list[Axes], span_s: tuple[float, float], title_in: float) -> None:
    """A shade behind a moment in the rows, which widens to its enlargement below."""
    place = whole[0].get_position()
    begin_s, end_s = whole[0].get_xlim()
    left, right = (place.x0 + (at - begin_s) / (end_s - begin_s) * place.width for at in span_s)
    top, bottom = place.y1, whole[-1].get_position().y0
    zoom_top = up(figure, title_in - 0.12)
    light = [(left, top), (right, top), (right, bottom), (1.0, zoom_top), (1.0, 0.0), (0.0, 0.0), (0.0, zoom_top), (left, bottom)]
    figure.add_artist(Polygon(light, transform=figure.transFigure, facecolor=_CLOSER, edgecolor="none", zorder=-2))


def say(axes: Axes, text: str, at: tuple[float, float], colour: str, side: Literal["left", "right", "over"]) -> None:
    """Beside the end of a bar, or on it."""
    beside = side == "left"
    axes.annotate(
        text,
        at,
        (8.0 if beside else -8.0 if side == "right" else 6.0, 0.0 if beside else 2.5),
        textcoords="offset points",
        size=TEXT_PT,
        weight="bold",
        color=colour,
        ha="right" if side == "right" else "left",
        va="center" if beside else "bottom",
        # lines go behind it
        bbox={"facecolor": _CLOSER, "edgecolor": "none", "pad": 0.5},
        zorder=5,
    )


def rule(rows: list[Axes], at_s: float, colour: str, lane: float | None = None) -> None:
    """A line down through all rows; in the first it begins in a lane."""
    if lane is not None:
        rows[0].plot([at_s, at_s], [lane, 99.0], color=colour, linewidth=0.9)
    for axes in rows[1:]:
        axes.axvline(at_s, color=colour, linewidth=0.9)
