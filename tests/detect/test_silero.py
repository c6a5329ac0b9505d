import hashlib
from importlib import resources
from pathlib import Path
from typing import Literal

import numpy as np
import pytest

from satellite.audio.card import Samples
from satellite.core.units import PERIOD_FRAMES
from satellite.detect.silero import WINDOW_FRAMES, SileroVad
from satellite.errors import ConfigError
from tests.detect.conftest import Recording

MODEL_SHA256 = "7ed98ddbad84ccac4cd0aeb3099049280713df825c610a8ed34543318f1b2c49"


def judge(samples: Samples, hop_ms: Literal[16, 32] = 16, vad: SileroVad | None = None) -> dict[int, float]:
    """The probability of each window by where it ends."""
    vad = vad or SileroVad(hop_ms=hop_ms)
    judged = {}
    for start in range(0, len(samples) - PERIOD_FRAMES + 1, PERIOD_FRAMES):
        probability = vad.feed(samples[start : start + PERIOD_FRAMES])
        if probability is not None:
            judged[int(vad.window_end_frames)] = float(probability)
    return judged


def test_model_file_is_upstreams() -> None:
    """The weights are those that README.md beside them says."""
    models = resources.files("satellite.detect").joinpath("models")
    assert hashlib.sha256(models.joinpath("silero_vad_16k_op15.onnx").read_bytes()).hexdigest() == MODEL_SHA256
    assert MODEL_SHA256 in models.joinpath("README.md").read_text()


def test_speech_is_speech(recording: Recording) -> None:
    """A command reads as speech from its onset at 0.30 s to its end at 1.57 s, and the room before it does not."""
    judged = judge(recording("tts_lights_joe"))
    said = [p for end, p in judged.items() if 0.40 * 16000 < end < 1.50 * 16000]
    assert np.mean([p > 0.5 for p in said]) > 0.95
    assert max(p for end, p in judged.items() if end < 0.28 * 16000) < 0.3


def test_silence_and_noise_are_not_speech(recording: Recording) -> None:
    """Neither nothing nor a kitchen at work duck a reply."""
    assert max(judge(np.zeros(32000, np.int16)).values()) < 0.1
    assert max(judge(recording("kitchen_synth_short")).values()) < 0.5


@pytest.mark.parametrize("hop_ms", [16, 32])
def test_a_window_ends_every_hop(hop_ms: Literal[16, 32], recording: Recording) -> None:
    """No window is lost or judged twice, although windows and periods do not divide each other."""
    samples = recording("tts_stop_joe")
    fed = len(samples) // PERIOD_FRAMES * PERIOD_FRAMES
    assert list(judge(samples, hop_ms)) == list(range(WINDOW_FRAMES, fed + 1, hop_ms * 16))


def test_both_models_keep_their_own_memory(recording: Recording) -> None:
    """The windows of the first of two interleaved models are those of a model on its own."""
    samples = recording("tts_stop_joe")
    twice, once = judge(samples, 16), judge(samples, 32)
    assert once
    assert all(twice[end] == once[end] for end in once)


def test_delayed_sound_is_judged_alike(recording: Recording) -> None:
    """Where in a period a word begins makes no difference to whether it is heard."""
    samples = recording("tts_stop_joe")
    for delay in (37, 100, 201):
        judged = judge(np.concatenate([np.zeros(delay, np.int16), samples]))
        assert sum(p > 0.5 for p in judged.values()) >= 26


def test_reset_forgets(recording: Recording) -> None:
    """After a reset the same sound gives the same probabilities at the same places."""
    vad = SileroVad()
    before = judge(recording("tts_stop_joe"), vad=vad)
    vad.reset()
    assert judge(recording("tts_stop_joe"), vad=vad) == before


def test_unusable_model_is_the_operators_fault(tmp_path: Path) -> None:
    """A wrong path and a file that is no model name the setting."""
    rubbish = tmp_path / "model.onnx"
    rubbish.write_bytes(b"not a model")
    for path in (rubbish, tmp_path / "missing.onnx"):
        with pytest.raises(ConfigError, match=r"vad\.model"):
            SileroVad(path)
