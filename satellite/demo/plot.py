"""Draws a scene of the demo: the whole of it above, and below the moment in which the user interrupts. Needs matplotlib."""

from pathlib import Path
from typing import Literal

from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.gridspec import GridSpec
from matplotlib.patches import Polygon

from satellite.demo import panels
from satellite.demo.panels import ECHO, INK, LARGE_PT, SMALL_PT, SOFT, SOUND, SPEAKER, SPEAKER_TEXT, TEXT_PT, USER, VOICE, YIELD
from satellite.demo.scene import Scene
from satellite.demo.story import BargeIn

# An upright page, because it is read on phones too. All heights are inches from its upper edge.
_WIDTH_IN, _DPI = 7.2, 200
_LEFT, _RIGHT = 0.045, 0.945
_TITLE_IN, _SUBTITLE_IN = 0.16, 0.52
_WHOLE_IN = (1.3, 6.0)
_ZOOM_TITLE_IN, _ZOOM_IN = 6.7, (7.02, 12.2)
_MARGIN_IN = 0.4

# a story that broke off at once has an axis too
_SHORTEST_S = 1.0

# what is looked at closely, from the user's first sound on
_BEFORE_S, _AFTER_S = 0.2, 1.2
_TICKS_MS = range(-200, 1201, 200)
_CLOSER = "#f1f3f5"

# a measure ends in the right part of the picture: its text stands before it, and not behind
_LATE = 0.5


def draw(scene: Scene, path: Path) -> None:
    """Writes a PNG. OSError if it cannot be written."""
    found = scene.barge_in
    height = (_ZOOM_IN if found else _WHOLE_IN)[1] + _MARGIN_IN
    figure = Figure(figsize=(_WIDTH_IN, height), facecolor="white")
    FigureCanvasAgg(figure)
    _head(figure, scene)
    whole = _whole(figure, scene)
    if found is not None:
        _magnify(figure, whole, scene.onset_s)
        _zoom(figure, scene, found)
    figure.savefig(path, format="png", dpi=_DPI)


def _head(figure: Figure, scene: Scene) -> None:
    silent_ms = scene.barge_in.silent_ms if scene.barge_in else None
    title = "A conversation" if silent_ms is None else f"Talking over the answer: silent in {silent_ms:.0f} ms"
    figure.text(_LEFT, _up(figure, _TITLE_IN), title, size=LARGE_PT, weight="bold", color=INK, va="top")
    how = (
        f"The real satellite on a simulated sound card, in a simulated room. At the microphone\n"
        f"its user is {-scene.ser_db:.0f} dB softer than its answer."
    )
    figure.text(_LEFT, _up(figure, _SUBTITLE_IN), how, size=TEXT_PT, color=SOFT, va="top", linespacing=1.3)


# ---- the whole of it


def _whole(figure: Figure, scene: Scene) -> list[Axes]:
    begin_s = scene.states[1][0] if len(scene.states) > 1 else scene.heard.begin_s
    rows = _rows(figure, (1.35, 0.95, 0.85, 0.3, 0.42), (begin_s, max(scene.heard.end_s, begin_s + _SHORTEST_S)), _WHOLE_IN)
    hearing, speaking, seeing, state, wire = rows
    panels.sounds(hearing, (scene.heard, ECHO), (scene.user, USER), headroom=1.9)
    panels.words(hearing, scene)
    panels.title(hearing, ("Microphone ", INK), ("(all it hears, ", SOFT), ("the user alone", USER), (")", SOFT))
    panels.sounds(speaking, (scene.cone, SPEAKER))
    panels.gain(speaking, scene)
    panels.title(speaking, ("Loudspeaker", SPEAKER_TEXT), (", gain of the answer", INK))
    _evidence(seeing, scene)
    panels.states(state, scene)
    panels.title(state, ("State", INK))
    panels.wire(wire, scene)
    panels.title(wire, ("Wire", INK))
    wire.xaxis.set_major_formatter("{x:.0f} s")
    wire.tick_params(labelbottom=True)
    return rows


def _evidence(axes: Axes, scene: Scene) -> None:
    panels.evidence(axes, scene)
    panels.title(axes, ("Speech probability", VOICE), (", ", INK), ("sound that is not our own, dB", SOUND))


# ---- the moment


def _magnify(figure: Figure, whole: list[Axes], onset_s: float) -> None:
    """A shade behind the moment, which widens to the enlargement."""
    place = whole[0].get_position()
    begin_s, end_s = whole[0].get_xlim()
    left, right = (
        place.x0 + (at - begin_s) / (end_s - begin_s) * place.width for at in (onset_s - _BEFORE_S, onset_s + _AFTER_S)
    )
    top, bottom = place.y1, whole[-1].get_position().y0
    zoom_top = _up(figure, _ZOOM_TITLE_IN - 0.12)
    page = figure.transFigure
    light = [(left, top), (right, top), (right, bottom), (1.0, zoom_top), (1.0, 0.0), (0.0, 0.0), (0.0, zoom_top), (left, bottom)]
    figure.add_artist(Polygon(light, transform=page, facecolor=_CLOSER, edgecolor="none", zorder=-2))


