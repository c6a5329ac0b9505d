"""openWakeWord, which is an extra, with its own models and others."""

import sys
from importlib import resources
from pathlib import Path

import pymicro_wakeword
import pytest

from satellite.detect.open_wake import OpenEngine
from satellite.detect.wake import WakeDetector
from satellite.detect.wake_engine import WakeWordSettings
from satellite.errors import ConfigError
from tests.detect import onnx_file
from tests.detect.conftest import Recording
from tests.detect.test_wake import detect, said


@pytest.fixture
def models() -> Path:
    """Where the package keeps its models."""
    return Path(pytest.importorskip("pyopen_wakeword").__file__).parent / "models"


def load(*words: WakeWordSettings) -> WakeDetector:
    return WakeDetector(words, OpenEngine)


def test_an_extra_that_is_not_installed_is_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """By the command that installs it."""
    monkeypatch.setitem(sys.modules, "pyopen_wakeword", None)
    with pytest.raises(ConfigError, match=r"pip install 'satellite\[openwakeword\]'"):
        load(WakeWordSettings("alexa"))


def test_a_word_fires_once(models: Path, recording: Recording) -> None:
    """Next to another word, for which nothing in it counts; stamped where it ends, or up to 0.4 s later."""
    detector = load(WakeWordSettings("okay_nabu"), WakeWordSettings("alexa"))
    (heard,) = detect(detector, said(recording("tts_alexa_joe"), recording("tts_lights_joe")))
    assert heard.name == "alexa"
    assert -0.1 < heard.end_frame / 16000 - 0.5 - 1.07 < 0.4


def test_an_unknown_word_is_the_operators_fault(models: Path) -> None:
    """The message lists what there is."""
    with pytest.raises(ConfigError, match=r"'computer'.*hey_rhasspy.*model: FILE"):
        load(WakeWordSettings("computer"))


def test_a_tflite_model_of_ones_own_is_heard(models: Path, recording: Recording) -> None:
    """Under its own name."""
    (heard,) = detect(load(WakeWordSettings("computer", model=models / "alexa.tflite")), said(recording("tts_alexa_joe")))
    assert heard.name == "computer"


def test_an_onnx_model_of_ones_own_is_shown_the_embeddings(models: Path, tmp_path: Path) -> None:
    """All that the package computes of the last sounds: of those the largest number is large, and the smallest is not."""
    eager, lazy = tmp_path / "eager.onnx", tmp_path / "lazy.onnx"
    eager.write_bytes(onnx_file.largest(length=16))
    lazy.write_bytes(onnx_file.smallest(length=16))
    both = load(WakeWordSettings("eager", model=eager, threshold=10.0), WakeWordSettings("lazy", model=lazy, threshold=10.0))
    assert {heard.name for heard in detect(both, said())} == {"eager"}


def refused(path: Path, why: str) -> None:
    with pytest.raises(ConfigError, match=why) as caught:
        load(WakeWordSettings("computer", model=path))
    text = str(caught.value)
    assert text.startswith(f"wake.words: 'computer': {path}: ") and "\n" not in text


@pytest.mark.parametrize("bytes_kept", [0, 8, 1000, 50_000])
def test_a_tflite_file_that_is_cut_short_is_named(bytes_kept: int, models: Path, tmp_path: Path) -> None:
    """At whatever place, and without crashing the process."""
    path = tmp_path / "cut.tflite"
    path.write_bytes((models / "alexa.tflite").read_bytes()[:bytes_kept])
    refused(path, "not a TensorFlow Lite model, or not all of one")


def test_a_model_for_something_else_is_named(models: Path, tmp_path: Path) -> None:
    """By what it takes and gives: a microWakeWord model, the package's own first stage, a voice detector, too long a word."""
    refused(Path(pymicro_wakeword.__file__).parent / "models" / "alexa.tflite", r"it takes \(1, 3, 40\)")
    refused(models / "embedding_model.tflite", r"it takes \(1, 76, 32, 1\)")
    silero = resources.files("satellite.detect").joinpath("models", "silero_vad_16k_op15.onnx")
    path = tmp_path / "silero.onnx"
    path.write_bytes(silero.read_bytes())
    refused(path, "not a word of openWakeWord")
    path.write_bytes(onnx_file.largest(length=81))
    refused(path, r"it takes \(1, 81, 96\)")


def test_what_is_no_model_at_all_is_named(models: Path, tmp_path: Path) -> None:
    """Half a file, a text, a file of another kind, and none."""
    path = tmp_path / "half.onnx"
    whole = onnx_file.largest(length=16)
    path.write_bytes(whole[: len(whole) // 2])
    refused(path, "not an ONNX model, or not all of one")
    path.write_text("weights")
    refused(path, "not an ONNX model, or not all of one")
    text = tmp_path / "notes.txt"
    text.write_text("wake up")
    refused(text, "a .tflite or an .onnx file")
    refused(tmp_path / "none.onnx", "no such file")
