"""The list of devices: what is asked of which PCM, and which are put into the operator's hand."""

import json
import sys
from pathlib import Path
from typing import Any

import pytest

from satellite.audio.devices import Device, as_config, as_json, as_text, find_devices, recommended
from satellite.audio.pcm_format import Ability
from satellite.config import load_config
from satellite.errors import DeviceError

STEREO = Ability(("S16_LE",), (44_100, 48_000), (2,))
ARRAY = Ability(("S16_LE",), (16_000,), (6,))
ODD = Ability(("S16_LE",), (11_025,), (1,))


class FakePcm:
    """Hardware that can do STEREO, or converts anything."""

    def __init__(self, converts: bool) -> None:
        self.converts = converts

    def info(self) -> dict[str, Any]:
        return {"format_name": "S16_LE", "rate": 48_000, "channels": 2, "period_size": 480, "buffer_size": 960}

    def getformats(self) -> dict[str, int]:
        return {"S16_LE": 2}

    def getrates(self) -> list[int] | tuple[int, int]:
        return (4000, 4_294_967_295) if self.converts else [44_100, 48_000]

    def getchannels(self) -> list[int]:
        return list(range(1, 10_001)) if self.converts else [2]

    def drop(self) -> None:
        pass

    def close(self) -> None:
        pass


class FakeAlsa:
    """Stands for the module alsaaudio on a machine with one USB device, whose microphone is in use."""

    PCM_PLAYBACK, PCM_CAPTURE = 0, 1
    PCM_NONBLOCK = 1
    PCM_FORMAT_S16_LE = 2
    ALSAAudioError = OSError
    NAMES = (
        "null",
        "default",
        "pulse",
        "hw:CARD=Device,DEV=0",
        "plughw:CARD=Device,DEV=0",
        "surround51:CARD=Device,DEV=0",
        "own",
    )

    def __init__(self) -> None:
        self.opened: list[str] = []

    def pcms(self, kind: int) -> list[str]:
        return list(self.NAMES)

    def PCM(self, kind: int, mode: int, device: str, **asked: Any) -> FakePcm:
        assert mode == self.PCM_NONBLOCK
        self.opened.append(device)
        if device.startswith("hw") and kind == self.PCM_CAPTURE:
            raise OSError(f"Device or resource busy [{device}]")
        return FakePcm(converts=device == "own")


@pytest.fixture
def alsa(monkeypatch: pytest.MonkeyPatch) -> FakeAlsa:
    fake = FakeAlsa()
    monkeypatch.setitem(sys.modules, "alsaaudio", fake)
    return fake


def hw(name: str, direction: str, ability: Ability = STEREO) -> Device:
    return Device(f"hw:CARD={name},DEV=0", direction, ability)  # type: ignore[arg-type]


def test_hardware_is_asked_and_what_converts_is_not_opened(alsa: FakeAlsa) -> None:
    """Opening a sound server's PCM may start it; parts of ALSA and other names of the same hardware are left out."""
    found = find_devices()
    assert alsa.opened == ["hw:CARD=Device,DEV=0", "own"] * 2
    assert [device.name for device in found if device.direction == "playback"] == [
        *("hw:CARD=Device,DEV=0", "own", "default", "pulse", "plughw:CARD=Device,DEV=0")
    ]


def test_a_device_in_use_says_so_and_one_of_the_owners_that_converts_is_recognised(alsa: FakeAlsa) -> None:
    """A device that does not open is listed with the reason, and not with what it could do."""
    busy, own, *_ = find_devices()
    assert (busy.ability, busy.is_fit, busy.converts) == (None, False, False)
    assert busy.trouble is not None and busy.trouble.startswith("Device or resource busy; ")
    assert (own.ability, own.trouble, own.converts) == (None, None, True)


