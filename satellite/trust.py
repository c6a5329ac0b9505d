"""How the certificate of a server is judged: by authorities, or by its own fingerprint. Reads files."""

import hashlib
import ssl
from collections.abc import Iterable
from dataclasses import dataclass

from satellite.errors import ConfigError


@dataclass(frozen=True, slots=True)
class Trust:
    """For any number of connections."""

    context: ssl.SSLContext
    pins: frozenset[str] = frozenset()
    """If there are any, a certificate has to be one of these, and need not be signed by anybody."""

    def is_pinned(self, certificate: bytes) -> bool:
        """Whether this one, in DER, is among them."""
        return plain(fingerprint(certificate)) in self.pins


def trust(key: str, ca_file: str | None, pins: Iterable[str] = ()) -> Trust:
    """By what the section `key` says. ConfigError if the file cannot be used."""
    if known := frozenset(map(plain, pins)):
        context = ssl.create_default_context()
        # the fingerprint says more than a name, and is looked at before anything is sent
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        return Trust(context, known)
    return Trust(verified(key, ca_file))


def verified(key: str, ca_file: str | None) -> ssl.SSLContext:
    """Verifies certificate and name, always. ConfigError if the file cannot be used."""
    try:
        return ssl.create_default_context(cafile=ca_file)
    # an SSLError is an OSError too, and has no such text
    except ssl.SSLError as error:
        raise ConfigError(f"{key}.ca_file: {ca_file}: there is no certificate in it: {error.reason or error}") from error
    except OSError as error:
        raise ConfigError(f"{key}.ca_file: {ca_file}: {error.strerror}") from error


def fingerprint(certificate: bytes) -> str:
    """SHA-256 of a certificate in DER, as `openssl x509 -fingerprint -sha256` writes it."""
    return hashlib.sha256(certificate).digest().hex(":").upper()


def plain(pin: str) -> str:
    """However it is written."""
    return pin.replace(":", "").lower()
