"""Servers over TLS: whose certificate is trusted, what the operator is told of one that is not, and that it hears not a word."""

import asyncio
import socket
import ssl
from collections.abc import Callable, Coroutine
from pathlib import Path

import pytest

from satellite.core.units import Frames, Millis
from satellite.errors import CertificateError, ConfigError, PeerError
from satellite.mock.stt import MockStt
from satellite.peer import codec
from satellite.peer.event_service import EventService, EventServiceRule
from satellite.peer.outgoing import Place, connect, place_of
from satellite.peer.request import Request, RequestRule
from satellite.peer.servers import Servers, ServersRule
from satellite.peer.services import Kind
from satellite.peer.wake_client import WakeClient, WakeClientRule
from satellite.simulate.virtual_time import run_virtually
from satellite.trust import Trust, fingerprint, trust
from tests.certificates import make_ca, make_certificate, make_self_signed, openssl
from tests.peer.house import SOON_S, play, until_s, warnings
from tests.peer.tls_front import Front, tls_front


def _port(server: MockStt) -> int:
    return int(server.uri.rpartition(":")[2])


def _fingerprint(certificate: Path) -> str:
    return fingerprint(ssl.PEM_cert_to_DER_cert(certificate.read_text()))


async def _describes(port: int, judged: Trust | None) -> str:
    """What a server says, asked as servers are."""
    request = await Request.open("127.0.0.1", port, RequestRule(connect_s=SOON_S), judged)
    request.send(codec.describe())
    event = await request.next(SOON_S)
    request.abandon()
    return event.type


def _with_front(certificate: Path, story: Callable[[Front, MockStt], Coroutine[None, None, None]]) -> None:
    async def run() -> None:
        async with (
            asyncio.timeout(3 * SOON_S),
            MockStt(lambda samples: "") as server,
            tls_front(certificate, _port(server)) as front,
        ):
            await story(front, server)

    play(run())


def test_where_a_server_is() -> None:
    """By its URI, IPv6 in brackets."""
    assert place_of("tcp://nas.lan:10300") == Place("nas.lan", 10300, is_secure=False)
    assert place_of("tls://[fd00::7]:10743") == Place("fd00::7", 10743, is_secure=True)


def test_a_certificate_that_an_authority_has_signed_is_trusted(tmp_path: Path) -> None:
    """For the address that was asked for."""
    ca = make_ca(tmp_path, "ours")

    async def story(front: Front, server: MockStt) -> None:
        assert await _describes(front.port, trust("servers", str(ca))) == "info"

    _with_front(make_certificate(tmp_path, ca, "127.0.0.1"), story)


@pytest.mark.parametrize("written", [str.upper, str.lower, lambda pin: pin.replace(":", "")])
def test_a_certificate_that_is_pinned_is_trusted(tmp_path: Path, written: Callable[[str], str]) -> None:
    """Nobody else needs to have signed it, whatever name it has; a pin may be written as tools print it."""
    certificate = make_self_signed(tmp_path)

    async def story(front: Front, server: MockStt) -> None:
        pins = ["00" * 32, written(_fingerprint(certificate))]
        assert await _describes(front.port, trust("servers", None, pins)) == "info"

    _with_front(certificate, story)


def test_openssl_prints_the_same_fingerprint(tmp_path: Path) -> None:
    """So that the README's command gives what the log shows."""
    certificate = make_self_signed(tmp_path)
    printed = tmp_path / "printed"
    openssl("x509", "-in", str(certificate), "-noout", "-fingerprint", "-sha256", "-out", str(printed))
    assert printed.read_text().strip().endswith(f"={_fingerprint(certificate)}")


@pytest.mark.parametrize("pins", [[], ["00" * 32]])
def test_one_that_is_not_trusted_hears_not_a_word(tmp_path: Path, pins: list[str]) -> None:
    """The error has the fingerprint that was seen, ready to be pinned."""
    certificate = make_self_signed(tmp_path)

    async def story(front: Front, server: MockStt) -> None:
        with pytest.raises(CertificateError) as refused:
            await _describes(front.port, trust("servers", None, pins))
        assert str(refused.value).endswith(f"if it is yours, add to servers.pins: {_fingerprint(certificate)}")
        assert front.passed_bytes == 0

    _with_front(certificate, story)


def test_a_certificate_for_another_address_is_not_trusted(tmp_path: Path) -> None:
    """Though our own authority has signed it."""
    ca = make_ca(tmp_path, "ours")

    async def story(front: Front, server: MockStt) -> None:
        with pytest.raises(CertificateError, match="is not valid for"):
            await _describes(front.port, trust("servers", str(ca)))

    _with_front(make_certificate(tmp_path, ca, "127.0.0.9"), story)


def test_a_server_without_tls_is_told_of(tmp_path: Path) -> None:
    """It is at tcp:// or not at all: nothing falls back to clear text."""

    async def story() -> None:
        async with asyncio.timeout(SOON_S), MockStt(lambda samples: "") as server:
            with pytest.raises(PeerError):
                await _describes(_port(server), trust("servers", None))
            assert not server.journal.entries

    play(story())