def test_without_the_library(monkeypatch: pytest.MonkeyPatch) -> None:
    """The error says what to install."""
    monkeypatch.setitem(sys.modules, "alsaaudio", None)
    with pytest.raises(DeviceError, match="pyalsaaudio"):
        find_devices()


@pytest.mark.parametrize(
    ("devices", "names"),
    [
        ([hw("A", "capture"), hw("B", "capture"), hw("B", "playback")], ("B", "B")),
        ([hw("A", "capture"), hw("vc4hdmi", "playback"), hw("C", "playback")], ("A", "C")),
        ([hw("A", "capture"), hw("vc4hdmi", "playback")], ("A", "vc4hdmi")),
        ([hw("A", "capture", ODD), hw("B", "capture", ARRAY), hw("A", "playback")], ("B", "A")),
    ],
)
def test_one_device_for_both_directions_comes_first(devices: list[Device], names: tuple[str, str]) -> None:
    """Then a loudspeaker before a screen; hardware that will not do is never recommended."""
    assert tuple(device and device.card for device in recommended(devices)) == tuple(f"CARD={name}" for name in names)


def test_the_last_lines_go_into_the_configuration() -> None:
    """As YAML, with a word on arrays and on two clocks."""
    text = as_text([hw("Array", "capture", ARRAY), hw("Box", "playback")])
    assert "audio:\n  microphone: hw:CARD=Array,DEV=0\n  speaker: hw:CARD=Box,DEV=0\n" in text
    assert "reference: channel 5" in text
    assert "two clocks" in text
    assert "16000 Hz; 6 channels; S16_LE" in text


def test_no_device_at_all_is_told_what_to_look_for() -> None:
    """The kernel's list, the group, and containers; a device that is only busy is something else."""
    text = as_text([Device("pulse", "capture"), Device("hw:CARD=A", "playback", trouble="Device or resource busy")])
    assert "no capture hardware" in text and "/proc/asound/cards" in text and "group audio" in text
    assert "No playback device can be used just now" in text
    assert "config.yaml" not in text


@pytest.mark.parametrize(
    ("devices", "names", "comment"),
    [
        ([hw("Array", "capture", ARRAY), hw("Box", "playback")], ("hw:CARD=Array,DEV=0", "hw:CARD=Box,DEV=0"), "channel 5"),
        ([Device("pulse", "capture"), hw("Box", "playback")], ("default", "hw:CARD=Box,DEV=0"), "plug it in"),
        (
            [hw("Box", "capture"), Device("hw:CARD=B,DEV=0", "playback", trouble="Device or resource busy; aplay holds it")],
            ("hw:CARD=Box,DEV=0", "default"),
            "# hw:CARD=B,DEV=0: Device or resource busy; aplay holds it\n",
        ),
    ],
)
def test_a_first_configuration_names_them(tmp_path: Path, devices: list[Device], names: tuple[str, str], comment: str) -> None:
    """The satellite starts with it, whatever is plugged in; what is missing is said where it is looked for."""
    file = tmp_path / "config.yaml"
    file.write_text(as_config(devices), "utf-8")
    audio = load_config(file, {}).audio
    assert (audio.microphone, audio.speaker) == names
    assert comment in as_config(devices)


def test_json_says_the_same() -> None:
    """Rates, channels and formats by device and direction, and what is recommended."""
    busy = Device("hw:CARD=B,DEV=0", "capture", trouble="Device or resource busy")
    told = json.loads(as_json([hw("A", "capture"), busy, hw("A", "playback")]))
    assert told["capture"][0] == {
        **{"name": "hw:CARD=A,DEV=0", "usable": True, "converts": False, "trouble": None},
        **{"rates_hz": [44_100, 48_000], "channels": [2], "formats": ["S16_LE"]},
    }
    assert told["capture"][1]["trouble"] == "Device or resource busy"
    assert told["recommended"] == {"microphone": "hw:CARD=A,DEV=0", "speaker": "hw:CARD=A,DEV=0"}
