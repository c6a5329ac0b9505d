"""How much a service holds: everything that grows is found by walking through its objects, not by a list that gets old."""

import resource
from collections import Counter, deque
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

# a reply of minutes, a preroll of 30 s, the tables of the detectors
MOST_BYTES = 64 * 1024 * 1024
# the preroll at rest has three seconds in periods; half a minute while an utterance is kept
MOST_ITEMS = 4000

_CONTAINERS = (list, deque, dict, set, frozenset, tuple)
# deeper than our objects are nested
_DEEPEST = 14


@dataclass(frozen=True, slots=True)
class Sizes:
    """At one moment."""

    bytes_held: int
    most_items: int
    where: str
    """The attribute with the most items."""


def sizes_of(root: object) -> Sizes:
    """Of an object of ours and all of ours that it refers to."""
    held, most, where = 0, 0, ""
    for path, value in _reachable(root):
        if isinstance(value, bytes | bytearray):
            held += len(value)
        elif isinstance(value, np.ndarray):
            held += value.nbytes
        elif len(value) > most:
            most, where = len(value), path
    return Sizes(held, most, where)


def _reachable(root: object) -> Iterator[tuple[str, Any]]:
    """Containers, bytes and arrays, each once, with the way to it."""
    seen: set[int] = set()
    waiting: list[tuple[str, object, int]] = [(type(root).__name__, root, 0)]
    while waiting:
        path, value, depth = waiting.pop()
        if id(value) in seen or depth > _DEEPEST:
            continue
        seen.add(id(value))
        if isinstance(value, bytes | bytearray | np.ndarray):
            yield path, value
        elif isinstance(value, Mapping):
            yield path, value
            waiting += [(f"{path}[]", item, depth + 1) for item in (*value.keys(), *value.values())]
        elif isinstance(value, _CONTAINERS):
            yield path, value
            waiting += [(f"{path}[]", item, depth + 1) for item in value]
        elif type(value).__module__.startswith("satellite.") and not type(value).__module__.startswith(_STAGE):
            waiting += [(f"{path}.{name}", item, depth + 1) for name, item in _attributes(value)]


# what stands around the service is not the service
_STAGE = ("satellite.chaos.", "satellite.simulate.", "satellite.mock.")


def _attributes(value: object) -> Iterator[tuple[str, object]]:
    names = set(getattr(value, "__dict__", ()))
    for kind in type(value).__mro__:
        slots = getattr(kind, "__slots__", ())
        names.update((slots,) if isinstance(slots, str) else slots)
    return ((name, getattr(value, name)) for name in sorted(names) if hasattr(value, name))


def resident_mb() -> float:
    """Of this process, by the kernel."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * resource.getpagesize() / 1e6


def growth(earlier: Counter[str], now: Counter[str]) -> list[str]:
    """Of what there are more now."""
    return [f"{count - earlier[name]} more {name}" for name, count in now.items() if count > earlier[name]]
