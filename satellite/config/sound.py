"""Sound: the devices, what stands in for them, what is heard beside speech, and the button and the light on the case."""

from collections import Counter
from enum import StrEnum
from typing import Annotated

from msgspec import Meta

from satellite.config.kinds import Command, Live, Rate, Section, SoundUri, Volume

Reference = Annotated[
    str,
    Meta(pattern="^(playback|channel [0-9]{1,2})$", extra={"words": "playback, or channel and its number, from 0 to 99"}),
]


class NoiseSuppression(StrEnum):
    """How much of a steady noise is taken away."""

    LOW = "low"
    MODERATE = "moderate"
    HIGH = "high"
    VERY_HIGH = "very-high"


class Audio(Section, frozen=True):
    """The sound devices, by their ALSA names."""

    microphone: str = "default"
    speaker: str = "default"
    rate_hz: Rate = 16_000
    queue_ms: Annotated[int, Meta(ge=20, le=40)] = 30
    microphone_channel: Annotated[int, Meta(ge=0, le=63)] = 0
    reference: Reference = "playback"
    microphone_gain_db: Annotated[float, Meta(ge=-20.0, le=40.0)] = 0.0
    noise_suppression: NoiseSuppression = NoiseSuppression.MODERATE
    auto_gain_db: Annotated[float, Meta(ge=0.0, le=40.0)] = 0.0
    warm_up_dbfs: Annotated[float, Meta(ge=-60.0, le=-6.0)] | None = -26.0
    volume: Live[Volume] = 100
    mixer: Annotated[str, Meta(min_length=1, max_length=100)] | None = None

    @property
    def reference_channel(self) -> int | None:
        """Of the microphone, in which it returns what it plays; None if what is written to the speaker is the reference."""
        kind, _, channel = self.reference.partition(" ")
        return int(channel) if kind == "channel" else None


class Sound(Section, frozen=True):
    """One of them, and how loud."""

    file: str = "default"
    volume: Volume = 100


AnySound = str | Sound | None


class Sounds(Section, frozen=True):
    """What is heard beside speech."""

    start_up: AnySound = "default"
    awake: AnySound = "default"
    done: AnySound = None
    error: AnySound = "default"
    interrupted: AnySound = None
    timer: AnySound = "default"
    mute: AnySound = "default"
    unmute: AnySound = "default"


class Timers(Section, frozen=True):
    """How a timer rings that has run out."""

    times: Annotated[int, Meta(ge=1, le=1000)] | None = None
    pause_s: Annotated[float, Meta(ge=0.0, le=30.0)] = 1.0
    limit_s: Annotated[int, Meta(ge=5, le=3600)] = 900


class External(Section, frozen=True):
    """A microphone and a loudspeaker behind a program or a Wyoming service, in place of those of ALSA."""

    mic_command: Command | None = None
    mic_rate_hz: Rate = 16_000
    mic_channels: Annotated[int, Meta(ge=1, le=64)] = 1
    mic_uri: SoundUri | None = None
    snd_command: Command | None = None
    snd_rate_hz: Rate = 22_050
    snd_channels: Annotated[int, Meta(ge=1, le=8)] = 1
    snd_uri: SoundUri | None = None

    def __post_init__(self) -> None:
        """What contradicts itself is a mistake too."""
        for half in ("mic", "snd"):
            if getattr(self, f"{half}_command") and getattr(self, f"{half}_uri"):
                raise ValueError(f"{half}_command, {half}_uri: it is either a program or a service, not both")


Pin = Annotated[int, Meta(ge=0, le=27)]


class Gpio(Section, frozen=True):
    """A button and a light at the pins of a Raspberry Pi, by their GPIO numbers."""

    button: Pin | None = None
    hold_s: Annotated[float, Meta(ge=0.2, le=10.0)] = 1.0
    led: Pin | None = None
    rgb: Annotated[tuple[Pin, ...], Meta(min_length=3, max_length=3)] | None = None

    def __post_init__(self) -> None:
        """What contradicts itself is a mistake too."""
        pins = [pin for pin in (self.button, self.led, *(self.rgb or ())) if pin is not None]
        if twice := [pin for pin, count in Counter(pins).items() if count > 1]:
            raise ValueError(f"button, led, rgb: pin {twice[0]} is there twice")
