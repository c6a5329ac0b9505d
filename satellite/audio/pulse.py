"""PulseAudio's client library, which ALSA's device `pulse` goes through, and `default` where a sound server runs.

A server that is killed while a piece of its shared memory is being read stops the library for ever, and us with it.
"""

from collections.abc import MutableMapping
from pathlib import Path

_SYSTEM = Path("/etc/pulse/client.conf")
# the library reads one of these two, and what lies in the folder beside it
_USERS = ".config/pulse/client.conf"

# used where there is no place for one of our own
_WITHOUT_FOLDERS = Path(__file__).with_name("pulse-client.conf")


def share_no_memory(environ: MutableMapping[str, str], system: Path = _SYSTEM) -> None:
    """Has the library use a pipe instead, beside all that it is told otherwise; before it is loaded. Writes a file for that."""
    if "PULSE_CLIENTCONFIG" in environ:
        return
    given = environ.get("RUNTIME_DIRECTORY", "").partition(":")[0] or environ.get("XDG_RUNTIME_DIR", "")
    own = Path(given) / "satellite-pulse-client.conf"
    try:
        if given:
            own.write_text(_settings(Path(environ.get("HOME", "/")) / _USERS, system), "utf-8")
    except OSError:
        given = ""
    environ["PULSE_CLIENTCONFIG"] = str(own if given else _WITHOUT_FOLDERS)


def _settings(users: Path, system: Path) -> str:
    """As the library finds them, which looks into no folder where it is told a file."""
    read = users if users.exists() else system
    folder = sorted(read.with_name(read.name + ".d").glob("*.conf"))
    return "".join(f".include {path}\n" for path in (read, *folder) if path.exists()) + "enable-shm = no\n"
