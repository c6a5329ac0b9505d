"""Who this satellite is to its network: a name that stays when its owner renames it, moves it, or installs it again.

Home Assistant knows a discovered device by its mDNS instance name together with the satellite's name, and takes every new
pair for a new device. So the instance name is no child of the configuration: whoever renames the satellite, and back again,
finds the same device. It comes from the machine; not from a network card, whose address may be random, or another's tomorrow.
"""

import hmac
import logging
import os
import re
import secrets
from pathlib import Path

_log = logging.getLogger(__name__)

# ours, from `systemd-id128 new`: with another one every satellite is a stranger to its Home Assistant
_APPLICATION = bytes.fromhex("25f9082eb4bc49c4b26e5dd95c0db1fa")

_MACHINE_ID = Path("/etc/machine-id")
# on a first boot, or in a container, the file may be empty or say "uninitialized"
_IS_MACHINE_ID = re.compile(r"(?!0{32})[0-9a-f]{32}")

# enough for a house, short enough to be compared by eye
_BYTES = 4
_IS_OURS = re.compile(rf"[0-9a-f]{{{2 * _BYTES}}}")

# where Home Assistant expects a satellite; one on another port is the second of its machine, and says so
_USUAL_PORT = 10700


def state_directory() -> Path:
    """Where the daemon keeps what must outlive it: systemd's directory, else the user's."""
    # in a container a user may have no home
    return given_state_directory() or Path(os.environ.get("HOME", "/")) / ".local/state/satellite"


def given_state_directory() -> Path | None:
    """Only systemd's, which is there, and goes with the satellite."""
    given = os.environ.get("STATE_DIRECTORY", "").partition(":")[0]
    return Path(given) if given else None


class Identity:
    """The name of the satellite that listens on this port. Touches files: not for the event loop."""

    def __init__(self, port: int, state: Path | None = None, machine_id: Path = _MACHINE_ID) -> None:
        self._port, self._machine_id = port, machine_id
        self._file = (state or state_directory()) / "identity"
        self._drawn: str | None = None

    def name(self) -> str:
        """The same at every call, after every boot; what was once drawn comes before what the machine says."""
        identity = self._drawn or self._kept() or self._of_the_machine() or self._draw()
        return f"satellite-{identity}" + ("" if self._port == _USUAL_PORT else f"-{self._port}")

    def renew(self) -> str:
        """Another name, for good: the machine's is taken."""
        self._draw()
        return self.name()

    def _kept(self) -> str | None:
        return _read(self._file, _IS_OURS)

    def _of_the_machine(self) -> str | None:
        """As `sd_id128_get_machine_app_specific` makes it: it tells nobody the machine's id, which is a secret."""
        machine_id = _read(self._machine_id, _IS_MACHINE_ID)
        return machine_id and hmac.digest(bytes.fromhex(machine_id), _APPLICATION, "sha256")[:_BYTES].hex()

    def _draw(self) -> str:
        self._drawn = secrets.token_hex(_BYTES)
        fresh = self._file.with_suffix(".new")
        try:
            self._file.parent.mkdir(parents=True, exist_ok=True)
            fresh.write_text(f"{self._drawn}\n", "ascii")
            fresh.replace(self._file)
        except OSError as error:
            _log.warning(
                "cannot keep the satellite's identity in %s (%s): Home Assistant will find a new device after every start",
                self._file,
                error.strerror,
            )
        return self._drawn


def _read(path: Path, pattern: re.Pattern[str]) -> str | None:
    """A file's only word, if it is such a one."""
    try:
        word = path.read_text("ascii").strip()
    except (OSError, UnicodeDecodeError):
        return None
    return word if pattern.fullmatch(word) else None
