"""ALSA's library as we load it."""

import os
import subprocess
import sys

_OPEN = """
from satellite.audio.alsa import AlsaSettings, open_card
from satellite.errors import DeviceError
try:
    open_card(AlsaSettings("nowhere", "nowhere"))
except DeviceError as error:
    print(error)
"""


def test_a_device_that_is_not_there_is_told_by_us_and_by_nobody_else() -> None:
    """The library would write lines of its own to stderr, every five seconds for as long as the device is away."""
    ran = subprocess.run([sys.executable, "-c", _OPEN], env=os.environ, capture_output=True, text=True, timeout=60, check=True)
    assert ran.stdout.startswith("capture device 'nowhere': No such file or directory")
    assert ran.stderr == ""
