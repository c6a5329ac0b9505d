"""openWakeWord, by pyopen-wakeword: a decision every 80 ms; its models are CC BY-NC-SA 4.0, so it is an extra.

Mel spectrogram and embedding are networks of the package. A word is a small network on top: one of the package's, a .tflite
file, or an .onnx file, which onnxruntime runs. So custom models need no `openwakeword` package, which does not install on
Python 3.12 and newer; the scores are the same (hey_jarvis: 0.998 here, 0.997 there).
"""

from __future__ import annotations

import importlib
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from satellite.audio.card import Samples
from satellite.core.units import PERIOD_FRAMES
from satellite.detect.onnx import open_session
from satellite.detect.tflite import FLOAT32, tensors
from satellite.detect.wake_engine import WakeWordSettings, cannot_use, no_model
from satellite.errors import ConfigError

# the models have none of their own; openWakeWord's default
_CUTOFF = 0.5

# length of an embedding
_FEATURES = 96

# the package keeps ten seconds of embeddings, and waits for ever for more
_MOST_EMBEDDINGS = 80


class _Word(Protocol):
    def process_streaming(self, embeddings: NDArray[np.float32]) -> Iterable[float]: ...


class OpenEngine:
    """A WakeEngine. ConfigError if the extra is not installed, for an unknown word, and for a file that is no model."""

    def __init__(self, words: Sequence[WakeWordSettings]) -> None:
        try:
            package = importlib.import_module("pyopen_wakeword")
        except ImportError:
            raise ConfigError(
                "wake.engine: `open` needs pyopen-wakeword, which is not installed: pip install 'satellite[openwakeword]'"
            ) from None
        self._features = package.OpenWakeWordFeatures.from_builtin()
        self._words: list[_Word] = [_load(package, self._features.lib, word) for word in words]
        # the first samples bring eight seconds of silence before them, 0.4 s of work: not when the stream has begun
        self.process(np.zeros(PERIOD_FRAMES, np.int16))

    @property
    def cutoffs(self) -> Sequence[float]:
        """The models' own thresholds, in the order of the words."""
        return [_CUTOFF] * len(self._words)

    def process(self, samples: Samples) -> Sequence[tuple[int, float]]:
        """The decisions that became due with these samples: which word, and its score from 0 to 1."""
        scores = []
        for embeddings in self._features.process_streaming(samples.tobytes()):
            for index, word in enumerate(self._words):
                scores += [(index, score) for score in word.process_streaming(embeddings)]
        return scores


class _OnnxWord:
    """A word model that onnxruntime runs on the last embeddings."""

    def __init__(self, session: Any, length: int) -> None:
        self._session = session
        self._input = session.get_inputs()[0].name
        self._embeddings = np.zeros((1, length, _FEATURES), np.float32)

    def process_streaming(self, embeddings: NDArray[np.float32]) -> Iterable[float]:
        for embedding in embeddings[0, 0]:
            self._embeddings[0, :-1] = self._embeddings[0, 1:]
            self._embeddings[0, -1] = embedding
            yield float(self._session.run(None, {self._input: self._embeddings})[0].item())


def _load(package: Any, lib: Any, word: WakeWordSettings) -> _Word:
    loaded: _Word
    if word.model is None:
        try:
            loaded = package.OpenWakeWord.from_builtin(package.Model(word.name))
        except ValueError:
            raise no_model(word, [model.value for model in package.Model]) from None
        return loaded
    if not word.model.is_file():
        raise cannot_use(word, "no such file")
    match word.model.suffix:
        case ".tflite":
            _check_tflite(word, lib, word.model)
            loaded = package.OpenWakeWord.from_model(word.model)
            return loaded
        case ".onnx":
            return _load_onnx(word, word.model)
        case _:
            raise cannot_use(word, "a model of openWakeWord is a .tflite or an .onnx file")


def _check_tflite(word: WakeWordSettings, lib: Any, path: Path) -> None:
    found = tensors(lib, path)
    if found is None:
        raise cannot_use(word, "not a TensorFlow Lite model, or not all of one")
    sound, score = found
    if not _fits(sound.shape) or score.size != 1 or {sound.type, score.type} != {FLOAT32}:
        raise _no_word(word, sound.shape, score.shape)


def _load_onnx(word: WakeWordSettings, path: Path) -> _OnnxWord:
    try:
        session = open_session(path.read_bytes())
    except OSError as error:
        raise cannot_use(word, str(error.strerror)) from None
    except ValueError as error:
        raise cannot_use(word, f"not an ONNX model, or not all of one: {error}") from None
    inputs, outputs = session.get_inputs(), session.get_outputs()
    sound, score = tuple(inputs[0].shape), tuple(outputs[0].shape)
    if len(inputs) != 1 or inputs[0].type != "tensor(float)" or not _fits(sound) or any(n != 1 for n in score[1:]):
        raise _no_word(word, sound, score)
    return _OnnxWord(session, sound[1])


def _fits(shape: Sequence[int | str]) -> bool:
    """Takes embeddings, one window of them at a time or any number of windows."""
    match shape:
        case [1 | str(), int(length), int(features)]:
            return 1 <= length <= _MOST_EMBEDDINGS and features == _FEATURES
        case _:
            return False


def _no_word(word: WakeWordSettings, sound: Sequence[object], score: Sequence[object]) -> ConfigError:
    return cannot_use(word, f"not a word of openWakeWord: it takes {tuple(sound)} and gives {tuple(score)}")
