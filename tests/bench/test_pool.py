"""Who watches is told how far the bench is; and what cannot be written is told before anything is played."""

import io
import os
import subprocess
import sys
from pathlib import Path

import pytest

from satellite.bench import command, pool
from satellite.bench.corpus import DEFAULT_CORPUS, Half
from satellite.bench.outcome import Played
from satellite.bench.pool import play_all
from satellite.bench.scene import Scene
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


def test_who_gives_up_leaves_a_clean_line(monkeypatch: pytest.MonkeyPatch) -> None:
    """After the first of two scenes, whose bar is there by then."""
    screen = _Screen()
    monkeypatch.setattr(sys, "stderr", screen)

    def given_up(scene: Scene, *_: object) -> tuple[Played, float]:
        if scene is ALONE:
            raise KeyboardInterrupt
        return Played(scene, {}), 1.0

    monkeypatch.setattr(pool, "play", given_up)
    with pytest.raises(KeyboardInterrupt):
        play_all([USER, ALONE], DEFAULT_CORPUS, Half.ALL, Sensitivity.NORMAL, jobs=1, with_others=False)
    *_, last, blank, end = screen.getvalue().split("\r")
    assert last.startswith("[###############               ] 1 of 2 scenes")
    assert (blank.strip(), end) == ("", "")


# what a terminal does to all of its processes, typed twice: each of the two workers runs this too, before anything else
INTERRUPTED = """
import os, signal, sys
from satellite.cli import main
if __name__ == "__main__":
    sys.exit(main(["bench", "--group", "user SER", "--ours-only", "--jobs", "2"]))
os.killpg(0, signal.SIGINT)
"""


def test_an_interrupt_while_the_workers_start_ends_the_bench_quietly(tmp_path: Path) -> None:
    """With the code of an interrupted command, and without a word; neither a worker nor the pool dies of it."""
    script = tmp_path / "interrupted.py"
    script.write_text(INTERRUPTED)
    root = Path(__file__).parents[2]
    environment = {**os.environ, "PYTHONPATH": str(root)}
    ended = subprocess.run(
        [sys.executable, script], env=environment, start_new_session=True, capture_output=True, text=True, timeout=60, check=False
    )
    assert (ended.returncode, ended.stdout, ended.stderr) == (130, "", "")


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
