"""The kinds of values that keys have, with their ranges, and what every section is."""

from typing import Annotated, TypeVar

import msgspec
from msgspec import Meta

_T = TypeVar("_T")


class WhileRunning:
    """Marks a key that `Service.reconfigure` can change."""


WHILE_RUNNING = WhileRunning()

Live = Annotated[_T, WHILE_RUNNING]
"""The type of a key that can change while the service runs; all others need a restart."""

Port = Annotated[int, Meta(ge=0, le=65535)]
Probability = Annotated[float, Meta(gt=0.0, lt=1.0)]
Volume = Annotated[int, Meta(ge=0, le=100)]
Command = Annotated[str, Meta(min_length=1, max_length=1000)]
_PLACE = r"(\[[0-9a-fA-F:.]+\]|[^\s/:\[\]]+):[0-9]{1,5}"
SERVER_URI = rf"(tcp|tls)://{_PLACE}"
SERVER_URI_WORDS = "tcp://HOST:PORT or tls://HOST:PORT"
ServerUri = Annotated[str, Meta(pattern=f"^{SERVER_URI}$", extra={"words": SERVER_URI_WORDS})]
EventUri = Annotated[
    str, Meta(pattern=rf"^({SERVER_URI}|unix:///\S+)$", extra={"words": "tcp://HOST:PORT, tls://HOST:PORT or unix:///PATH"})
]
SoundUri = Annotated[str, Meta(pattern=rf"^(tcp://{_PLACE}|unix:///\S+)$", extra={"words": "tcp://HOST:PORT or unix:///PATH"})]
Pin = Annotated[
    str,
    Meta(
        pattern=r"^([0-9A-Fa-f]{2}:){31}[0-9A-Fa-f]{2}$|^[0-9A-Fa-f]{64}$",
        extra={"words": "the SHA-256 fingerprint of a certificate"},
    ),
]
Rate = Annotated[int, Meta(ge=8000, le=192_000)]
TOPIC = r"^[^+#\s]{1,200}$"


def is_secure(uri: str) -> bool:
    """Whether it is spoken to over TLS."""
    return uri.startswith("tls://")


class Section(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Part of the configuration. A key that is not known is a mistake, never ignored."""
