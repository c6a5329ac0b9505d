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
TcpUri = Annotated[str, Meta(pattern=r"^tcp://(\[[0-9a-fA-F:.]+\]|[^\s/:\[\]]+):[0-9]{1,5}$")]


class _Section(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Part of the configuration. A key that is not known is a mistake, never ignored."""


class Hub(_Section, frozen=True):
    """Where Home Assistant reaches us."""

    host: str = "0.0.0.0"
    port: Port = 10700


class Audio(_Section, frozen=True):
    """The sound devices, by their ALSA names."""

    microphone: str = "default"
    speaker: str = "default"
    rate_hz: Annotated[int, Meta(ge=8000, le=192_000)] = 16_000
    queue_ms: Annotated[int, Meta(ge=20, le=40)] = 30
    warm_up_dbfs: Annotated[float, Meta(ge=-60.0, le=-6.0)] | None = -26.0


class WakeEngine(StrEnum):
    """Whose models find the wake words in this process."""

    MICRO = "micro"
    OPEN = "open"


class Listen(StrEnum):
    """Who finds the wake word."""

    WAKE_WORD = "wake-word"
    ALWAYS = "always"


class WakeWord(_Section, frozen=True):
    """One word, and what is different about it."""

    name: Annotated[str, Meta(min_length=1, max_length=100)]
    threshold: Probability | None = None
    refractory_ms: Annotated[int, Meta(ge=0, le=60_000)] = 1500
    pipeline: str | None = None
    model: str | None = None

    @property
    def model_path(self) -> Path | None:
        """Of the model file; None for the one that the engine brings under this name."""
        return Path(self.model) if self.model else None


class Wake(_Section, frozen=True):
    """The wake words, and who finds them: an engine here, a service elsewhere (`uri`), or the hub (`listen: always`)."""

    engine: WakeEngine = WakeEngine.MICRO
    words: Annotated[tuple[str | WakeWord, ...], Meta(min_length=1, max_length=20)] = ("okay_nabu",)
    threshold: Probability | None = None
    uri: TcpUri | None = None
    listen: Listen = Listen.WAKE_WORD
    vad_gate: bool = False

    def __post_init__(self) -> None:
        """What contradicts itself is a mistake too."""
        names = [word.name for word in self.each]
        if twice := {name for name in names if names.count(name) > 1}:
            raise ValueError(f"words: {sorted(twice)[0]!r} is there twice")
        if self.uri and self.listen is Listen.ALWAYS:
            raise ValueError("uri, listen: the wake word is found by a service or by the hub (`listen: always`), not by both")
        if self.is_remote and any(word.model or word.threshold is not None for word in self.each):
            raise ValueError("threshold, model: whoever finds the words elsewhere has models and thresholds of its own")
        if self.vad_gate and not self.is_remote:
            raise ValueError("vad_gate: nothing is streamed that it could hold back; it needs `uri` or `listen: always`")

    @property
    def is_remote(self) -> bool:
        """Whether the microphone leaves this machine while nobody has said a wake word."""
        return self.uri is not None or self.listen is Listen.ALWAYS

    @property
    def each(self) -> tuple[WakeWord, ...]:
        """The words, with the common threshold where a word has none."""
        words = (WakeWord(name=word) if isinstance(word, str) else word for word in self.words)
        return tuple(
            msgspec.structs.replace(word, threshold=self.threshold) if word.threshold is None else word for word in words
        )


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
