"""How a broker is reached: the password and the certificates, read once. Touches files."""

import ssl
from dataclasses import dataclass, field

from satellite.config.peers import Mqtt
from satellite.errors import ConfigError
from satellite.secret_file import secret
from satellite.trust import verified


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
    password = secret("mqtt.password_file", config.password_file) if config.password_file else None
    tls = verified("mqtt", config.ca_file) if config.tls else None
    return Access(config.host, config.port, config.user, password, tls)