def _zoom(figure: Figure, scene: Scene, found: BargeIn) -> None:
    onset_s = scene.onset_s
    begin_s, end_s = onset_s - _BEFORE_S, onset_s + _AFTER_S
    heading = f'Closer: milliseconds from the first sound of "{found.words}"'
    figure.text(_LEFT, _up(figure, _ZOOM_TITLE_IN), heading, size=TEXT_PT, weight="bold", color=INK, va="top")
    rows = _rows(figure, (1.45, 0.95, 0.95, 0.95, 0.3), (begin_s, end_s), _ZOOM_IN)
    measured, hearing, speaking, seeing, state = rows
    panels.sounds(hearing, (scene.heard, ECHO), (scene.user, USER))
    panels.title(hearing, ("Microphone", INK))
    panels.sounds(speaking, (scene.cone, SPEAKER))
    panels.gain(speaking, scene)
    panels.title(speaking, ("Loudspeaker", SPEAKER_TEXT), (", gain of the answer", INK))
    _evidence(seeing, scene)
    seeing.text(begin_s, 0.34, " above: duck", size=SMALL_PT, color=INK)
    panels.states(state, scene)
    _measures(measured, found, onset_s, rows)
    state.set_xticks([onset_s + ms / 1000 for ms in _TICKS_MS], [f"{ms}" for ms in _TICKS_MS])
    state.tick_params(labelbottom=True)


def _measures(axes: Axes, found: BargeIn, onset_s: float, rows: list[Axes]) -> None:
    """A bar from the first sound to each thing that came of it, and its line down through the rows."""
    measures = [
        (SPEAKER_TEXT, found.ducked_ms, "answer 20 dB down"),
        (SPEAKER_TEXT, found.silent_ms, "answer silent"),
        (YIELD, found.provisional_ms, "server knows: interrupt provisional"),
        (YIELD, found.confirmed_ms, "interrupt confirmed"),
    ]
    known = sorted((ms, name, colour) for colour, ms, name in measures if ms is not None)
    _rule(rows, onset_s, USER)
    lane = 0.0
    for ms, name, colour in known:
        at_s, is_late = onset_s + ms / 1000, ms / 1000 > _LATE * _AFTER_S
        lane += 1.6 if is_late else 1.0
        _rule(rows, at_s, colour, lane)
        axes.plot([onset_s, at_s], [lane, lane], color=colour, linewidth=2.2, solid_capstyle="butt")
        _say(axes, f"{ms:.0f} ms  {name}", (at_s, lane), colour, "right" if is_late else "left")
    if found.preroll_ms is not None and found.lost_ms is not None:
        begin_s, end_s = axes.get_xlim()
        lane += 1.6
        axes.plot([max(onset_s - found.preroll_ms / 1000, begin_s), end_s], [lane, lane], color=USER, linewidth=2.2)
        said = f"what the server is sent begins {found.preroll_ms:.0f} ms before: {found.lost_ms:.0f} ms lost"
        _say(axes, said, (onset_s, lane), USER, "over")
    axes.set_ylim(lane + 0.5, 0.4)


def _say(axes: Axes, text: str, at: tuple[float, float], colour: str, side: Literal["left", "right", "over"]) -> None:
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


def _rule(rows: list[Axes], at_s: float, colour: str, lane: float | None = None) -> None:
    """A line down through all rows; in the first it begins in a lane."""
    if lane is not None:
        rows[0].plot([at_s, at_s], [lane, 99.0], color=colour, linewidth=0.9)
    for axes in rows[1:]:
        axes.axvline(at_s, color=colour, linewidth=0.9)


# ---- what both have


def _rows(figure: Figure, heights: tuple[float, ...], span_s: tuple[float, float], place_in: tuple[float, float]) -> list[Axes]:
    top, bottom = (_up(figure, inches) for inches in place_in)
    grid = GridSpec(len(heights), 1, figure, _LEFT, bottom, _RIGHT, top, hspace=0.38, height_ratios=heights)
    rows = [figure.add_subplot(grid[i, 0]) for i in range(len(heights))]
    for axes in rows:
        panels.blank(axes, *span_s)
    return rows


def _up(figure: Figure, inches: float) -> float:
    """From inches below the page's upper edge to the part of it that is below."""
    return 1.0 - inches / float(figure.get_size_inches()[1])
