"""How a broker is reached: the password and the certificates, read once. Touches files."""

import logging
import ssl
import stat
from dataclasses import dataclass, field
from pathlib import Path

from satellite.config.peers import Mqtt
from satellite.errors import ConfigError
from satellite.trust import verified

_log = logging.getLogger(__name__)

# a password; what is larger is another file
_MOST_BYTES = 4096


@dataclass(frozen=True, slots=True)
class Access:
    """All that a connection needs. The password is in no text of it."""

    host: str
    port: int
    user: str | None = None
    password: str | None = field(default=None, repr=False)
    tls: ssl.SSLContext | None = None

    def __str__(self) -> str:
        """For the log."""
        return f"{self.host}:{self.port}"


def access(config: Mqtt) -> Access:
    """As configured, with a host. ConfigError if a file cannot be used."""
    if config.host is None:
        raise ConfigError("mqtt.host: there is none")
    password = _password(config.password_file) if config.password_file else None
    tls = verified("mqtt", config.ca_file) if config.tls else None
    return Access(config.host, config.port, config.user, password, tls)


def _password(path: str) -> str:
    try:
        with Path(path).open("rb") as file:
            mode = stat.S_IMODE(Path(path).stat().st_mode)
            content = file.read(_MOST_BYTES + 1)
        password = content.decode("utf-8").removesuffix("\n").removesuffix("\r")
    except OSError as error:
        raise ConfigError(f"mqtt.password_file: {path}: {error.strerror}") from error
    except UnicodeDecodeError:
        # not from it: it holds the password
        raise ConfigError(f"mqtt.password_file: {path}: it is not UTF-8") from None
    if not password:
        raise ConfigError(f"mqtt.password_file: {path}: it is empty")
    if len(content) > _MOST_BYTES:
        raise ConfigError(f"mqtt.password_file: {path}: it is too large for a password")
    if mode & stat.S_IROTH:
        _log.warning("mqtt.password_file: everybody on this machine can read %s; `chmod 600` it", path)
    return password
