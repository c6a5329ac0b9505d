"""A secret in a file: read once, and who else can read it is told. Touches files."""

import logging
import os
import stat
from collections.abc import Mapping
from pathlib import Path

from satellite.errors import ConfigError

_log = logging.getLogger(__name__)

# a password; what is larger is another file
_MOST_BYTES = 4096

# containers mount theirs here, for everybody in a container that is the satellite's alone
_CONTAINERS = Path("/run/secrets")


def secret(key: str, path: str, environ: Mapping[str, str] = os.environ) -> str:
    """The text of a file without its last newline. ConfigError, by the key, if there is none; the secret is in no message.

    That others can read it is a warning and no more: the satellite of somebody who mounts it in some way that is unknown here
    must not stay away.
    """
    try:
        with Path(path).open("rb") as file:
            status = os.fstat(file.fileno())
            content = file.read(_MOST_BYTES + 1)
        text = content.decode("utf-8").removesuffix("\n").removesuffix("\r")
    except OSError as error:
        raise ConfigError(f"{key}: {path}: {error.strerror}") from error
    except UnicodeDecodeError:
        # not from it: it holds the secret
        raise ConfigError(f"{key}: {path}: it is not UTF-8") from None
    if not text:
        raise ConfigError(f"{key}: {path}: it is empty")
    if len(content) > _MOST_BYTES:
        raise ConfigError(f"{key}: {path}: it is too large for a password")
    if (who := _others(status)) and not _is_credential(Path(path), environ):
        _log.warning("%s: %s can read %s; `chmod 600` it, as its owner the satellite's user", key, who, path)
    return text


def _others(status: os.stat_result) -> str:
    """Who else can read it; a group that is the satellite's own, such as root:satellite 0640, has nobody else in it."""
    if status.st_mode & stat.S_IROTH:
        return "everybody on this machine"
    is_foreign = status.st_gid not in (0, os.getegid())
    return f"the group {status.st_gid}" if status.st_mode & stat.S_IRGRP and is_foreign else ""


def _is_credential(path: Path, environ: Mapping[str, str]) -> bool:
    """Whether systemd (LoadCredential=) or a container's manager keeps it, who see to it themselves."""
    kept = [_CONTAINERS, *map(Path, filter(None, [environ.get("CREDENTIALS_DIRECTORY")]))]
    return any(path.is_relative_to(folder) for folder in kept)
