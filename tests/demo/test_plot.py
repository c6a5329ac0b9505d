"""The picture of the demo, and its command."""

import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from satellite.cli import EXIT_CONFIG, main
from satellite.core.state import State
from satellite.core.units import RATE_HZ
from satellite.demo.recorder import Mark
from satellite.demo.scene import Scene, Series, Track, Words
from satellite.demo.story import BargeIn

SECONDS = 6
NOISE = np.random.default_rng(1).integers(-9000, 9000, SECONDS * RATE_HZ).astype(np.int16)
PERIODS_S = np.arange(0.0, SECONDS, 0.01)

BARGE_IN = BargeIn("Stop.", 3 * RATE_HZ, 80.0, 170.0, 172.0, 700.0, 702.0, 290.0, 0.0)
SCENE = Scene(
    heard=Track(0.0, NOISE),
    user=Track(0.0, NOISE // 4),
    cone=Track(0.0, NOISE),
    words=(Words('"Stop."', 3.0, 3.4),),
    states=((0.0, State.OFFLINE), (0.1, State.IDLE), (1.0, State.SPEAKING), (3.2, State.HELD), (3.7, State.LISTENING)),
    marks=((3.2, Mark.PROVISIONAL), (3.7, Mark.CONFIRMED), (3.7, Mark.RUN)),
    probability=Series(PERIODS_S, np.abs(np.sin(PERIODS_S))),
    near_end=Series(PERIODS_S, 100.0 * np.abs(np.cos(PERIODS_S))),
    gain=Series(PERIODS_S, (PERIODS_S < 3.0).astype(np.float64)),
    ser_db=-10.0,
    barge_in=BARGE_IN,
    onset_s=3.0,
)
SILENCE = Series(np.zeros(0), np.zeros(0))


def _drawn(scene: Scene, path: Path) -> NDArray[np.float64]:
    """The picture as shades from 0 (black) to 1, a row of pixels each."""
    image = pytest.importorskip("matplotlib.image")
    from satellite.demo.plot import draw

    draw(scene, path)
    assert path.read_bytes().startswith(b"\x89PNG")
    pixels: NDArray[np.float64] = image.imread(path)[:, :, :3].mean(axis=2)
    return pixels


def test_the_picture_has_ink_from_top_to_bottom(tmp_path: Path) -> None:
    """An upright page, nowhere empty for long."""
    pixels = _drawn(SCENE, tmp_path / "demo.png")
    height, width = pixels.shape
    assert 1000 <= width <= 2000
    assert width < height < 2 * width
    inked_rows = np.flatnonzero((pixels < 0.8).any(axis=1))
    assert inked_rows[0] < 0.05 * height
    assert inked_rows[-1] > 0.95 * height
    assert np.diff(inked_rows).max() < 0.05 * height


def test_another_scene_is_another_picture(tmp_path: Path) -> None:
    """What is measured is what is drawn."""
    pixels = _drawn(SCENE, tmp_path / "one.png")
    later = _drawn(replace(SCENE, barge_in=replace(BARGE_IN, confirmed_ms=1000.0)), tmp_path / "other.png")
    rows = np.flatnonzero((pixels != later).any(axis=1))
    assert len(rows) and rows[0] > len(pixels) / 2, "the closer look, which is the lower half, and nothing above it"


def test_a_story_that_broke_off_early_can_be_drawn(tmp_path: Path) -> None:
    """Nobody was interrupted, nothing was said, the satellite never started."""
    nothing = Track(0.0, NOISE[:0])
    early = Scene(nothing, nothing, nothing, (), ((0.0, State.OFFLINE),), (), SILENCE, SILENCE, SILENCE, ser_db=-10.0)
    assert (_drawn(early, tmp_path / "demo.png") < 0.8).any()
    brief = replace(SCENE, barge_in=BargeIn("Stop.", 3 * RATE_HZ), marks=(), words=())
    assert (_drawn(brief, tmp_path / "demo.png") < 0.8).any()


def test_without_its_library_the_demo_says_how_to_install_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Before the story is told, and not after."""
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    assert main(["demo", "--plot", str(tmp_path / "demo.png")]) == EXIT_CONFIG
    out, err = capsys.readouterr()
    assert out == ""
    assert err == "satellite: --plot needs matplotlib, which is not installed: pip install 'satellite[plot]'\n"
    assert list(tmp_path.iterdir()) == []


def test_a_picture_that_cannot_be_written_is_refused_before_the_demo(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A folder that does not exist."""
    pytest.importorskip("matplotlib")
    path = tmp_path / "nowhere" / "demo.png"
    assert main(["demo", "--plot", str(path)]) == EXIT_CONFIG
    out, err = capsys.readouterr()
    assert (out, err) == ("", f"satellite: --plot: cannot write {path}: No such file or directory\n")
