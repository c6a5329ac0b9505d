"""The picture of one scene."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from satellite.bench.scene import Kind, Scene, When
from satellite.bench.view import Marks, SceneView, told
from satellite.core.units import RATE_HZ
from satellite.demo.scene import Series, Track
from tests.bench.made_up import scene

SECONDS = 6
NOISE = np.random.default_rng(1).integers(-9000, 9000, SECONDS * RATE_HZ).astype(np.int16)
PERIODS_S = np.arange(0.0, SECONDS, 0.01)
NOTHING = Series(np.zeros(0), np.zeros(0))

VIEW = SceneView(
    title="user-1: silent in 170 ms",
    lines=("user (SER -10 dB)", "Room " + "rooms/" * 40, "Latency 7 ms"),
    heard=Track(0.0, NOISE),
    near=Track(0.0, NOISE // 4),
    given=Track(0.0, NOISE),
    gain=Series(PERIODS_S, (PERIODS_S < 3.0).astype(np.float64)),
    probability=Series(PERIODS_S, np.abs(np.sin(PERIODS_S))),
    near_end=Series(PERIODS_S, 100.0 * np.cos(PERIODS_S)),
    duck_probability=0.5,
    near_end_db=15.0,
    marks=Marks(onset_s=3.0, ducked_s=3.08, held_s=3.16, silent_s=3.17, committed_s=3.7),
)


def _drawn(view: SceneView, path: Path) -> NDArray[np.float64]:
    """The picture as shades from 0 (black) to 1, a row of pixels each."""
    image = pytest.importorskip("matplotlib.image")
    from satellite.bench.plot import draw_scene

    draw_scene(view, path)
    pixels: NDArray[np.float64] = image.imread(path)[:, :, :3].mean(axis=2)
    return pixels


def test_the_picture_has_ink_from_top_to_bottom(tmp_path: Path) -> None:
    """An upright page, nowhere empty for long, nothing of which is cut off at its side."""
    pixels = _drawn(VIEW, tmp_path / "scene.png")
    height, width = pixels.shape
    assert 1000 <= width <= 2000
    assert width < height < 2 * width
    inked_rows = np.flatnonzero((pixels < 0.8).any(axis=1))
    assert inked_rows[0] < 0.05 * height
    assert inked_rows[-1] > 0.95 * height
    assert np.diff(inked_rows).max() < 0.05 * height
    assert not (pixels[:, -4:] < 0.8).any()


def test_what_happened_is_what_is_drawn(tmp_path: Path) -> None:
    """In the lower half, the closer look."""
    pixels = _drawn(VIEW, tmp_path / "one.png")
    later = _drawn(replace(VIEW, marks=replace(VIEW.marks, committed_s=3.9)), tmp_path / "other.png")
    rows = np.flatnonzero((pixels != later).any(axis=1))
    assert len(rows) and rows[0] > len(pixels) * 0.4


def test_where_nothing_happened_there_is_nothing_to_look_at_closely(tmp_path: Path) -> None:
    """A shorter page."""
    whole = _drawn(VIEW, tmp_path / "one.png")
    assert len(_drawn(replace(VIEW, marks=Marks()), tmp_path / "two.png")) < 0.6 * len(whole)


@pytest.mark.parametrize(
    "marks",
    [Marks(onset_s=3.0), Marks(ducked_s=3.0, resumed_s=5.5), Marks(onset_s=0.0, committed_s=5.9)],
    ids=["nobody heard", "false duck", "late"],
)
def test_any_scene_can_be_drawn(marks: Marks, tmp_path: Path) -> None:
    """Whatever came of it."""
    assert (_drawn(replace(VIEW, marks=marks), tmp_path / "scene.png") < 0.8).any()


def test_a_scene_that_broke_off_at_once_can_be_drawn(tmp_path: Path) -> None:
    """Nothing was heard."""
    nothing = Track(0.0, NOISE[:0])
    view = replace(VIEW, heard=nothing, near=nothing, given=nothing, gain=NOTHING, probability=NOTHING, near_end=NOTHING)
    assert (_drawn(replace(view, marks=Marks()), tmp_path / "scene.png") < 0.8).any()


def test_without_an_onset_what_came_first_is_where_it_begins() -> None:
    """And without anything nowhere."""
    assert VIEW.marks.begin_s == 3.0
    assert Marks(silent_s=2.0, ducked_s=1.5).begin_s == 1.5
    assert Marks().begin_s is None


def test_a_scene_is_told_in_lines() -> None:
    """What is as it usually is goes without saying."""
    plain: Scene = scene(Kind.ECHO, "echo only", 7)
    assert told(plain) == ("echo (echo only), answer 2, seed 7", "Room rooms/a.wav", "Latency 7 ms")
    odd = scene(
        Kind.USER,
        "TV on",
        8,
        clip="a/stop.wav",
        ser_db=-12.5,
        replies=3,
        when=When.FIRST,
        noise="n/tv.wav",
        snr_db=10.0,
        ppm=100.0,
        thd=0.05,
        limiter=True,
        path_changes=((3.0, None), (5.5, 10.0)),
        warm_up=False,
    )
    assert told(odd) == (
        "user (TV on), a/stop.wav, SER -12.5 dB, answer 3, seed 8",
        "Room rooms/a.wav, talker at 2 m",
        "They begin in its first 300 ms",
        "Noise n/tv.wav, SNR 10 dB",
        "Latency 7 ms, drift 100 ppm, distortion 5 % at -6 dBFS, limiter, at 3 s another path, at 5.5 s path +10 dB, no warm-up",
    )
