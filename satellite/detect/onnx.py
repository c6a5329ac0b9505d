"""onnxruntime, opened the one way that suits us: a single thread that never spins."""

import importlib
import os
from typing import Any

# Its official builds report to their maker, from the import on, by default. A device that listens tells nobody, so
# whatever the environment says is overruled, and it has to be said before the library is loaded.
_NO_TELEMETRY = "ORT_DISABLE_TELEMETRY"


def open_session(model: bytes) -> Any:
    """A model ready to run. ValueError says why it cannot be."""
    os.environ[_NO_TELEMETRY] = "1"
    # lazily and by name: it takes 45 MB and 0.1 s, and has no types
    ort = importlib.import_module("onnxruntime")
    options = ort.SessionOptions()
    # what runs here takes 0.1 ms; more threads only cost CPU, spinning ones most of all
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    options.add_session_config_entry("session.inter_op.allow_spinning", "0")
    try:
        return ort.InferenceSession(model, options, providers=["CPUExecutionProvider"])
    # onnxruntime raises a dozen unrelated classes for a file it cannot use
    except Exception as error:
        raise ValueError(str(error)) from error
