"""The configuration file: its example, and what it says when it is wrong."""

from pathlib import Path

import pytest

from satellite.cli import EXIT_CONFIG, main
from satellite.config import Config, load_config
from satellite.errors import ConfigError

EXAMPLE = Path(__file__).parents[1] / "config.example.yaml"


def test_the_example_holds_the_defaults() -> None:
    """Every key of the example has the value that leaving it out gives."""
    assert load_config(EXAMPLE) == Config()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("audio: {queue_ms: 500}", "queue_ms"),
        ("hub: {prot: 1}", "prot"),
        ("barge_in: {allow: shouting}", "allow"),
        ("audio: {reference: channel five}", "reference"),
        ("name: [", "not YAML"),
    ],
)
def test_a_mistake_is_named(tmp_path: Path, text: str, said: str) -> None:
    """A wrong range, an unknown key, a wrong word and broken YAML are told with the file and the key."""
    path = tmp_path / "config.yaml"
    path.write_text(text)
    with pytest.raises(ConfigError, match=said) as caught:
        load_config(path)
    assert str(path) in str(caught.value)


@pytest.mark.parametrize(
    ("text", "channel"), [("reference: channel 5", 5), ("reference: playback", None), ("queue_ms: 20", None)]
)
def test_the_reference_is_playback_or_a_channel(tmp_path: Path, text: str, channel: int | None) -> None:
    """As one would write it, without quotes or braces."""
    path = tmp_path / "config.yaml"
    path.write_text(f"audio:\n  {text}\n")
    assert load_config(path).audio.reference_channel == channel


def test_a_file_that_is_missing_ends_with_the_code_systemd_knows(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The command exits with 78 and one line."""
    assert main(["run", "--config", str(tmp_path / "none.yaml")]) == EXIT_CONFIG
    assert "No such file" in capsys.readouterr().err
