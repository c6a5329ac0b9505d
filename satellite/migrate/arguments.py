"""Words to options with values, by the rules of the argparse that the old satellite reads them with."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from satellite.migrate.outcome import Tells

# so many values as there are
MANY: Final = -1

_NEGATIVE = re.compile(r"-\d+|-\d*\.\d+")


@dataclass(frozen=True, slots=True)
class Occurrence:
    """An option, by its full name, and its values."""

    option: str
    values: tuple[str, ...]


def occurrences(words: Sequence[str], takes: Mapping[str, int]) -> Iterator[Occurrence | Tells]:
    """The options among the words, each with as many values as it takes, and what cannot be understood."""
    rest = list(words)
    while rest:
        word = rest.pop(0)
        if _is_value(word, takes):
            yield Tells(word, "belongs to no option", "Are quotes missing around a value, or is it a comment?")
            continue
        name, equals, value = word.partition("=")
        matches = _matches(name, takes)
        if len(matches) != 1:
            yield Tells(name, f"could be {' or '.join(matches)}" if matches else "is no option of wyoming-satellite 1.4.1")
            while rest and _is_value(rest[0], takes):
                rest.pop(0)
            continue
        yield _with_values(matches[0], [value] if equals else _values(rest, takes, takes[matches[0]]), takes)


def _with_values(option: str, values: Sequence[str], takes: Mapping[str, int]) -> Occurrence | Tells:
    most = takes[option]
    if (most == MANY and values) or len(values) == most:
        return Occurrence(option, tuple(values))
    wanted = {0: "takes no value", 1: "has no value", 2: "needs two values", MANY: "has no value"}[most]
    return Tells(option, wanted, "Is a quote or a backslash missing?")


def _values(rest: list[str], takes: Mapping[str, int], most: int) -> list[str]:
    values: list[str] = []
    while rest and len(values) != most and _is_value(rest[0], takes):
        values.append(rest.pop(0))
    return values


def _matches(name: str, takes: Mapping[str, int]) -> list[str]:
    """The options that it may be short for."""
    if name in takes:
        return [name]
    return [option for option in takes if option.startswith(name)] if name.startswith("--") and len(name) > 2 else []


def _is_value(word: str, takes: Mapping[str, int]) -> bool:
    if not word.startswith("-") or word == "-" or _NEGATIVE.fullmatch(word):
        return True
    # a text with a space is a value, whatever it begins with
    return " " in word and not _matches(word.partition("=")[0], takes)
