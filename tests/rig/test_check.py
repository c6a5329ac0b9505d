"""`satellite check` through the real ALSA API, as its owner runs it."""

import os
import subprocess
import sys
import wave
from pathlib import Path

import pytest

from satellite.audio.alsa import open_card
from satellite.mock.recordings import recording
from tests.rig.fixtures import configured, room
from tests.rig.room import Room
from tests.rig.test_alsa_card import ARRAY, SETTINGS, STEREO_48K

__all__ = ["room"]

pytestmark = pytest.mark.rig

# settling, quiet, the sound, and then the user is asked to speak
SPEAKS_MS = 500 + 1000 + 1100 + 500


def check(
    room: Room, tmp_path: Path, *arguments: str, microphone: str = "mic", speaker: str = "speaker", speaks: bool = True
) -> tuple[int, str]:
    """Runs it, with somebody who speaks when asked to; its exit code and what it printed."""
    spoken = tmp_path / "spoken.wav"
    with wave.open(str(spoken), "wb") as file:
        file.setparams((1, 2, 16000, 0, "NONE", ""))
        file.writeframes(recording("tts_lights_joe").tobytes())
    room.load(spoken)
    env = {**os.environ, "SATELLITE_AUDIO__MICROPHONE": microphone, "SATELLITE_AUDIO__SPEAKER": speaker}
    command = [sys.executable, "-m", "satellite", "check", *arguments]
    with subprocess.Popen(command, env=env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as process:
        if speaks:
            # it opens twice: for what it is given, and for all channels
            room.wait("start", 1, timeout=20, stream="mic")
            room.say(spoken, after_ms=SPEAKS_MS, gain_db=-6)
        output = process.communicate(timeout=30)[0]
    return process.returncode, output


@configured({})
def test_a_good_card(room: Room, tmp_path: Path) -> None:
    """What it gave, what was measured in this and its other channels, and a report."""
    report = tmp_path / "report.txt"
    code, output = check(room, tmp_path, "--report", str(report))
    assert code == 0, output
    assert "mic: 16000 Hz, S16_LE, 1 channel, period 10 ms, buffer 200 ms" in output
    assert "speaker: 16000 Hz, S16_LE, 1 channel, period 10 ms, buffer 30 ms" in output
    assert "1: voice -" in output and "All is well." in output
    written = report.read_text("utf-8")
    assert "loop delay" in written and "ALSA 1." in written and '\naudio.microphone: "mic"\n' in written


@configured({"mic": {**ARRAY, "rates": [48000], "map": ["zero", "mic", "mic", "zero", "zero", "ref"]}, "speaker": STEREO_48K})
def test_the_channels_of_an_array(room: Room, tmp_path: Path) -> None:
    """Channel 0 is configured by default; the voice is elsewhere, and so is what is played."""
    code, output = check(room, tmp_path)
    assert code == 1
    assert "mic: 48000 Hz, S16_LE, 6 channels" in output and "speaker: 48000 Hz, S16_LE, 2 channels" in output
    assert "MEND  Your voice is in channel 1, and not in channel 0. Set audio.microphone_channel: 1." in output
    assert "note  Channel 5 returns what the speaker plays. Set audio.reference: channel 5" in output


@configured({})
def test_a_busy_device(room: Room, tmp_path: Path) -> None:
    """Named, with who is to give it back as far as the kernel tells."""
    card = open_card(SETTINGS)
    code, output = check(room, tmp_path, speaks=False)
    card.close()
    assert code == 1
    assert "MEND  capture device 'mic': Device or resource busy; another program holds it." in output
