"""onnxruntime as we open it: it works, says why it does not, and tells nobody."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from satellite.detect.onnx import open_session

_OPEN = """
from satellite.detect.silero import SileroVad
SileroVad()
import onnxruntime
print(onnxruntime.__version__)
"""


def test_it_leaves_nothing_behind_and_has_nothing_to_report(tmp_path: Path) -> None:
    """Its telemetry begins with an identity of the device and a queue of reports in the user's cache; neither is made."""
    environ = {**os.environ, "HOME": str(tmp_path), "XDG_CACHE_HOME": str(tmp_path / "cache"), "ORT_DISABLE_TELEMETRY": "0"}
    ran = subprocess.run([sys.executable, "-c", _OPEN], env=environ, capture_output=True, text=True, timeout=60, check=True)
    assert ran.stdout.strip()
    assert list(tmp_path.rglob("*")) == []


def test_a_file_that_is_no_model_is_a_value_error() -> None:
    """Whatever class the library makes of it."""
    with pytest.raises(ValueError, match=r"\S"):
        open_session(b"not a model")
