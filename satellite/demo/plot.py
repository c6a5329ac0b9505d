"""Draws a scene of the demo: the whole of it above, and below the moment in which the user interrupts. Needs matplotlib."""

from pathlib import Path

from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from satellite.demo import page, panels
from satellite.demo.panels import ECHO, INK, LARGE_PT, SMALL_PT, SOFT, SOUND, SPEAKER, SPEAKER_TEXT, TEXT_PT, USER, VOICE, YIELD
from satellite.demo.scene import Scene
from satellite.demo.story import BargeIn

# all heights are inches from the page's upper edge
_TITLE_IN, _SUBTITLE_IN = 0.16, 0.52
_WHOLE_IN = (1.3, 6.0)
_ZOOM_TITLE_IN, _ZOOM_IN = 6.7, (7.02, 12.2)
_MARGIN_IN = 0.4

# a story that broke off at once has an axis too
_SHORTEST_S = 1.0

# what is looked at closely, from the user's first sound on
_BEFORE_S, _AFTER_S = 0.2, 1.2
_TICKS_MS = range(-200, 1201, 200)

# a measure ends in the right part of the picture: its text stands before it, and not behind
_LATE = 0.5


def draw(scene: Scene, path: Path) -> None:
    """Writes a PNG. OSError if it cannot be written."""
    found = scene.barge_in
    height = (_ZOOM_IN if found else _WHOLE_IN)[1] + _MARGIN_IN
    figure = Figure(figsize=(page.WIDTH_IN, height), facecolor="white")
    FigureCanvasAgg(figure)
    _head(figure, scene)
    whole = _whole(figure, scene)
    if found is not None:
        page.magnify(figure, whole, _moment_s(scene.onset_s), _ZOOM_TITLE_IN)
        _zoom(figure, scene, found)
    figure.savefig(path, format="png", dpi=page.DPI)


def _head(figure: Figure, scene: Scene) -> None:
    silent_ms = scene.barge_in.silent_ms if scene.barge_in else None
    title = "A conversation" if silent_ms is None else f"Talking over the answer: silent in {silent_ms:.0f} ms"
    figure.text(page.LEFT, page.up(figure, _TITLE_IN), title, size=LARGE_PT, weight="bold", color=INK, va="top")
    how = (
        f"The real satellite on a simulated sound card, in a simulated room. At the microphone\n"
        f"its user is {-scene.ser_db:.0f} dB softer than its answer."
    )
    figure.text(page.LEFT, page.up(figure, _SUBTITLE_IN), how, size=TEXT_PT, color=SOFT, va="top", linespacing=1.3)


# ---- the whole of it


def _whole(figure: Figure, scene: Scene) -> list[Axes]:
    begin_s = scene.states[1][0] if len(scene.states) > 1 else scene.heard.begin_s
    rows = page.rows(figure, (1.35, 0.95, 0.85, 0.3, 0.42), (begin_s, max(scene.heard.end_s, begin_s + _SHORTEST_S)), _WHOLE_IN)
    hearing, speaking, seeing, state, wire = rows
    panels.sounds(hearing, (scene.heard, ECHO), (scene.user, USER), headroom=1.9)
    panels.words(hearing, scene)
    panels.title(hearing, ("Microphone ", INK), ("(all it hears, ", SOFT), ("the user alone", USER), (")", SOFT))
    panels.sounds(speaking, (scene.cone, SPEAKER))
    panels.gain(speaking, scene.gain)
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
    panels.evidence(axes, scene.probability, scene.near_end)
    panels.title(axes, ("Speech probability", VOICE), (", ", INK), ("sound that is not our own, dB", SOUND))


# ---- the moment


def _moment_s(onset_s: float) -> tuple[float, float]:
    """From when to when it is looked at closely."""
    return onset_s - _BEFORE_S, onset_s + _AFTER_S


def _zoom(figure: Figure, scene: Scene, found: BargeIn) -> None:
    onset_s = scene.onset_s
    heading = f'Closer: milliseconds from the first sound of "{found.words}"'
    figure.text(page.LEFT, page.up(figure, _ZOOM_TITLE_IN), heading, size=TEXT_PT, weight="bold", color=INK, va="top")
    rows = page.rows(figure, (1.45, 0.95, 0.95, 0.95, 0.3), _moment_s(onset_s), _ZOOM_IN)
    measured, hearing, speaking, seeing, state = rows
    panels.sounds(hearing, (scene.heard, ECHO), (scene.user, USER))
    panels.title(hearing, ("Microphone", INK))
    panels.sounds(speaking, (scene.cone, SPEAKER))
    panels.gain(speaking, scene.gain)
    panels.title(speaking, ("Loudspeaker", SPEAKER_TEXT), (", gain of the answer", INK))
    _evidence(seeing, scene)
    seeing.text(onset_s - _BEFORE_S, 0.34, " above: duck", size=SMALL_PT, color=INK)
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
    page.rule(rows, onset_s, USER)
    lane = 0.0
    for ms, name, colour in known:
        at_s, is_late = onset_s + ms / 1000, ms / 1000 > _LATE * _AFTER_S
        lane += 1.6 if is_late else 1.0
        page.rule(rows, at_s, colour, lane)
        axes.plot([onset_s, at_s], [lane, lane], color=colour, linewidth=2.2, solid_capstyle="butt")
        page.say(axes, f"{ms:.0f} ms  {name}", (at_s, lane), colour, "right" if is_late else "left")
    if found.preroll_ms is not None and found.lost_ms is not None:
        begin_s, end_s = axes.get_xlim()
        lane += 1.6
        axes.plot([max(onset_s - found.preroll_ms / 1000, begin_s), end_s], [lane, lane], color=USER, linewidth=2.2)
        said = f"what the server is sent begins {found.preroll_ms:.0f} ms before: {found.lost_ms:.0f} ms lost"
        page.say(axes, said, (onset_s, lane), USER, "over")
    axes.set_ylim(lane + 0.5, 0.4)
