"""Whoever is at the other end: a hub, servers, programs that are told what happens, an MQTT broker."""

import re
from collections.abc import Callable
from enum import StrEnum
from typing import Annotated, TypeVar

from msgspec import Meta

from satellite.config.kinds import SERVER_URI, SERVER_URI_WORDS, TOPIC, Command, EventUri, Pin, Port, Section, ServerUri
from satellite.core.networks import PRIVATE, Network, hub_at, is_in, networks
from satellite.core.preemptive import Preemptive

T = TypeVar("T")


class Mode(StrEnum):
    """Who runs the conversation: a hub, or we ourselves with servers that understand, answer and speak."""

    HUB = "hub"
    STANDALONE = "standalone"


# addresses and networks are looked at below: a pattern would say less of what is wrong with one
_ALLOWED = f"{PRIVATE}, an address or a network such as 192.168.1.0/24"
Allowed = Annotated[tuple[str, ...], Meta(min_length=1, max_length=64, extra={"words": f"a list of 1 to 64, each {_ALLOWED}"})]
HubName = Annotated[str, Meta(extra={"words": "a host name, an address or a network"})]


class Hub(Section, frozen=True):
    """Where Home Assistant reaches us, and who may be it."""

    host: str = ""
    port: Port = 10700
    announce: bool = True
    allow: Allowed = (PRIVATE,)
    only: HubName | None = None
    remember: bool = False

    def __post_init__(self) -> None:
        """Networks are networks, and the hub is in one of them."""
        allowed = _checked("allow", lambda: self.allowed)
        pinned = _checked("only", lambda: self.pinned)
        if pinned and not any(is_in(pinned[0].network_address, [network]) for network in allowed):
            raise ValueError(f"only: {self.only} is not in hub.allow; add it there, too")

    @property
    def allowed(self) -> tuple[Network, ...]:
        """Who may connect."""
        return tuple(network for text in self.allow for network in networks(text))

    @property
    def pinned(self) -> tuple[Network, ...] | None:
        """Who may be the hub, if anybody is named; None if it is the name of a host."""
        return () if self.only is None else hub_at(self.only)


def _checked(key: str, read: Callable[[], T]) -> T:
    try:
        return read()
    except ValueError as error:
        raise ValueError(f"{key}: {error}") from None


DISCOVER = "discover"

# several are tried in turn; nobody has more. The pattern of the first is looked at below: msgspec 0.22 crashes where it has to
# choose between a text with a pattern and a list
Uris = Annotated[
    str | Annotated[tuple[ServerUri, ...], Meta(min_length=1, max_length=8)],
    Meta(extra={"words": f"{DISCOVER}, {SERVER_URI_WORDS}, or a list of 1 to 8 of these"}),
]


class Servers(Section, frozen=True):
    """Where servers of a kind are."""

    uri: Uris = DISCOVER

    def __post_init__(self) -> None:
        """A URI has a host and a port."""
        for uri in self.uris:
            if not re.fullmatch(SERVER_URI, uri):
                raise ValueError(f"uri: it is {uri!r}; it has to be {DISCOVER}, or {SERVER_URI_WORDS}, or a list of these")
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

    intent: ServerUri | None = None
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
    ca_file: str | None = None
    pins: Annotated[tuple[Pin, ...], Meta(max_length=32)] = ()

    def __post_init__(self) -> None:
        """What contradicts itself is a mistake too."""
        if self.ca_file and self.pins:
            raise ValueError("ca_file, pins: who has pins trusts these certificates and no authority; it is the one or the other")


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
    event_uri: EventUri | None = None


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