def test_a_server_that_says_nothing_is_given_up() -> None:
    """A handshake has to be over as soon as a connection has to be."""

    async def story() -> None:
        with socket.create_server(("127.0.0.1", 0)) as silent, pytest.raises(PeerError, match=r"no connection within 0\.2 s"):
            port = silent.getsockname()[1]
            await Request.open("127.0.0.1", port, RequestRule(connect_s=0.2), trust("servers", None))

    play(story())


def test_a_file_without_a_certificate_is_the_operators_mistake(tmp_path: Path) -> None:
    """By its key."""
    with pytest.raises(ConfigError, match=r"^servers.ca_file: .*No such file"):
        trust("servers", str(tmp_path / "none"))
    (tmp_path / "empty").touch()
    with pytest.raises(ConfigError, match=r"^servers.ca_file: .*there is no certificate in it"):
        trust("servers", str(tmp_path / "empty"))


def test_a_wrong_certificate_is_no_storm(caplog: pytest.LogCaptureFixture) -> None:
    """It is looked at again as if it were well, once a minute; one warning."""

    async def story() -> None:
        servers = Servers(Kind.STT, ["tls://127.0.0.1:1"], ServersRule(look_s=60.0))
        server = servers.pick()
        now_s = asyncio.get_running_loop().time()
        for _ in range(3):
            servers.failed(server, CertificateError("its certificate is not trusted"))
            assert server.due_at_s == now_s + 60.0

    run_virtually(story())
    assert len(warnings(caplog)) == 1


def test_servers_are_asked_over_tls(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """Those at `tls://` among others that are not; the wrong one is told of by name."""
    certificate = make_self_signed(tmp_path)

    async def story(front: Front, server: MockStt) -> None:
        caplog.set_level("INFO")
        judged = trust("servers", None, [_fingerprint(certificate)])
        servers = Servers(Kind.STT, [front.uri, server.uri], trust=judged)
        servers.start()
        while not all(known.about for known in servers.known):
            await until_s(0.01)
        await servers.stop()
        assert front.handshakes == 1 and server.connections == 2

    _with_front(certificate, story)
    assert not warnings(caplog)


def test_a_wake_word_service_gets_the_microphone_over_tls_or_not_at_all(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """Of one with another certificate nothing passes, and one warning says so."""
    certificate = make_self_signed(tmp_path)

    async def story(front: Front, server: MockStt) -> None:
        rule = WakeClientRule(first_retry_s=0.01, most_retry_s=0.02, connect_s=SOON_S)
        words = {"alexa": Millis(0)}
        wrong = WakeClient(front.uri, words, lambda word, end: None, rule, trust("servers", None, ["00" * 32]))
        wrong.start()
        while front.handshakes < 3:
            wrong.feed(Frames(0), bytes(4096))
            await until_s(0.01)
        await wrong.stop()
        assert front.passed_bytes == 0
        right = WakeClient(front.uri, words, lambda word, end: None, rule, trust("servers", None, [_fingerprint(certificate)]))
        right.start()
        at = 0
        while not any(entry.type == "audio-chunk" for entry in server.journal.entries):
            right.feed(Frames(at), bytes(2 * 480))
            at += 480
            await until_s(0.01)
        await right.stop()

    _with_front(certificate, story)
    assert sum("its certificate is not trusted" in warning for warning in warnings(caplog)) == 1


def test_an_event_service_is_told_over_tls(tmp_path: Path) -> None:
    """As in clear."""
    certificate = make_self_signed(tmp_path)

    async def story(front: Front, server: MockStt) -> None:
        rule = EventServiceRule(connect_s=SOON_S)
        service = EventService(front.uri, rule, trust=trust("servers", None, [_fingerprint(certificate)]))
        await service.start()
        service.tell("played", {})
        while not any(entry.type == "played" for entry in server.journal.entries):
            await until_s(0.01)
        await service.stop()

    _with_front(certificate, story)


def test_what_a_server_does_not_read_has_a_bound_over_tls_too(tmp_path: Path) -> None:
    """It is counted behind the encryption."""
    certificate = make_self_signed(tmp_path)

    async def run() -> None:
        over = asyncio.Event()

        async def sit(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await over.wait()
            writer.close()

        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(certificate, certificate.with_suffix(".key"))
        server = await asyncio.start_server(sit, "127.0.0.1", 0, ssl=context)
        port = server.sockets[0].getsockname()[1]
        judged = trust("servers", None, [_fingerprint(certificate)])
        request = await Request.open("127.0.0.1", port, RequestRule(connect_s=SOON_S, unread_bytes=200_000), judged)
        with pytest.raises(PeerError, match=r"it has left \d+ bytes unread"):
            for _ in range(2000):
                request.send(codec.audio(bytes(32_000), Millis(0)))
        request.abandon()
        over.set()
        server.close()

    play(run())


def test_without_trust_it_is_in_clear() -> None:
    """For tcp://."""

    async def story() -> None:
        async with asyncio.timeout(SOON_S), MockStt(lambda samples: "") as server:
            _, writer = await connect("127.0.0.1", _port(server), SOON_S)
            assert writer.get_extra_info("ssl_object") is None
            writer.close()

    play(story())
