"""The configuration: one typed model, read from YAML and the environment. Every key has a default that works.

Ranges and choices are written in the model and nowhere else: messages and the test of `config.example.yaml` read them off it.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, get_args

import msgspec
from msgspec import Meta

from satellite.config.hearing import BargeIn, Listen, Listening, Phases, SpokenWord, Vad, Wake, WakeEngine, WakeWord
from satellite.config.kinds import WHILE_RUNNING, Section, is_secure
from satellite.config.peers import DISCOVER, Asking, Dialog, Hooks, Hub, Mode, Mqtt, Servers, Stt, Tts
from satellite.config.sound import AnySound, Audio, External, Gpio, NoiseSuppression, Sound, Sounds, Timers
from satellite.core.say import Allow
from satellite.keys import flat, keys, nested
from satellite.typed_yaml import load

# what the model is made of, under one roof
__all__ = [
    "DISCOVER",
    "ENVIRONMENT_PREFIX",
    "AnySound",
    "Asking",
    "Audio",
    "BargeIn",
    "Changes",
    "Config",
    "Dialog",
    "External",
    "Gpio",
    "Hooks",
    "Hub",
    "Listen",
    "Listening",
    "Mode",
    "Mqtt",
    "NoiseSuppression",
    "Phases",
    "Servers",
    "Sound",
    "Sounds",
    "SpokenWord",
    "Stt",
    "Timers",
    "Tts",
    "Vad",
    "Wake",
    "WakeEngine",
    "WakeWord",
    "changes",
    "is_live",
    "load_config",
]

# SATELLITE_HUB__PORT is hub.port
ENVIRONMENT_PREFIX = "SATELLITE_"


class Config(Section, frozen=True):
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
    timers: Timers = Timers()
    audio: Audio = Audio()
    external: External = External()
    wake: Wake = Wake()
    vad: Vad = Vad()
    barge_in: BargeIn = BargeIn()
    listening: Listening = Listening()
    hooks: Hooks = Hooks()
    gpio: Gpio = Gpio()
    mqtt: Mqtt = Mqtt()

    def __post_init__(self) -> None:
        """Sections may contradict each other."""
        if (self.servers.ca_file or self.servers.pins) and not any(map(is_secure, self.uris)):
            raise ValueError("servers.ca_file, servers.pins: no server is at tls://HOST:PORT, so that nothing would be verified")
        wakes = {word.name for word in self.wake.each}
        if self.mode is Mode.STANDALONE and self.wake.listen is Listen.ALWAYS:
            raise ValueError("wake.listen: always needs a hub, which finds the wake word; in standalone mode there is none")
        if both := [word.name for word in self.barge_in.each_stop_word if word.name in wakes]:
            raise ValueError(f"barge_in.stop_words: {both[0]!r} is in wake.words too; a word either wakes or stops")

    @property
    def uris(self) -> tuple[str, ...]:
        """Of all servers that are asked."""
        some = self.dialog.intent, self.wake.uri, self.hooks.event_uri
        return (*self.stt.uris, *self.dialog.uris, *self.tts.uris, *filter(None, some))


def load_config(path: Path | None, environ: Mapping[str, str]) -> Config:
    """The defaults, changed by a file if there is one, then by the environment. ConfigError has a line for each problem."""
    return load(Config, path, environ, ENVIRONMENT_PREFIX)


def is_live(kind: object) -> bool:
    """Whether a key of this type can change while the service runs."""
    return WHILE_RUNNING in get_args(kind)


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
    if (old.wake.is_remote or new.wake.is_remote) and "wake.threshold" in changed:
        # one that is not for the words that are listened for now
        changed["wake.threshold"] = False
    live = tuple(key for key, at_once in changed.items() if at_once)
    restart = tuple(key for key, at_once in changed.items() if not at_once)
    config = msgspec.convert(nested(before | {key: after[key] for key in live}), Config)
    return Changes(config, live, restart)
