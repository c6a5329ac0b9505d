"""Who watches is told how far the bench is; and what cannot be written is told before anything is played."""

import io
import sys
from pathlib import Path

import pytest

from satellite.bench import command
from satellite.bench.corpus import DEFAULT_CORPUS, Half
from satellite.bench.pool import play_all
from satellite.cli import EXIT_CONFIG, main
from satellite.core.sensitivity import Sensitivity
from tests.bench.played import ALONE, USER


class _Screen(io.StringIO):
    """A terminal, which keeps what it was sent."""

    def isatty(self) -> bool:
        """It is one."""
        return True


def test_a_terminal_is_told_how_far_it_is_and_left_clean(monkeypatch: pytest.MonkeyPatch) -> None:
    """The last bar is full; then the line is blank. Scenes come back in their order."""
    screen = _Screen()
    monkeypatch.setattr(sys, "stderr", screen)
    played, sound_s = play_all([USER, ALONE], DEFAULT_CORPUS, Half.ALL, Sensitivity.NORMAL, jobs=1, with_others=False)
    assert [one.scene for one in played] == [USER, ALONE]
    assert sound_s > 15.0
    *_, last, blank, end = screen.getvalue().split("\r")
    assert last.startswith(f"[{'#' * 30}] 2 of 2 scenes, 0:00 left")
    assert (blank.strip(), end) == ("", "")


def test_what_cannot_be_written_is_told_before_a_scene_is_played(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Each of the three files that it may be asked for; and what can be is not left behind empty."""

    def never(*_: object) -> None:
        raise AssertionError("a scene is played")

    monkeypatch.setattr(command, "play_all", never)
    for option in ("--json", "--report", "--plot"):
        assert main(["bench", option, str(tmp_path / "none" / "it")]) == EXIT_CONFIG
        assert f"cannot write {tmp_path / 'none' / 'it'}: No such file" in capsys.readouterr().err
    assert main(["bench", "--list", "--group", "limiter", "--json", str(tmp_path / "it")]) == 0
    assert list(tmp_path.iterdir()) == []
