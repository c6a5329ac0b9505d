"""`satellite bench`, as it is typed."""

import json
from pathlib import Path

import pytest

from satellite.cli import EXIT_CONFIG, main

# one user and one session
FEW = ("bench", "--group", "limiter")


def test_scenes_are_listed_and_not_played(capsys: pytest.CaptureFixture[str]) -> None:
    """A line each, with all that makes it."""
    assert main(["bench", "--list", "--group", "limiter"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 2
    assert all("limiter=True" in line and "seed=" in line for line in lines)


def test_the_cores_make_no_difference_and_what_is_saved_is_told_again(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The same JSON from one process and from two; the same tables from the JSON."""
    one, two = tmp_path / "one.json", tmp_path / "two.json"
    assert main([*FEW, "--ours-only", "--jobs", "1", "--json", str(one)]) == 0
    assert main([*FEW, "--ours-only", "--jobs", "2", "--json", str(two)]) == 0
    assert one.read_bytes() == two.read_bytes()
    played = json.loads(one.read_text())["played"]
    assert [scene["scene"]["group"] for scene in played] == ["limiter", "limiter"]
    told = capsys.readouterr()
    assert told.err == "", "nobody watches, so no bar is drawn"
    assert main(["bench", "--from", str(one)]) == 0
    assert capsys.readouterr().out.strip() in told.out


def test_every_rule_is_judged(tmp_path: Path) -> None:
    """Ours, others with their own thresholds and swept; the probe only where the scene's number has its turn."""
    saved = tmp_path / "all.json"
    assert main(["bench", "--group", "user limiter", "--jobs", "1", "--json", str(saved)]) == 0
    (played,) = json.loads(saved.read_text())["played"]
    names = set(played["outcomes"])
    assert {"ours"} < names and sum("@" in name for name in names) > 50
    assert any("livekit" in name.lower() for name in names) and any("pipecat" in name.lower() for name in names)


def test_one_scene_is_looked_at(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Its line, what came of it, and a picture."""
    picture = tmp_path / "scene.png"
    assert main(["bench", "--scene", "00001", "--plot", str(picture)]) == 0
    told = capsys.readouterr().out
    assert told.startswith("00001  user  'SER +0 dB'")
    assert "silent_ms" in told
    assert picture.read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--group", "nothing like it"], "no scene of the suite is meant"),
        (["--corpus", "/nowhere"], "no corpus in /nowhere"),
        (["--half", "held-out"], "--half held-out: there are no rooms (kind rir"),
        (["--json", "/nowhere/at/all.json"], "cannot write /nowhere/at/all.json"),
        (["--from", "/nowhere/at/all.json"], "cannot read"),
    ],
)
def test_what_cannot_be_done_is_told_at_once(arguments: list[str], said: str, capsys: pytest.CaptureFixture[str]) -> None:
    """And nothing is played."""
    assert main(["bench", *arguments]) in (1, EXIT_CONFIG)
    assert said in capsys.readouterr().err
