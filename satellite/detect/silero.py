"""Silero voice activity detection: 10 ms of sound in, the probability of speech out."""

from __future__ import annotations

from functools import cache
from importlib import resources
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from satellite.audio.card import Samples
from satellite.core.units import PERIOD_FRAMES, RATE_HZ, Frames, Probability, frames
from satellite.detect.onnx import open_session
from satellite.errors import ConfigError

# the model was trained on windows of this length at 16 kHz and takes no other
WINDOW_FRAMES = 512

# upstream puts the end of the window before in front of each window; without it the probabilities are wrong
CONTEXT_FRAMES = 64

_MODEL_NAME = "silero_vad_16k_op15.onnx"
_INPUT_FRAMES = CONTEXT_FRAMES + WINDOW_FRAMES

# shape of the LSTM state in the model file
_STATE_SHAPE = (2, 1, 128)

_FULL_SCALE = 32768.0


class SileroVad:
    """Runs Silero on a stream of 10 ms periods; one thread, no memory allocated per window.

    With a hop of 16 ms two models with their own memory take turns, each on every second window, so that a verdict
    comes twice as often and each model still sees the windows it was trained on.
    """

    def __init__(self, model_path: Path | None = None, hop_ms: Literal[16, 32] = 16) -> None:
        self._hop_frames = frames(hop_ms)
        session = _open_session(model_path)
        self._input = np.zeros((1, _INPUT_FRAMES), np.float32)
        self._models = [_Recurrent(session, self._input) for _ in range(WINDOW_FRAMES // self._hop_frames)]
        # a window may have ended up to a period ago, so that much more is kept than the model takes
        self._heard = np.zeros(_INPUT_FRAMES + PERIOD_FRAMES, np.float32)
        self._fed_frames = 0
        self._window_end_frames = 0
        # the first run plans memory and takes ten times as long: not on the audio thread
        for model in self._models:
            model.run()
        self.reset()

    @property
    def hop_frames(self) -> Frames:
        """From the end of one window to the next."""
        return self._hop_frames

    @property
    def window_end_frames(self) -> Frames:
        """Where in the stream, in samples fed since the last reset, the last window judged ended."""
        return Frames(self._window_end_frames)

    def feed(self, samples: Samples) -> Probability | None:
        """Takes exactly 10 ms; the probability of the window that ended in them, None if none did."""
        heard = self._heard
        heard[:-PERIOD_FRAMES] = heard[PERIOD_FRAMES:]
        np.divide(samples, _FULL_SCALE, out=heard[-PERIOD_FRAMES:])
        self._fed_frames += PERIOD_FRAMES
        # a hop is longer than a period, so at most one window ends in a call
        late_frames = self._fed_frames % self._hop_frames
        end_frames = self._fed_frames - late_frames
        if late_frames >= PERIOD_FRAMES or end_frames < WINDOW_FRAMES:
            return None
        stop = len(heard) - late_frames
        self._input[0] = heard[stop - _INPUT_FRAMES : stop]
        self._window_end_frames = end_frames
        return Probability(self._models[end_frames // self._hop_frames % len(self._models)].run())

    def reset(self) -> None:
        """Forgets all that was heard; the stream begins anew at 0."""
        self._heard.fill(0.0)
        self._fed_frames = 0
        self._window_end_frames = 0
        for model in self._models:
            model.reset()


class _Recurrent:
    """One memory of the model. Bound to its buffers: 12 % faster than passing them with every call."""

    def __init__(self, session: Any, window: NDArray[np.float32]) -> None:
        self._session = session
        # the model reads one and writes the other, by turns
        self._states = [np.zeros(_STATE_SHAPE, np.float32) for _ in range(2)]
        self._rate = np.array(RATE_HZ, np.int64)
        self._output = np.zeros((1, 1), np.float32)
        self._bindings = [self._bind(window, *self._states), self._bind(window, *self._states[::-1])]
        self._turn = 0

    def run(self) -> float:
        """The probability of speech in the window that lies in the input buffer."""
        self._session.run_with_iobinding(self._bindings[self._turn])
        self._turn = 1 - self._turn
        return float(self._output[0, 0])

    def reset(self) -> None:
        for state in self._states:
            state.fill(0.0)

    def _bind(self, window: NDArray[np.float32], before: NDArray[np.float32], after: NDArray[np.float32]) -> Any:
        binding = self._session.io_binding()
        for name, array in (("input", window), ("state", before), ("sr", self._rate)):
            binding.bind_input(name, "cpu", 0, array.dtype.type, array.shape, array.ctypes.data)
        for name, array in (("output", self._output), ("stateN", after)):
            binding.bind_output(name, "cpu", 0, array.dtype.type, array.shape, array.ctypes.data)
        return binding


@cache
def _open_session(model_path: Path | None) -> Any:
    """Holds no memory of a stream, so that all detectors with the same model share one."""
    try:
        session = open_session(_read_model(model_path))
    except (OSError, ValueError) as error:
        raise ConfigError(f"vad.model: {model_path or _MODEL_NAME} cannot be loaded: {error}") from error
    names = {node.name for node in (*session.get_inputs(), *session.get_outputs())}
    if not names >= {"input", "state", "sr", "output", "stateN"}:
        raise ConfigError(f"vad.model: {model_path} is not a Silero model of version 5 or 6")
    return session


def _read_model(model_path: Path | None) -> bytes:
    if model_path is not None:
        return model_path.read_bytes()
    return resources.files(__package__).joinpath("models", _MODEL_NAME).read_bytes()
