"""The configuration: one typed model, read from YAML and the environment. Every key has a default that works.

Ranges and choices are written here and nowhere else: messages and the test of `config.example.yaml` read them off the model.
"""

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Annotated, TypeVar, get_args

import msgspec
from msgspec import Meta

from satellite.core.preemptive import Preemptive
from satellite.core.say import Allow, FollowUp
from satellite.core.sensitivity import Sensitivity
from satellite.keys import flat, keys, nested
from satellite.typed_yaml import load

# SATELLITE_HUB__PORT is hub.port
ENVIRONMENT_PREFIX = "SATELLITE_"

_T = TypeVar("_T")


class _WhileRunning:
    """Marks a key that `Service.reconfigure` can change."""


_WHILE_RUNNING = _WhileRunning()

Live = Annotated[_T, _WHILE_RUNNING]
"""The type of a key that can change while the service runs; all others need a restart."""

Port = Annotated[int, Meta(ge=0, le=65535)]
Probability = Annotated[float, Meta(gt=0.0, lt=1.0)]
_TCP_URI = r"tcp://(\[[0-9a-fA-F:.]+\]|[^\s/:\[\]]+):[0-9]{1,5}"
TcpUri = Annotated[str, Meta(pattern=f"^{_TCP_URI}$", extra={"words": "tcp://HOST:PORT"})]


