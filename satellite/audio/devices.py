"""The PCMs that ALSA knows, by names that last, what the hardware behind them can do, and which to put into config.yaml."""

import json
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from typing import Any, get_args

from satellite.audio.holders import Direction
from satellite.audio.pcm import Pcm, alsaaudio, label
from satellite.audio.pcm_format import Ability, Wish, listed
from satellite.core.units import RATE_HZ
from satellite.errors import DeviceError

# they take any rate, channels and format, so asking says nothing of the hardware, and may start a sound server
_CONVERTING = ("default", "plughw", "pulse", "pipewire", "dmix", "dsnoop")

# parts that other PCMs are built with, and other names of the same hardware
_NOT_FOR_US = (
    *("null", "lavrate", "samplerate", "speexrate", "speex", "upmix", "vdownmix", "jack", "oss", "usbstream", "sysdefault"),
    *("front", "rear", "side", "center_lfe", "iec958", "spdif", "modem", "phoneline"),
)

# no hardware has so many: a PCM of the owner's that converts
_CONVERTING_CHANNELS = 256

# two of our periods, as any device can do
_LOOK_MS = 20

_NONE = """\
ALSA knows no {0} hardware. Is it plugged in? `cat /proc/asound/cards` shows the cards that the kernel knows;
if yours is among them, add this user to the group audio (in a container, pass /dev/snd)."""

_NONE_FREE = "No {0} device can be used just now: see above."

_CONFIG = """\
# Made by `satellite devices --config` from the sound devices of this machine. Every other key has its default, and
# config.example.yaml has all of them.

name: Satellite   # as Home Assistant shows it, and knows it by: choose it before you add the satellite there

audio:
"""


@dataclass(frozen=True, slots=True)
class Device:
    """A PCM in one direction. Without `ability` it either converts to anything, or is in `trouble`."""

    name: str
    direction: Direction
    ability: Ability | None = None
    trouble: str | None = None

    @property
    def converts(self) -> bool:
        """To whatever is asked."""
        return self.ability is None and self.trouble is None

    @property
    def is_fit(self) -> bool:
        """Whether it is hardware that the satellite can use as it is."""
        return self.ability is not None and next(self.ability.wishes(RATE_HZ, 1), None) is not None

    @property
    def card(self) -> str:
        """Of the hardware, as in the name."""
        return self.name.partition(":")[2].partition(",")[0] or self.name

    def __str__(self) -> str:
        if self.ability is None:
            return f"{self.name:<34} {self.trouble or 'converts any rate, channels and format'}"
        can = (
            f"{listed(self.ability.rates_hz)} Hz; {listed(self.ability.channels)} channels; {listed(self.ability.sample_formats)}"
        )
        return f"{self.name:<34} {can}{'' if self.is_fit else '  (not as it is: use its plughw: name)'}"


def find_devices() -> list[Device]:
    """All that may be used for a microphone or a speaker, hardware first. DeviceError without the library."""
    alsa = alsaaudio()
    found = []
    for direction in get_args(Direction):
        names = alsa.pcms(alsa.PCM_CAPTURE if direction == "capture" else alsa.PCM_PLAYBACK)
        useful = [
            name for name in dict.fromkeys(names) if _kind(name) not in _NOT_FOR_US and not _kind(name).startswith("surround")
        ]
        found += [_probed(name, direction) for name in useful if _kind(name) not in _CONVERTING]
        found += [Device(name, direction) for name in useful if _kind(name) in _CONVERTING]
    return found


def recommended(devices: Sequence[Device]) -> tuple[Device | None, Device | None]:
    """A microphone and a speaker: of one piece of hardware if there is one, since the canceller then sees one clock."""
    fit = [device for device in devices if device.is_fit]
    microphones = [device for device in fit if device.direction == "capture"]
    # a screen is seldom meant
    speakers = sorted(
        (device for device in fit if device.direction == "playback"), key=lambda device: "hdmi" in device.name.lower()
    )
    for microphone in microphones:
        for speaker in speakers:
            if microphone.card == speaker.card:
                return microphone, speaker
    return next(iter(microphones), None), next(iter(speakers), None)


def as_text(devices: Sequence[Device]) -> str:
    """For the terminal."""
    microphone, speaker = recommended(devices)
    lines = []
    for title, direction in (("Microphones", "capture"), ("Speakers", "playback")):
        shown = [f"  {device}" for device in devices if device.direction == direction]
        lines += [f"{title}:", *(shown or ["  none"]), ""]
    for chosen, direction in ((microphone, "capture"), (speaker, "playback")):
        if chosen is None:
            is_there = any(device.direction == direction and not device.converts for device in devices)
            lines += [(_NONE_FREE if is_there else _NONE).format(direction), ""]
    if microphone and speaker:
        lines += ["For config.yaml:", "audio:", f"  microphone: {microphone.name}", f"  speaker: {speaker.name}"]
        if _is_array(microphone):
            lines += ["  # it is an array: if a channel returns what it plays, say so, e.g. reference: channel 5"]
        if microphone.card != speaker.card:
            lines += ["  # two devices have two clocks: one device for both is better"]
    return "\n".join(lines).rstrip()


def as_config(devices: Sequence[Device]) -> str:
    """A first config.yaml. Where nothing can be recommended the default is tried, and a comment says so."""
    lines = []
    for key, direction, chosen in zip(("microphone", "speaker"), get_args(Direction), recommended(devices), strict=True):
        if chosen is not None:
            lines.append(f"  {key}: {chosen.name}")
            continue
        lines += [f"  # there was none that could be used: plug it in, and `satellite devices` shows its name\n  {key}: default"]
        lines += [f"  # {each.name}: {each.trouble}" for each in devices if each.direction == direction and each.trouble]
    microphone, _ = recommended(devices)
    if microphone and _is_array(microphone):
        lines.append("  # it is an array: if a channel returns what it plays, say so, e.g. reference: channel 5")
    return _CONFIG + "\n".join(lines) + "\n"


def as_json(devices: Sequence[Device]) -> str:
    """For programs."""
    microphone, speaker = recommended(devices)
    shown = {
        direction: [_plain(device) for device in devices if device.direction == direction] for direction in get_args(Direction)
    }
    chosen = {"microphone": microphone and microphone.name, "speaker": speaker and speaker.name}
    return json.dumps({**shown, "recommended": chosen}, indent=1)


def _is_array(device: Device) -> bool:
    return device.ability is not None and device.ability.channels[0] > 2


def _kind(name: str) -> str:
    return name.partition(":")[0]


def _probed(name: str, direction: Direction) -> Device:
    try:
        with closing(Pcm(name, direction, Wish(RATE_HZ, 1), _LOOK_MS)) as pcm:
            ability = pcm.ability()
    except DeviceError as error:
        return Device(name, direction, trouble=str(error).removeprefix(label(name, direction)).lstrip(": "))
    return Device(name, direction, None if max(ability.channels, default=0) > _CONVERTING_CHANNELS else ability)


def _plain(device: Device) -> dict[str, Any]:
    ability = device.ability
    can = {
        "rates_hz": _ends(ability.rates_hz) if ability else None,
        "channels": _ends(ability.channels) if ability else None,
        "formats": ability.sample_formats if ability else None,
    }
    kind = {"name": device.name, "usable": device.is_fit or device.converts, "converts": device.converts}
    return {**kind, **can, "trouble": device.trouble}


def _ends(values: Sequence[int]) -> Sequence[int] | dict[str, int]:
    return {"from": values[0], "to": values[-1]} if isinstance(values, range) else values
