"""What can become of an option: a key of ours, or something to tell the operator; and what a rule is that decides it."""

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias


@dataclass(frozen=True, slots=True)
class Sets:
    """A key gets a value; `comment` says where it comes from, beginning with the option."""

    key: str
    value: object
    comment: str

    @property
    def option(self) -> str:
        """That it comes from."""
        return self.comment.partition(":")[0]


@dataclass(frozen=True, slots=True)
class Tells:
    """Something the operator should know. `lost`: the old satellite did it, and the new one will not."""

    option: str
    why: str
    instead: str = ""
    lost: bool = True

    @property
    def line(self) -> str:
        """All of it, in one line."""
        return ". ".join(filter(None, (f"{self.option}: {self.why}", self.instead)))


Outcome: TypeAlias = Sets | Tells


@dataclass(frozen=True, slots=True)
class Given:
    """The options of a command line, by their full names: the values of each occurrence, in order."""

    options: Mapping[str, Sequence[tuple[str, ...]]] = field(default_factory=dict)
    directory: str | None = None
    """That the old satellite was started in, which its relative paths begin with."""

    def has(self, option: str) -> bool:
        """Whether it is there."""
        return option in self.options

    def values(self, option: str) -> tuple[str, ...]:
        """Of the last occurrence, which is the one that counted; none if it is not there."""
        return self.options[option][-1] if option in self.options else ()

    def text(self, option: str) -> str:
        """The first of them; empty if there is none, which to the old satellite was the same."""
        return next(iter(self.values(option)), "").strip()


Rule: TypeAlias = Callable[[Given], Iterator[Outcome]]


class Cannot(Exception):
    """A value that no key of ours can have: why, and what to do instead."""

    def __init__(self, why: str, instead: str = "") -> None:
        super().__init__(why)
        self.why, self.instead = why, instead


def number(text: str) -> float:
    """Of a value. Cannot if it is none."""
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise Cannot(f"{text!r} is not a number")
    return value


def whole(text: str) -> int:
    """Of a value. Cannot if it is no whole number."""
    value = number(text)
    if value != int(value):
        raise Cannot(f"{text!r} is not a whole number")
    return int(value)


def service_uri(text: str) -> str:
    """Of a Wyoming service. Cannot if it is none that can be connected to."""
    uri = text.rstrip("/")
    port = uri.rpartition(":")[2]
    is_path = uri.startswith("unix:///") and not any(c.isspace() for c in uri)
    is_tcp = uri.startswith("tcp://") and port.isascii() and port.isdecimal() and 0 < int(port[:6]) < 65536
    if not is_path and not is_tcp:
        raise Cannot(f"{text!r} is neither tcp://HOST:PORT nor unix:///PATH", "Start that service with such a --uri")
    return uri