class _Section(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Part of the configuration. A key that is not known is a mistake, never ignored."""


class Hub(_Section, frozen=True):
    """Where Home Assistant reaches us."""

    host: str = ""
    port: Port = 10700
    announce: bool = True


Reference = Annotated[
    str,
    Meta(pattern="^(playback|channel [0-9]{1,2})$", extra={"words": "playback, or channel and its number, from 0 to 99"}),
]


class Audio(_Section, frozen=True):
    """The sound devices, by their ALSA names."""

    microphone: str = "default"
    speaker: str = "default"
    rate_hz: Annotated[int, Meta(ge=8000, le=192_000)] = 16_000
    queue_ms: Annotated[int, Meta(ge=20, le=40)] = 30
    microphone_channel: Annotated[int, Meta(ge=0, le=63)] = 0
    reference: Reference = "playback"
    warm_up_dbfs: Annotated[float, Meta(ge=-60.0, le=-6.0)] | None = -26.0
    volume: Live[Annotated[int, Meta(ge=0, le=100)]] = 100

    @property
    def reference_channel(self) -> int | None:
        """Of the microphone, in which it returns what it plays; None if what is written to the speaker is the reference."""
        kind, _, channel = self.reference.partition(" ")
        return int(channel) if kind == "channel" else None


class WakeEngine(StrEnum):
    """Whose models find the wake words in this process."""

    MICRO = "micro"
    OPEN = "open"


class Listen(StrEnum):
    """Who finds the wake word."""

    WAKE_WORD = "wake-word"
    ALWAYS = "always"


class SpokenWord(_Section, frozen=True):
    """One word, and what is different about it."""

    name: Annotated[str, Meta(min_length=1, max_length=100)]
    threshold: Probability | None = None
    refractory_ms: Annotated[int, Meta(ge=0, le=60_000)] = 1500
    model: str | None = None

    @property
    def model_path(self) -> Path | None:
        """Of the model file; None for the one that the engine brings under this name."""
        return Path(self.model) if self.model else None


class WakeWord(SpokenWord, frozen=True):
    """One that wakes, and what follows it."""

    pipeline: str | None = None


class Wake(_Section, frozen=True):
    """The wake words, and who finds them: an engine here, a service elsewhere (`uri`), or the hub (`listen: always`)."""

    engine: WakeEngine = WakeEngine.MICRO
    words: Annotated[tuple[str | WakeWord, ...], Meta(max_length=20)] = ("okay_nabu",)
    threshold: Probability | None = None
    uri: TcpUri | None = None
    listen: Listen = Listen.WAKE_WORD
    vad_gate: bool = False

    def __post_init__(self) -> None:
        """What contradicts itself is a mistake too."""
        if twice := _twice(self.each):
            raise ValueError(f"words: {twice!r} is there twice")
        if not self.words and self.is_remote:
            raise ValueError("words: there is none that could be listened for elsewhere")
        if self.uri and not 0 < int(self.uri.rpartition(":")[2]) < 65536:
            raise ValueError(f"uri: {self.uri} has a port that is none; they go from 1 to 65535")
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


def _twice(words: Iterable[SpokenWord]) -> str | None:
    """A name that several of them have."""
    counts = Counter(word.name for word in words)
    return min((name for name, count in counts.items() if count > 1), default=None)


class Phases(StrEnum):
    """Which of an interruption's phases the server is told."""

    BOTH = "both"
    CONFIRMED = "confirmed"


class BargeIn(_Section, frozen=True):
    """When a voice over the reply is the user's, and what it does."""

    allow: Live[Allow] = Allow.SPEECH
    stop_words: Annotated[tuple[str | SpokenWord, ...], Meta(max_length=20)] = ()
    sensitivity: Live[Sensitivity] = Sensitivity.NORMAL
    # null: what the sensitivity says
    duck_probability: Live[Probability | None] = None
    # echo alone reaches 8, and a user 15 dB below it 40
    near_end_db: Live[Annotated[float, Meta(ge=8.0, le=40.0)] | None] = None
    commit_ms: Live[Annotated[int, Meta(ge=200, le=2000)] | None] = None
    # a reply goes on within 700 ms of a cough's end; the detector's windows and the speaker's queue take up to 100 of them
    resume_after_ms: Live[Annotated[int, Meta(ge=200, le=600)] | None] = None
    # null: as for answers
    announcement_allow: Live[Allow | None] = None
    announcement_sensitivity: Live[Sensitivity | None] = None
    preroll_ms: Live[Annotated[int, Meta(ge=0, le=2000)]] = 300
    # not live: a hold that was told of has to be taken back by the rule it was told by
    interrupt_phases: Phases = Phases.BOTH

    def __post_init__(self) -> None:
        """What contradicts itself is a mistake too."""
        if twice := _twice(self.each_stop_word):
            raise ValueError(f"stop_words: {twice!r} is there twice")
        for key in ("allow", "announcement_allow"):
            if getattr(self, key) is Allow.STOP_WORD and not self.stop_words:
                raise ValueError(
                    f"{key}: stop-word needs a word in `stop_words`, and there is none; no model of one comes with us"
                )

    @property
    def each_stop_word(self) -> tuple[SpokenWord, ...]:
        """The words, by themselves."""
        return tuple(SpokenWord(name=word) if isinstance(word, str) else word for word in self.stop_words)


class Vad(_Section, frozen=True):
    """The voice detector, and what of it counts as speech of a command. What interrupts is set under `barge_in`."""

    model: str | None = None
    threshold: Live[Annotated[float, Meta(ge=0.2, le=0.95)]] = 0.5

    @property
    def model_path(self) -> Path | None:
        """Of the model file; None for the one that is part of the package."""
        return Path(self.model) if self.model else None


class Listening(_Section, frozen=True):
    """How the end of what the user says is found, if the hub does not find it first; and when he needs no wake word."""

    speech_ms: Live[Annotated[int, Meta(ge=30, le=1000)]] = 200
    silence_ms: Live[Annotated[int, Meta(ge=200, le=3000)]] = 700
    follow_up: Live[FollowUp] = FollowUp.QUESTION
    # Home Assistant itself gives up after 15 s
    follow_up_ms: Live[Annotated[int, Meta(ge=1000, le=15_000)]] = 5000


class Mode(StrEnum):
    """Who runs the conversation: a hub, or we ourselves with servers that understand, answer and speak."""

    HUB = "hub"
    STANDALONE = "standalone"


DISCOVER = "discover"

# several are tried in turn; nobody has more. The pattern of the first is looked at below: msgspec 0.22 crashes where it has to
# choose between a text with a pattern and a list
Uris = Annotated[
    str | Annotated[tuple[TcpUri, ...], Meta(min_length=1, max_length=8)],
    Meta(extra={"words": f"{DISCOVER}, tcp://HOST:PORT, or a list of 1 to 8 of these"}),
]


class Servers(_Section, frozen=True):
    """Where servers of a kind are."""

    uri: Uris = DISCOVER

    def __post_init__(self) -> None:
        """A URI has a host and a port."""
        for uri in self.uris:
            if not re.fullmatch(_TCP_URI, uri):
                raise ValueError(f"uri: it is {uri!r}; it has to be {DISCOVER}, or tcp://HOST:PORT, or a list of these")
            if not 0 < int(uri.rpartition(":")[2]) < 65536:
                raise ValueError(f"uri: {uri} has a port that is none; they go from 1 to 65535")

    @property
    def is_discovered(self) -> bool:
        """Whether the network is asked for them."""
        return self.uri == DISCOVER

    @property
    def uris(self) -> tuple[str, ...]:
        """In the order in which they are asked; none that would be discovered."""
        if isinstance(self.uri, tuple):
            return self.uri
        return () if self.is_discovered else (self.uri,)


class Stt(Servers, frozen=True):
    """Speech to text."""

    language: str | None = None
    model: str | None = None


class Dialog(Servers, frozen=True):
    """Who answers."""

    intent: TcpUri | None = None
    preemptive: Preemptive = Preemptive.NEVER
    forget_after_s: Annotated[int, Meta(ge=10, le=86_400)] = 300


class Tts(Servers, frozen=True):
    """Text to speech."""

    voice: str | None = None
    speaker: str | None = None
    language: str | None = None


class Asking(_Section, frozen=True):
    """How all of them are asked and looked after."""

    retries: Annotated[int, Meta(ge=0, le=5)] = 1
    keep_alive_s: Annotated[int, Meta(ge=5, le=3600)] = 60


class Sounds(_Section, frozen=True):
    """What is heard beside speech."""

    error: str | None = "default"


class Config(_Section, frozen=True):
    """All of it."""

    name: Annotated[str, Meta(min_length=1, max_length=100)] = "Satellite"
    area: str | None = None
    mode: Mode = Mode.HUB
    hub: Hub = Hub()
    stt: Stt = Stt()
    dialog: Dialog = Dialog()
    tts: Tts = Tts()
    servers: Asking = Asking()
    sounds: Sounds = Sounds()
    audio: Audio = Audio()
    wake: Wake = Wake()
    vad: Vad = Vad()
    barge_in: BargeIn = BargeIn()
    listening: Listening = Listening()

    def __post_init__(self) -> None:
        """Sections may contradict each other."""
        wakes = {word.name for word in self.wake.each}
        if self.mode is Mode.STANDALONE and self.wake.listen is Listen.ALWAYS:
            raise ValueError("wake.listen: always needs a hub, which finds the wake word; in standalone mode there is none")
        if both := [word.name for word in self.barge_in.each_stop_word if word.name in wakes]:
            raise ValueError(f"barge_in.stop_words: {both[0]!r} is in wake.words too; a word either wakes or stops")


def load_config(path: Path | None, environ: Mapping[str, str]) -> Config:
    """The defaults, changed by a file if there is one, then by the environment. ConfigError has a line for each problem."""
    return load(Config, path, environ, ENVIRONMENT_PREFIX)


def is_live(kind: object) -> bool:
    """Whether a key of this type can change while the service runs."""
    return _WHILE_RUNNING in get_args(kind)


@dataclass(frozen=True, slots=True)
class Changes:
    """From one configuration to another, as far as a service can follow while it runs. Keys by their dotted names."""

    config: Config
    """The old one with what is live of the new one."""
    live: tuple[str, ...]
    restart: tuple[str, ...]
    """What stays as it was until the next start."""


def changes(old: Config, new: Config) -> Changes:
    """What is to become of a running service when its configuration changes."""
    before, after = flat(old), flat(new)
    changed = {key: is_live(kind) for key, kind in keys(Config).items() if before[key] != after[key]}
    for name in ("allow", "announcement_allow"):
        key = f"barge_in.{name}"
        if getattr(new.barge_in, name) is Allow.STOP_WORD and not old.barge_in.stop_words and key in changed:
            # nothing would interrupt until the stop words are there
            changed[key] = False
    live = tuple(key for key, at_once in changed.items() if at_once)
    restart = tuple(key for key, at_once in changed.items() if not at_once)
    config = msgspec.convert(nested(before | {key: after[key] for key in live}), Config)
    return Changes(config, live, restart)
