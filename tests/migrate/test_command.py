"""The command: what it reads, where it writes, and how it ends."""

import io
from pathlib import Path

import pytest

from satellite.cli import EXIT_CONFIG, main
from satellite.config import load_config

UNIT = Path(__file__).parent / "data" / "2mic.service"
MIC = "arecord -D plughw:1 -r 16000 -c 1 -f S16_LE -t raw"
LINE = f"script/run --name 'a b' --uri tcp://0.0.0.0:10700 --mic-command '{MIC}'"


def test_a_unit_becomes_a_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Everything was carried over; what is good to know is told."""
    file = tmp_path / "config.yaml"
    assert main(["migrate", str(UNIT), "-o", str(file)]) == 0
    assert load_config(file, {}).audio.speaker == "plughw:CARD=seeed2micvoicec,DEV=0"
    told = capsys.readouterr()
    assert told.out == ""
    assert "satellite: --wake-uri: kept" in told.err
    assert f"next: satellite check -c {file}" in told.err


@pytest.mark.parametrize("source", [[LINE], ["--", "script/run", "--name", "a b", "--mic-command", MIC]])
def test_a_line_is_given_as_it_is(capsys: pytest.CaptureFixture[str], source: list[str]) -> None:
    """In quotes, or behind two dashes; the file goes to the standard output."""
    assert main(["migrate", *source]) == 0
    assert "name: a b " in capsys.readouterr().out


def test_a_unit_may_come_from_the_standard_input(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """As `systemctl cat` has it."""
    monkeypatch.setattr("sys.stdin", io.StringIO(UNIT.read_text("utf-8")))
    assert main(["migrate", "-"]) == 0
    assert "name: my satellite" in capsys.readouterr().out


def test_what_has_no_equal_is_told_and_the_file_is_written_all_the_same(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """With a code that a script can see."""
    file = tmp_path / "config.yaml"
    assert main(["migrate", f"{LINE} --wake-command x", "-o", str(file)]) == 1
    assert "satellite: not carried over: --wake-command: no program is started" in capsys.readouterr().err
    assert "# - --wake-command: no program is started" in file.read_text()


@pytest.mark.parametrize("source", ["--uri tcp://x:1 --name y", "script/run --name 'x --mic-uri y", "no/such/file", "\0"])
def test_what_cannot_be_understood_writes_nothing(tmp_path: Path, source: str) -> None:
    """It is the operator's mistake."""
    file = tmp_path / "config.yaml"
    assert main(["migrate", source, "-o", str(file)]) == EXIT_CONFIG
    assert not file.exists()


def test_a_file_is_never_overwritten_by_itself(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A link that leads nowhere is one, too."""
    file, link = tmp_path / "config.yaml", tmp_path / "link"
    file.write_text("name: mine\n")
    link.symlink_to(tmp_path / "nowhere")
    for path in (file, link):
        assert main(["migrate", LINE, "-o", str(path)]) == EXIT_CONFIG
        assert f"{path} is there already; --force replaces it" in capsys.readouterr().err
    assert file.read_text() == "name: mine\n"
    assert main(["migrate", LINE, "-o", str(file), "--force"]) == 0
    assert load_config(file, {}).name == "a b"


def test_a_file_that_is_too_large_is_none_of_these(tmp_path: Path) -> None:
    """Nor is a place that cannot be written to a reason for a traceback."""
    large = tmp_path / "large"
    large.write_bytes(b"#" * 70_000)
    assert main(["migrate", str(large)]) == EXIT_CONFIG
    assert main(["migrate", LINE, "-o", str(tmp_path / "no" / "config.yaml")]) == EXIT_CONFIG
