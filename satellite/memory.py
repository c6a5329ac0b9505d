"""What was set while we ran, kept from one start to the next: volume, mute and the like; a small JSON file.

It only saves the user from setting it again. So whatever is wrong with it is logged, and never an error.
"""

import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

import msgspec

# it has a few hundred bytes
_LARGEST_BYTES = 16 * 1024

_log = logging.getLogger(__name__)


class Change(msgspec.Struct, frozen=True):
    """Of a key: what the configuration said when it was changed, and what was said instead."""

    configured: Any
    now: Any


class Memory(msgspec.Struct, frozen=True):
    """All of it. A change holds for as long as the configuration says what it said then: who edits that means it."""

    version: Literal[1] = 1
    is_muted: bool = False
    changes: Mapping[str, Change] = {}

    def applied(self, configured: Mapping[str, object]) -> dict[str, Any]:
        """The changes that hold, by their keys."""
        return {key: c.now for key, c in self.changes.items() if key in configured and configured[key] == c.configured}


class MemoryFile:
    """In a directory that is there; None: nothing is kept. Touches files."""

    def __init__(self, directory: Path | None) -> None:
        self._path = None if directory is None else directory / "settings.json"

    def read(self) -> Memory:
        """What was kept; nothing if there is none, or none that can be used."""
        if self._path is None:
            return Memory()
        try:
            with self._path.open("rb") as file:
                return msgspec.json.decode(file.read(_LARGEST_BYTES), type=Memory)
        except FileNotFoundError:
            return Memory()
        except (OSError, msgspec.MsgspecError, UnicodeDecodeError) as error:
            _log.warning("%s cannot be used, and nothing of it is: %s", self._path, getattr(error, "strerror", None) or error)
            return Memory()

    def write(self, memory: Memory) -> None:
        """Replaces it, whole or not at all."""
        if self._path is None:
            return
        fresh = self._path.with_suffix(".new")
        try:
            fresh.write_bytes(msgspec.json.format(msgspec.json.encode(memory)) + b"\n")
            fresh.replace(self._path)
        except OSError as error:
            _log.warning("cannot keep in %s what was set: %s", self._path, error.strerror)
