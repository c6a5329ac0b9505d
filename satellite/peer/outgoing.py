"""A connection to a server: in clear, or over TLS. What stands at the other end is judged before a word is sent."""

import asyncio
import ssl
from dataclasses import dataclass

from satellite.errors import CertificateError, PeerError
from satellite.peer.reach import reached, reason
from satellite.trust import Trust, fingerprint

Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]

_TLS = "tls"

# a server that is asked to close its half of TLS and does not is left
_SHUTDOWN_S = 1.0
# what waits for it in front of the socket, as without TLS
_HIGH_WATER_BYTES = 64 * 1024


@dataclass(frozen=True, slots=True)
class Place:
    """Where a server is."""

    host: str
    port: int
    is_secure: bool


def place_of(uri: str) -> Place:
    """Of a `tcp://HOST:PORT` or `tls://HOST:PORT`."""
    scheme, _, rest = uri.partition("://")
    host, _, port = rest.rpartition(":")
    return Place(host.strip("[]"), int(port), scheme == _TLS)


async def connect(host: str, port: int, most_s: float, trust: Trust | None = None) -> Streams:
    """In clear without `trust`; the host's name is looked up each time. PeerError says why not; CertificateError is one."""
    try:
        async with asyncio.timeout(most_s):
            return await (_open(host, port, None) if trust is None else _open_trusted(host, port, trust))
    except TimeoutError:
        raise PeerError(f"no connection within {most_s:g} s") from None
    except (OSError, UnicodeError) as error:
        raise PeerError(f"no connection: {reason(error)}") from None


async def _open_trusted(host: str, port: int, trust: Trust) -> Streams:
    try:
        reader, writer = await _open(host, port, trust.context)
    except ssl.SSLCertVerificationError as error:
        seen = await _certificate(host, port)
        raise CertificateError(_advice(error.verify_message.rstrip("."), seen)) from None
    except ssl.SSLError as error:
        raise PeerError(f"no TLS: {(error.reason or str(error)).replace('_', ' ').lower()}") from None
    writer.transport.set_write_buffer_limits(high=_HIGH_WATER_BYTES)
    certificate = _of(writer)
    if trust.pins and not trust.is_pinned(certificate):
        writer.transport.abort()
        raise CertificateError(_advice("it is not among servers.pins", certificate))
    return reader, writer


async def _open(host: str, port: int, context: ssl.SSLContext | None) -> Streams:
    sock = await reached(host, port)
    try:
        if context is None:
            return await asyncio.open_connection(sock=sock)
        return await asyncio.open_connection(sock=sock, ssl=context, server_hostname=host, ssl_shutdown_timeout=_SHUTDOWN_S)
    except BaseException:
        sock.close()
        raise


async def _certificate(host: str, port: int) -> bytes:
    """Of whoever is there, on a connection that is closed at once: the handshake that failed has thrown its own away."""
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    try:
        _, writer = await _open(host, port, context)
    except OSError:
        return b""
    writer.transport.abort()
    return _of(writer)


def _of(writer: asyncio.StreamWriter) -> bytes:
    certificate: bytes = writer.get_extra_info("ssl_object").getpeercert(binary_form=True)
    return certificate


def _advice(why: str, certificate: bytes) -> str:
    seen = f"; if it is yours, add to servers.pins: {fingerprint(certificate)}" if certificate else ""
    return f"its certificate is not trusted: {why}{seen}"
