"""Whoever is at the other end: a hub, servers, programs that are told what happens, an MQTT broker."""

import re
from enum import StrEnum
from typing import Annotated

from msgspec import Meta

from satellite.config.kinds import TCP_URI, TOPIC, Command, Port, Section, ServiceUri, TcpUri
from satellite.core.preemptive import Preemptive


class Mode(StrEnum):
    """Who runs the conversation: a hub, or we ourselves with servers that understand, answer and speak."""

    HUB = "hub"
    STANDALONE = "standalone"


class Hub(Section, frozen=True):
    """Where Home Assistant reaches us."""

    host: str = ""
    port: Port = 10700
    announce: bool = True


DISCOVER = "discover"

# several are tried in turn; nobody has more. The pattern of the first is looked at below: msgspec 0.22 crashes where it has to
# choose between a text with a pattern and a list
Uris = Annotated[
    str | Annotated[tuple[TcpUri, ...], Meta(min_length=1, max_length=8)],
    Meta(extra={"words": f"{DISCOVER}, tcp://HOST:PORT, or a list of 1 to 8 of these"}),
]


class Servers(Section, frozen=True):
    """Where servers of a kind are."""

    uri: Uris = DISCOVER

    def __post_init__(self) -> None:
        """A URI has a host and a port."""
        for uri in self.uris:
            if not re.fullmatch(TCP_URI, uri):
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


class Asking(Section, frozen=True):
    """How all of them are asked and looked after."""

    retries: Annotated[int, Meta(ge=0, le=5)] = 1
    keep_alive_s: Annotated[int, Meta(ge=5, le=3600)] = 60


class Hooks(Section, frozen=True):
    """Programs that are started when something happens, by the names of wyoming-satellite's options, and some more."""

    startup: Command | None = None
    detect: Command | None = None
    detection: Command | None = None
    transcript: Command | None = None
    stt_start: Command | None = None
    stt_stop: Command | None = None
    synthesize: Command | None = None
    tts_start: Command | None = None
    tts_stop: Command | None = None
    tts_played: Command | None = None
    streaming_start: Command | None = None
    streaming_stop: Command | None = None
    error: Command | None = None
    connected: Command | None = None
    disconnected: Command | None = None
    timer_started: Command | None = None
    timer_updated: Command | None = None
    timer_cancelled: Command | None = None
    timer_finished: Command | None = None
    interrupted: Command | None = None
    resumed: Command | None = None
    muted: Command | None = None
    unmuted: Command | None = None
    audio_lost: Command | None = None
    audio_back: Command | None = None
    microphone_silent: Command | None = None
    microphone_heard: Command | None = None
    state_changed: Command | None = None
    timeout_s: Annotated[float, Meta(ge=0.1, le=3600.0)] = 30.0
    at_once: Annotated[int, Meta(ge=1, le=32)] = 4
    event_uri: ServiceUri | None = None


class Mqtt(Section, frozen=True):
    """What the Wyoming integration of Home Assistant cannot show, over an MQTT broker."""

    host: Annotated[str, Meta(min_length=1, max_length=255)] | None = None
    port: Annotated[int, Meta(ge=1, le=65535)] = 1883
    user: str | None = None
    password_file: str | None = None
    tls: bool = False
    ca_file: str | None = None
    discovery_prefix: Annotated[str, Meta(pattern=TOPIC, extra={"words": "a topic without + and #"})] = "homeassistant"
    topic: Annotated[str, Meta(pattern=TOPIC, extra={"words": "a topic without + and #"})] = "satellite"

    def __post_init__(self) -> None:
        """What contradicts itself is a mistake too."""
        if self.password_file and not self.user:
            raise ValueError("password_file: a password needs a `user`")
        if self.ca_file and not self.tls:
            raise ValueError("ca_file: it is of use only with `tls: true`")
