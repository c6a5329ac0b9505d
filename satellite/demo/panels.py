"""The rows of the picture: what each shows of a scene, over whatever span of time its axes have. Needs matplotlib."""

from itertools import pairwise

import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.offsetbox import AnchoredOffsetbox, HPacker, TextArea
from numpy.typing import NDArray

from satellite.core.echo import NEAR_END_DB
from satellite.core.reflex import ReflexRule
from satellite.core.state import State
from satellite.core.units import RATE_HZ
from satellite.demo.recorder import Mark
from satellite.demo.scene import Scene, Series, Track

# Okabe and Ito's colours, which everybody can tell apart; darker where they are written with
INK, SOFT, ECHO = "#1f2328", "#626a75", "#bfc3ca"
USER, SPEAKER, SPEAKER_TEXT, YIELD = "#0072B2", "#E69F00", "#8f6200", "#D55E00"
VOICE, SOUND = "#007a5a", "#a8447f"

# in points; a phone shows the picture's 7 inches on 360 pixels, so that a point is 0.7 of a pixel
SMALL_PT, TEXT_PT, LARGE_PT = 9.5, 10.5, 16.0

_STATE_COLOURS = {
    State.OFFLINE: "#ffffff",
    State.IDLE: "#dfe2e6",
    State.LISTENING: "#8ccbf0",
    State.PROCESSING: "#F0E442",
    State.SPEAKING: "#f4c45c",
    State.HELD: YIELD,
    State.MUTED: "#9a9ea6",
}

# shape, face and lane; whoever sees no colours has the shapes
_MARKERS: dict[Mark, tuple[str, str, str, float]] = {
    Mark.DETECTION: ("v", USER, USER, 0.14),
    Mark.RUN: (">", USER, "white", 0.5),
    Mark.TRANSCRIPT: ("s", USER, USER, 0.14),
    Mark.PROVISIONAL: ("D", YIELD, "white", 0.86),
    Mark.CONFIRMED: ("D", YIELD, YIELD, 0.86),
    Mark.CANCELLED: ("X", SOFT, SOFT, 0.86),
}

# columns of an envelope: more than the picture has pixels
_COLUMNS = 1600

_RULE = ReflexRule()

# on the axis of the decibels, in thresholds
_NEAR_END_TICKS = (0, 1, 4, 10)

Part = tuple[str, str]
"""Of a line of text: what it says and in which colour."""


def blank(axes: Axes, begin_s: float, end_s: float) -> None:
    """A row without a frame."""
    axes.set_xlim(begin_s, end_s)
    axes.set_facecolor("none")
    axes.tick_params(labelbottom=False)
    axes.set_yticks([])
    _unframe(axes)


def title(axes: Axes, *parts: Part) -> None:
    """A line above a row, in the colours of what it names."""
    areas: list[Artist] = [
        TextArea(text, textprops={"color": colour, "size": TEXT_PT, "weight": "bold"}) for text, colour in parts
    ]
    line = HPacker(children=areas, pad=0, sep=0)
    place = (0.0, 1.0)
    axes.add_artist(
        AnchoredOffsetbox(
            "lower left", child=line, pad=0.15, borderpad=0, frameon=False, bbox_to_anchor=place, bbox_transform=axes.transAxes
        )
    )


def sounds(axes: Axes, *tracks: tuple[Track, str], headroom: float = 1.1) -> None:
    """One sound over another, each in its colour."""
    loudest = max(int(np.abs(_within(axes, track)[1].astype(np.int32)).max(initial=1)) for track, _ in tracks)
    for track, colour in tracks:
        at_s, low, high = _envelope(axes, track)
        axes.fill_between(at_s, low, high, color=colour, linewidth=0.4)
    axes.set_ylim(-loudest * 1.1, loudest * headroom)


def words(axes: Axes, scene: Scene) -> None:
    """What the user says, and while."""
    for i, said in enumerate(scene.words):
        axes.axvspan(said.begin_s, said.end_s, color=USER, alpha=0.12, linewidth=0)
        # a line lower than the one before it, which may reach over it
        height = 0.99 - 0.17 * (i % 2)
        place = axes.get_xaxis_transform()
        axes.text(said.begin_s, height, said.text, transform=place, size=SMALL_PT, color=USER, va="top", clip_on=False)


def gain(axes: Axes, series: Series) -> None:
    """The reply's gain, over the sound that it makes."""
    twin = axes.twinx()
    twin.plot(*_steps(series), color=INK, linewidth=1.4)
    twin.set_ylim(-0.05, 1.15)
    twin.set_yticks([0.0, 1.0], ["0", "1"])
    _unframe(twin)


