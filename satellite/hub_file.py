"""The hub that is remembered (`hub.remember`): its address, kept from one start to the next in a file of one line."""

import asyncio
import logging
import os
from pathlib import Path
from threading import Lock

from satellite.core.networks import Address, address

_log = logging.getLogger(__name__)

# an IPv6 address with its zone
_LARGEST_BYTES = 200


class HubFile:
    """In a directory that is there; None: what is remembered ends with us."""

    def __init__(self, directory: Path | None) -> None:
        self._path = None if directory is None else directory / "hub"
        self._lock = Lock()
        self._wanted: Address | None = None
        if self._path is None:
            _log.warning("hub.remember: there is no state directory (STATE_DIRECTORY): the hub is forgotten at the end")

    def read(self) -> Address | None:
        """Who is remembered; nobody if the file cannot be used: then the next hub is the first."""
        if self._path is None:
            return None
        try:
            with self._path.open("rb") as file:
                text = file.read(_LARGEST_BYTES).decode("ascii", "replace").strip()
        except FileNotFoundError:
            return None
        except OSError as error:
            _log.warning("hub.remember: %s cannot be read (%s): the next hub is remembered", self._path, error.strerror)
            return None
        if (found := address(text)) is None:
            _log.warning("hub.remember: there is no address in %s: the next hub is remembered", self._path)
        return found

    def keep(self, hub: Address | None) -> None:
        """From now on; nobody's any more if it is None. In a thread, as a card may be slow. For the event loop."""
        self._wanted = hub
        if self._path is not None:
            asyncio.get_running_loop().run_in_executor(None, self.write, self._path)

    def write(self, path: Path) -> None:
        """Whole or not at all; what was wanted last, whichever thread comes first."""
        with self._lock:
            hub, fresh = self._wanted, path.with_suffix(".new")
            try:
                if hub is None:
                    path.unlink(missing_ok=True)
                    return
                with fresh.open("w", encoding="ascii") as file:
                    file.write(f"{hub}\n")
                    file.flush()
                    # a power cut must not leave an empty one
                    os.fsync(file.fileno())
                fresh.replace(path)
            except OSError as error:
                _log.warning("hub.remember: cannot keep it in %s (%s): it is forgotten at the end", path, error.strerror)
