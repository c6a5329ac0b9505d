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
TCP_URI = r"tcp://(\[[0-9a-fA-F:.]+\]|[^\s/:\[\]]+):[0-9]{1,5}"
TcpUri = Annotated[str, Meta(pattern=f"^{TCP_URI}$", extra={"words": "tcp://HOST:PORT"})]
ServiceUri = Annotated[str, Meta(pattern=rf"^({TCP_URI}|unix:///\S+)$", extra={"words": "tcp://HOST:PORT or unix:///PATH"})]
Rate = Annotated[int, Meta(ge=8000, le=192_000)]
TOPIC = r"^[^+#\s]{1,200}$"


class Section(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Part of the configuration. A key that is not known is a mistake, never ignored."""