def evidence(
    axes: Axes,
    probability: Series,
    near_end: Series,
    duck_probability: float = _RULE.duck_probability,
    near_end_db: float = NEAR_END_DB,
) -> None:
    """Both witnesses of a voice, and the line above which either makes the reply duck.

    They share the line of their thresholds: the probability's axis is linear, that of the decibels, which reach ten times
    their threshold, goes with their root, and ends where the thresholds meet.
    """
    most_db = near_end_db / duck_probability**2
    at_s, heights = _steps(Series(near_end.at_s, np.sqrt(near_end.values / most_db)))
    axes.fill_between(at_s, heights, color=SOUND, alpha=0.16, linewidth=0)
    axes.plot(at_s, heights, color=SOUND, linewidth=1.1)
    axes.plot(*_steps(probability), color=VOICE, linewidth=1.7)
    axes.axhline(duck_probability, color=INK, linewidth=0.9, linestyle=(0, (4, 3)))
    axes.set_ylim(0.0, 1.04)
    axes.set_yticks([0.0, duck_probability, 1.0], ["0", f"{duck_probability:.1f}", "1"], color=VOICE)
    twin = axes.twinx()
    twin.set_ylim(axes.get_ylim())
    ticks_db = [times * near_end_db for times in _NEAR_END_TICKS if times * near_end_db <= most_db]
    twin.set_yticks([float(np.sqrt(db / most_db)) for db in ticks_db], [f"{db:.0f}" for db in ticks_db], color=SOUND)
    _unframe(twin)


def states(axes: Axes, scene: Scene) -> None:
    """A band in the colours of the states, which are named where there is room."""
    begin, end = axes.get_xlim()
    last = (scene.heard.end_s, scene.states[-1][1])
    for (since, state), (until, _) in pairwise((*scene.states, last)):
        left, right = max(since, begin), min(until, end)
        if right <= left:
            continue
        axes.axvspan(left, right, color=_STATE_COLOURS[state], linewidth=0)
        colour = "white" if state is State.HELD else INK
        name = axes.text((left + right) / 2, 0.46, state.value, color=colour, size=SMALL_PT, ha="center", va="center")
        if name.get_window_extent().width > (right - left) / (end - begin) * axes.bbox.width:
            name.remove()
    axes.set_ylim(0, 1)


def wire(axes: Axes, scene: Scene) -> None:
    """What went over the wire, in lanes, and above them the key to the shapes."""
    for mark, (shape, edge, face, lane) in _MARKERS.items():
        at_s = [at for at, which in scene.marks if which is mark]
        axes.plot(
            at_s,
            [lane] * len(at_s),
            shape,
            markersize=6.5,
            markeredgewidth=1.4,
            markeredgecolor=edge,
            markerfacecolor=face,
            clip_on=False,
            label=mark.value,
        )
    axes.set_ylim(0, 1)
    axes.legend(
        loc="lower left",
        bbox_to_anchor=(0.065, 1.0),
        ncols=len(_MARKERS),
        frameon=False,
        fontsize=SMALL_PT,
        handlelength=1.0,
        handletextpad=0.25,
        columnspacing=0.8,
        borderpad=0.0,
        borderaxespad=0.25,
    )


def _unframe(axes: Axes) -> None:
    for spine in axes.spines.values():
        spine.set_visible(False)
    axes.tick_params(length=0, labelsize=SMALL_PT, pad=4)


def _within(axes: Axes, track: Track) -> tuple[int, NDArray[np.int16]]:
    """What the axes show of a sound, and its place in it."""
    begin_s, end_s = axes.get_xlim()
    first = max(int((begin_s - track.begin_s) * RATE_HZ), 0)
    return first, track.samples[first : max(int((end_s - track.begin_s) * RATE_HZ), first)]


def _envelope(axes: Axes, track: Track) -> tuple[NDArray[np.float64], NDArray[np.int16], NDArray[np.int16]]:
    """The lowest and the highest sample of each column of the picture."""
    first, samples = _within(axes, track)
    step = max(len(samples) // _COLUMNS, 1)
    columns = samples[: len(samples) // step * step].reshape(-1, step)
    at_s = track.begin_s + (first + step * np.arange(len(columns))) / RATE_HZ
    return at_s, columns.min(axis=1), columns.max(axis=1)


def _steps(series: Series) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The corners of a line on which each value holds until the next."""
    return np.repeat(series.at_s, 2)[1:], np.repeat(series.values, 2)[:-1]
