"""microWakeWord: a decision every 30 ms, at 0.2 % of a core; models under Apache-2.0 come with its package."""

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import msgspec
from msgspec import Meta
from pymicro_wakeword import MicroWakeWord, MicroWakeWordFeatures, Model

from satellite.audio.card import Samples
from satellite.detect.tflite import INT8, UINT8, tensors
from satellite.detect.wake_engine import WakeWordSettings, cannot_use, no_model

# what the front end of the package gives: so many numbers every so many milliseconds
_FEATURES = 40
_FEATURE_STEP_MS = 10


class _Parameters(msgspec.Struct):
    probability_cutoff: Annotated[float, Meta(gt=0.0, lt=1.0)]
    sliding_window_size: Annotated[int, Meta(ge=1, le=1000)]
    feature_step_size: int = _FEATURE_STEP_MS


class _ModelFile(msgspec.Struct):
    """What we need of a model's JSON file, version 2."""

    model: str
    wake_word: str
    micro: _Parameters


class MicroEngine:
    """A WakeEngine. ConfigError for a word there is no model for, and for a file that is none."""

    def __init__(self, words: Sequence[WakeWordSettings]) -> None:
        self._features = MicroWakeWordFeatures()
        self._models = [_load(word) for word in words]

    @property
    def cutoffs(self) -> Sequence[float]:
        """The models' own thresholds, in the order of the words."""
        return [model.probability_cutoff for model in self._models]

    def process(self, samples: Samples) -> Sequence[tuple[int, float]]:
        """The decisions that became due with these samples: which word, and its score from 0 to 1."""
        scores = []
        for features in self._features.process_streaming(samples.tobytes()):
            for index, model in enumerate(self._models):
                score = model.process_streaming_prob(features)
                if score is not None:
                    scores.append((index, score))
        return scores


def _load(word: WakeWordSettings) -> MicroWakeWord:
    if word.model is not None:
        return _load_file(word, word.model)
    try:
        return MicroWakeWord.from_builtin(Model(word.name))
    except ValueError:
        raise no_model(word, [model.value for model in Model]) from None


def _load_file(word: WakeWordSettings, path: Path) -> MicroWakeWord:
    # people name either of the two files that make a model
    config = path.with_suffix(".json") if path.suffix == ".tflite" else path
    try:
        parsed = msgspec.json.decode(config.read_bytes(), type=_ModelFile)
    except OSError as error:
        raise cannot_use(
            word, f"{config.name}: {error.strerror}; a model is a .json file and the .tflite file it names"
        ) from None
    # msgspec's own, and text that is not UTF-8
    except ValueError as error:
        raise cannot_use(word, f"not the .json file of a microWakeWord model: {error}") from None
    if parsed.micro.feature_step_size != _FEATURE_STEP_MS:
        raise cannot_use(word, f"made for features every {parsed.micro.feature_step_size} ms; only {_FEATURE_STEP_MS} are taken")
    weights = config.parent / parsed.model
    if not weights.is_file():
        raise cannot_use(word, f"it names {parsed.model}, which is not there")
    # any model carries the handle of the library
    found = tensors(MicroWakeWord.from_builtin(Model.OKAY_NABU).lib, weights)
    if found is None:
        raise cannot_use(word, f"{parsed.model} is not a TensorFlow Lite model, or not all of one")
    sound, score = found
    fits = len(sound.shape) == 3 and sound.shape[0] == 1 and sound.shape[2] == _FEATURES and score.size == 1
    if not fits or {sound.type, score.type} - {INT8, UINT8}:
        raise cannot_use(word, f"{parsed.model} is not a microWakeWord model: it takes {sound.shape} and gives {score.shape}")
    return MicroWakeWord.from_config(config)
