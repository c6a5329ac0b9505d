"""microWakeWord models of one's own, and files that only say they are."""

import json
import shutil
from pathlib import Path
from typing import Any

import pymicro_wakeword
import pytest

from satellite.detect.wake import WakeDetector
from satellite.detect.wake_engine import WakeWordSettings
from satellite.errors import ConfigError
from tests.detect.conftest import Recording
from tests.detect.test_wake import detect, said

_MODELS = Path(pymicro_wakeword.__file__).parent / "models"


@pytest.fixture
def model(tmp_path: Path) -> Path:
    """A model of one's own: the one for alexa under another name."""
    config = json.loads((_MODELS / "alexa.json").read_text())
    shutil.copy(_MODELS / config["model"], tmp_path / "computer.tflite")
    return write(tmp_path / "computer.json", config | {"model": "computer.tflite"})


def write(path: Path, config: dict[str, Any]) -> Path:
    path.write_text(json.dumps(config))
    return path


def load(path: Path, threshold: float | None = None) -> WakeDetector:
    return WakeDetector([WakeWordSettings("computer", threshold, model=path)])


@pytest.mark.parametrize("suffix", [".json", ".tflite"])
def test_a_model_of_ones_own_is_heard_under_its_own_name(suffix: str, model: Path, recording: Recording) -> None:
    """Either of its two files may be named, and its own cut-off holds."""
    (heard,) = detect(load(model.with_suffix(suffix)), said(recording("tts_alexa_joe")))
    assert heard.name == "computer"
    write(model, json.loads(model.read_text()) | {"micro": {"probability_cutoff": 0.9999, "sliding_window_size": 5}})
    assert detect(load(model), said(recording("tts_alexa_joe"))) == []


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"model": "other.tflite"}, "names other.tflite, which is not there"),
        ({"model": 5}, "not the .json file of a microWakeWord model"),
        ({"micro": {}}, "probability_cutoff"),
        ({"micro": {"probability_cutoff": 9, "sliding_window_size": 5}}, "probability_cutoff"),
        ({"micro": {"probability_cutoff": 0.9, "sliding_window_size": 5, "feature_step_size": 20}}, "features every 20 ms"),
    ],
)
def test_a_config_that_lies_is_named(change: dict[str, Any], said: str, model: Path) -> None:
    """In one line that names the word, the file and the fault."""
    write(model, json.loads(model.read_text()) | change)
    refused(model, said)


@pytest.mark.parametrize("bytes_kept", [0, 8, 1000, 50_000])
def test_weights_that_are_cut_short_are_named(bytes_kept: int, model: Path) -> None:
    """At whatever place, and without crashing the process."""
    weights = model.with_suffix(".tflite")
    weights.write_bytes(weights.read_bytes()[:bytes_kept])
    refused(model, "not a TensorFlow Lite model, or not all of one")


def test_what_is_no_model_at_all_is_named(model: Path, tmp_path: Path) -> None:
    """A text, a missing file, and a model that hears something else."""
    text = tmp_path / "notes.json"
    text.write_text("wake up")
    refused(text, "not the .json file of a microWakeWord model")
    refused(tmp_path / "none.json", "No such file")
    model.with_suffix(".tflite").write_text("weights")
    refused(model, "not a TensorFlow Lite model")


def test_a_model_for_other_sounds_is_named(model: Path) -> None:
    """A word of openWakeWord takes other features."""
    package = pytest.importorskip("pyopen_wakeword")
    shutil.copy(Path(package.__file__).parent / "models" / "alexa.tflite", model.with_suffix(".tflite"))
    refused(model, r"not a microWakeWord model: it takes \(1, 16, 96\)")


def refused(path: Path, why: str) -> None:
    with pytest.raises(ConfigError, match=why) as caught:
        load(path)
    text = str(caught.value)
    assert text.startswith(f"wake.words: 'computer': {path}: ") and "\n" not in text
