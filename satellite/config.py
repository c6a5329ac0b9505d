"""The configuration: one typed model, read from YAML. Every key has a default that works."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import msgspec
import yaml
from msgspec import Meta

from satellite.core.say import Allow
from satellite.errors import ConfigError

Port = Annotated[int, Meta(ge=0, le=65535)]
Probability = Annotated[float, Meta(gt=0.0, lt=1.0)]


class _Section(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Part of the configuration. A key that is not known is a mistake, never ignored."""


class Hub(_Section, frozen=True):
    """Where Home Assistant reaches us."""

    host: str = "0.0.0.0"
    port: Port = 10700
    announce: bool = True


class Audio(_Section, frozen=True):
    """The sound devices, by their ALSA names."""

    microphone: str = "default"
    speaker: str = "default"
    rate_hz: Annotated[int, Meta(ge=8000, le=192_000)] = 16_000
    queue_ms: Annotated[int, Meta(ge=20, le=40)] = 30
    warm_up_dbfs: Annotated[float, Meta(ge=-60.0, le=-6.0)] | None = -26.0


class Wake(_Section, frozen=True):
    """The wake words."""

    words: Annotated[tuple[str, ...], Meta(min_length=1)] = ("okay_nabu",)
    threshold: Probability | None = None


class Phases(StrEnum):
    """Which of an interruption's phases the server is told."""

    BOTH = "both"
    CONFIRMED = "confirmed"


class BargeIn(_Section, frozen=True):
    """When a voice over the reply is the user's, and what it does."""

    allow: Allow = Allow.SPEECH
    duck_probability: Probability = 0.30
    commit_ms: Annotated[int, Meta(ge=200, le=2000)] = 500
    preroll_ms: Annotated[int, Meta(ge=0, le=2000)] = 300
    interrupt_phases: Phases = Phases.BOTH


class Vad(_Section, frozen=True):
    """The voice detector."""

    model: str | None = None

    @property
    def model_path(self) -> Path | None:
        """Of the model file; None for the one that is part of the package."""
        return Path(self.model) if self.model else None


class Listening(_Section, frozen=True):
    """How the end of what the user says is found, if the hub does not find it first."""

    silence_ms: Annotated[int, Meta(ge=200, le=3000)] = 700


class Config(_Section, frozen=True):
    """All of it."""

    name: Annotated[str, Meta(min_length=1, max_length=100)] = "Satellite"
    area: str | None = None
    hub: Hub = Hub()
    audio: Audio = Audio()
    wake: Wake = Wake()
    vad: Vad = Vad()
    barge_in: BargeIn = BargeIn()
    listening: Listening = Listening()


def load_config(path: Path) -> Config:
    """Reads a configuration file. ConfigError names the file, the key and what is allowed there."""
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise ConfigError(f"{path}: {error.strerror}") from error
    try:
        raw = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise ConfigError(f"{path}: not YAML: {' '.join(str(error).split())}") from error
    try:
        return msgspec.convert(raw if raw is not None else {}, Config)
    except msgspec.ValidationError as error:
        raise ConfigError(f"{path}: {error}") from error
