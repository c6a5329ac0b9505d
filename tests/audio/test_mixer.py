"""Which card's mixer a speaker means. What it does with it is told against ALSA itself, in tests/rig/test_mixer.py."""

import ctypes
from collections.abc import Iterator

import pytest

from satellite.audio import mixer
from satellite.audio.mixer import Mixer, control_of
from tests.peer.house import warnings

_CONTROLS = {
    "plughw:CARD=Device,DEV=0": "hw:Device",
    "hw:CARD=seeed2micvoicec,DEV=0": "hw:seeed2micvoicec",
    "hw:DEV=0,CARD=Device": "hw:Device",
    "sysdefault:CARD=Headphones": "hw:Headphones",
    "hw:1,0": "hw:1",
    "hw:1": "hw:1",
    "plughw:Device": "hw:Device",
    "dmix:CARD=Device,DEV=0": "hw:Device",
    "plug:'hw:2,0'": "hw:2",
    "plug:dmixed": "default",
    "default": "default",
    "pulse": "default",
    "speaker": "default",
}


@pytest.fixture
def no_library(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A machine without ALSA."""

    def missing(name: str) -> ctypes.CDLL:
        raise OSError(f"{name}: cannot open shared object file")

    mixer._alsa.cache_clear()
    monkeypatch.setattr(ctypes, "CDLL", missing)
    yield
    mixer._alsa.cache_clear()


@pytest.mark.parametrize(("speaker", "control"), _CONTROLS.items())
def test_the_mixer_is_that_of_the_speakers_card(speaker: str, control: str) -> None:
    """Whatever else the name says."""
    assert control_of(speaker) == control


def test_a_machine_without_alsa_is_told_of_once(no_library: None, caplog: pytest.LogCaptureFixture) -> None:
    """The speaker may be a program's."""
    without = Mixer("PCM", "default")
    without.set(50)
    assert without.get() is None
    assert warnings(caplog) == ["the volume cannot be set: mixer of default: ALSA's library libasound.so.2 is not installed"]
