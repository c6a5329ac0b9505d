"""What the self-tests found, kept from one start to the next: a small JSON file for each pair of devices.

It only saves the satellite from learning its room anew. So whatever is wrong with it is logged, and never an error.
"""

import hashlib
import logging
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Literal

import msgspec

from satellite.core.health import Health
from satellite.core.self_test import SelfTested

# an SD card lives longer, and what a power cut can take is a minute's answers
WRITE_AFTER_S = 60.0

# it has half a kilobyte
_LARGEST_BYTES = 16 * 1024

_log = logging.getLogger(__name__)


class _Content(msgspec.Struct, frozen=True):
    version: Literal[1]
    microphone: str
    speaker: str
    health: Health


class HealthFile:
    """Of one microphone and loudspeaker, by their ALSA names, in a directory that is there. Touches files."""

    def __init__(self, directory: Path, microphone: str, speaker: str) -> None:
        self._microphone, self._speaker = microphone, speaker
        pair = hashlib.sha256(f"{microphone}\n{speaker}".encode()).hexdigest()[:12]
        self.path = directory / f"health-{pair}.json"
        self._has_failed = False

    def read(self) -> Health:
        """What was kept; a fresh one if there is nothing, or nothing that can be used."""
        try:
            with self.path.open("rb") as file:
                content = msgspec.json.decode(file.read(_LARGEST_BYTES), type=_Content)
        except FileNotFoundError:
            return Health()
        except (OSError, msgspec.MsgspecError, UnicodeDecodeError) as error:
            return self._unusable(getattr(error, "strerror", None) or str(error))
        if (content.microphone, content.speaker) != (self._microphone, self._speaker):
            return self._unusable(f"it is of {content.microphone} and {content.speaker}")
        if not content.health.is_possible:
            return self._unusable("its numbers cannot be")
        return content.health

    def write(self, health: Health) -> None:
        """Replaces it, whole or not at all."""
        content = _Content(1, self._microphone, self._speaker, health)
        fresh = self.path.with_suffix(".new")
        try:
            fresh.write_bytes(msgspec.json.format(msgspec.json.encode(content)) + b"\n")
            fresh.replace(self.path)
        except OSError as error:
            level = logging.DEBUG if self._has_failed else logging.WARNING
            self._has_failed = True
            _log.log(level, "cannot keep what the self-tests found in %s: %s", self.path, error.strerror)

    def _unusable(self, why: str) -> Health:
        _log.warning("%s cannot be used, and the self-tests begin anew: %s", self.path, why)
        return Health()


class HealthKeeper:
    """The health of a microphone and a loudspeaker, as long as we run, and in `directory` for longer."""

    def __init__(
        self,
        directory: Path | None,
        devices: tuple[str, str],
        clock: Callable[[], float],
        submit: Callable[[Callable[[], None]], bool],
    ) -> None:
        """Reads the file. `submit` has slow work done by somebody else, and says whether it will be."""
        self._file = None if directory is None else HealthFile(directory, *devices)
        self._clock, self._submit = clock, submit
        self._written_at_s = clock()
        if self._file is None:
            _log.debug("no state directory: what the self-tests find is forgotten at the next start")
        self.health = self._found = Health() if self._file is None else self._file.read()

    def learn(self, test: SelfTested) -> Health:
        """One more reply; kept at once if that has not been done for a while, else by a later one or by `close`."""
        self.health = self.health.after(test)
        is_due = self._clock() - self._written_at_s >= WRITE_AFTER_S
        if self._file is not None and is_due and self._submit(partial(self._file.write, self.health)):
            self._written_at_s = self._clock()
        return self.health

    def close(self) -> None:
        """Keeps what has been learnt, here and now: what was submitted may have been too late."""
        if self._file is not None and self.health != self._found:
            self._file.write(self.health)
