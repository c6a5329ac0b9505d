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
        ("name: [", "not YAML"),
        ("wake: {words: [alexa, {name: alexa}]}", "'alexa' is there twice"),
        ("wake: {words: []}", "words"),
        ("wake: {words: [{name: computer, modle: x}]}", "modle"),
        ("wake: {engine: porcupine}", "engine"),
        ("wake: {uri: 'http://example.org:80'}", "uri"),
        ("wake: {uri: 'tcp://host'}", "uri"),
        ("wake: {uri: 'tcp://host:10400', listen: always}", "not by both"),
        ("wake: {uri: 'tcp://host:10400', threshold: 0.5}", "thresholds of its own"),
        ("wake: {vad_gate: true}", "nothing is streamed"),
    ],
)
def test_a_mistake_is_named(tmp_path: Path, text: str, said: str) -> None:
    """A wrong range, an unknown key, a wrong word and broken YAML are told with the file and the key."""
    path = tmp_path / "config.yaml"
    path.write_text(text)
    with pytest.raises(ConfigError, match=said) as caught:
        load_config(path)
    assert str(path) in str(caught.value)


def test_a_file_that_is_missing_ends_with_the_code_systemd_knows(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The command exits with 78 and one line."""
    assert main(["run", "--config", str(tmp_path / "none.yaml")]) == EXIT_CONFIG
    assert "No such file" in capsys.readouterr().err


def test_a_word_may_have_its_own_settings(tmp_path: Path) -> None:
    """What a word does not say holds for all of them."""
    path = tmp_path / "config.yaml"
    path.write_text("wake: {threshold: 0.6, words: [alexa, {name: computer, threshold: 0.9, refractory_ms: 900, model: c.json}]}")
    alexa, computer = load_config(path).wake.each
    assert (alexa.name, alexa.threshold, alexa.refractory_ms, alexa.model_path) == ("alexa", 0.6, 1500, None)
    assert (computer.name, computer.threshold, computer.refractory_ms) == ("computer", 0.9, 900)
    assert computer.model_path == Path("c.json")
