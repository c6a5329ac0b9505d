"""Draws one scene of the bench: the whole of it above, and below the moment that counts. Needs matplotlib."""

from dataclasses import replace
from pathlib import Path
from textwrap import wrap
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from satellite.bench.view import Marks, SceneView
from satellite.demo import page, panels
from satellite.demo.panels import ECHO, INK, LARGE_PT, SMALL_PT, SOFT, SOUND, SPEAKER, SPEAKER_TEXT, TEXT_PT, USER, VOICE, YIELD

# all heights are inches from the page's upper edge
_TITLE_IN, _LINES_IN, _LINE_IN = 0.16, 0.52, 0.2
_ROWS_IN, _GAP_IN, _HEADING_IN, _CLOSER_ROWS_IN, _MARGIN_IN = 3.5, 0.5, 0.32, 4.9, 0.4
_ABOVE_ROWS_IN = 0.34

# letters of a line below the title
_LETTERS = 78

# what is looked at closely: from before the beginning until after the last mark, but neither less nor more than so long
_BEFORE_S, _AFTER_S, _LEAST_S, _MOST_S = 0.2, 0.2, 1.2, 4.0

# at most so many ticks, of these milliseconds
_TICKS, _STEPS_MS = 8, (200, 500, 1000)

# a measure that ends in the right part of the picture has its text before it, and not behind
_LATE = 0.5

# of a scene that broke off at once
_SHORTEST_S = 1.0


def draw_scene(view: SceneView, path: Path) -> None:
    """Writes a PNG. OSError if it cannot be written."""
    lines = [part for line in view.lines for part in wrap(line, _LETTERS)]
    whole_in = _LINES_IN + _LINE_IN * len(lines) + _ABOVE_ROWS_IN
    zoom_in = whole_in + _ROWS_IN + _GAP_IN
    begin_s = view.marks.begin_s
    height = whole_in + _ROWS_IN if begin_s is None else zoom_in + _HEADING_IN + _CLOSER_ROWS_IN
    figure = Figure(figsize=(page.WIDTH_IN, height + _MARGIN_IN), facecolor="white")
    FigureCanvasAgg(figure)
    figure.text(page.LEFT, page.up(figure, _TITLE_IN), view.title, size=LARGE_PT, weight="bold", color=INK, va="top")
    told: dict[str, Any] = {"size": TEXT_PT, "color": SOFT, "va": "top", "linespacing": 1.3, "parse_math": False}
    figure.text(page.LEFT, page.up(figure, _LINES_IN), "\n".join(lines), **told)
    whole = _whole(figure, view, (whole_in, whole_in + _ROWS_IN))
    if begin_s is not None:
        span_s = _span_s(view.marks, begin_s)
        page.magnify(figure, whole, span_s, zoom_in)
        _zoom(figure, view, span_s, zoom_in)
    figure.savefig(path, format="png", dpi=page.DPI)


# ---- the whole of it


def _whole(figure: Figure, view: SceneView, place_in: tuple[float, float]) -> list[Axes]:
    end_s = max(view.heard.end_s, view.heard.begin_s + _SHORTEST_S)
    rows = page.rows(figure, (1.2, 0.95, 0.95), (view.heard.begin_s, end_s), place_in)
    _sounds(rows, view)
    rows[-1].xaxis.set_major_formatter("{x:.0f} s")
    rows[-1].tick_params(labelbottom=True)
    return rows


def _sounds(rows: list[Axes], view: SceneView) -> None:
    """The three rows that both parts have."""
    hearing, speaking, seeing = rows
    panels.sounds(hearing, (view.heard, ECHO), (view.near, USER))
    panels.title(hearing, ("Microphone ", INK), ("(all it hears, ", SOFT), ("what is not our echo", USER), (")", SOFT))
    panels.sounds(speaking, (view.given, SPEAKER))
    panels.gain(speaking, view.gain)
    panels.title(speaking, ("Loudspeaker", SPEAKER_TEXT), (", gain of the answer", INK))
    # what our own echo explains is not below nothing
    near_end = replace(view.near_end, values=np.maximum(view.near_end.values, 0.0))
    panels.evidence(seeing, view.probability, near_end, view.duck_probability, view.near_end_db)
    panels.title(seeing, ("Speech probability", VOICE), (", ", INK), ("sound that is not our own, dB", SOUND))


# ---- the moment


def _span_s(marks: Marks, begin_s: float) -> tuple[float, float]:
    last_s = max(at_s for _, at_s, _ in [("", begin_s, ""), *_measures(marks)])
    return begin_s - _BEFORE_S, begin_s + min(max(last_s + _AFTER_S - begin_s, _LEAST_S), _MOST_S)


def _measures(marks: Marks) -> list[tuple[str, float, str]]:
    """What happened, when, and its colour; in the order in which it did."""
    all_of_it = [
        ("answer 20 dB down", marks.ducked_s, SPEAKER_TEXT),
        ("reflex: hold", marks.held_s, YIELD),
        ("answer silent", marks.silent_s, SPEAKER_TEXT),
        ("over: a new turn", marks.committed_s, YIELD),
        ("answer goes on", marks.resumed_s, VOICE),
    ]
    return sorted(((name, at_s, colour) for name, at_s, colour in all_of_it if at_s is not None), key=lambda mark: mark[1])


def _zoom(figure: Figure, view: SceneView, span_s: tuple[float, float], top_in: float) -> None:
    begin_s = span_s[0] + _BEFORE_S
    since = "the first sound" if view.marks.onset_s is not None else "where it first yielded to nobody"
    heading = f"Closer: milliseconds from {since}"
    figure.text(page.LEFT, page.up(figure, top_in), heading, size=TEXT_PT, weight="bold", color=INK, va="top")
    place_in = (top_in + _HEADING_IN, top_in + _HEADING_IN + _CLOSER_ROWS_IN)
    rows = page.rows(figure, (1.45, 1.1, 0.95, 1.1), span_s, place_in)
    _sounds(rows[1:], view)
    rows[-1].text(span_s[0], view.duck_probability + 0.04, " above: duck", size=SMALL_PT, color=INK)
    _bars(rows, _measures(view.marks), begin_s)
    step_ms = next((step for step in _STEPS_MS if (span_s[1] - span_s[0]) * 1000 / step <= _TICKS), _STEPS_MS[-1])
    ticks_ms = range(0, int((span_s[1] - begin_s) * 1000) + 1, step_ms)
    rows[-1].set_xticks([begin_s + ms / 1000 for ms in ticks_ms], [f"{ms}" for ms in ticks_ms])
    rows[-1].tick_params(labelbottom=True)


def _bars(rows: list[Axes], measures: list[tuple[str, float, str]], begin_s: float) -> None:
    """From the beginning to each thing that came of it, and its line down through the rows."""
    end_s = rows[0].get_xlim()[1]
    page.rule(rows, begin_s, USER)
    lane = 0.0
    for name, at_s, colour in measures:
        # what comes after the page ends at its edge
        until_s = min(at_s, end_s)
        is_late = until_s - begin_s > _LATE * (end_s - begin_s)
        lane += 1.6 if is_late else 1.0
        if at_s <= end_s:
            page.rule(rows, at_s, colour, lane)
        rows[0].plot([begin_s, until_s], [lane, lane], color=colour, linewidth=2.2, solid_capstyle="butt")
        text = f"{(at_s - begin_s) * 1000:.0f} ms  {name}"
        page.say(rows[0], text, (until_s, lane), colour, "right" if is_late else "left")
    if not measures:
        page.say(rows[0], "nothing came of it", (begin_s, 1.0), USER, "left")
        lane = 1.0
    rows[0].set_ylim(lane + 0.5, 0.4)
