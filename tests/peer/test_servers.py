"""Whom to ask of several servers, and how they are looked after; in virtual time over real TCP."""

import asyncio
import logging
import socket
from collections.abc import Coroutine
from typing import Any

import pytest

from satellite.core.units import Millis
from satellite.errors import PeerError
from satellite.mock.stt import MockStt
from satellite.peer import codec
from satellite.peer.request import Request, RequestRule
from satellite.peer.servers import MOST_SERVERS, Servers, ServersRule
from satellite.peer.services import Kind
from satellite.simulate.virtual_time import run_virtually
from tests.peer.house import SOON_S
from tests.peer.names import known

A, B, C = (f"tcp://host{n}:10300" for n in "abc")


def play(story: Coroutine[None, None, None]) -> None:
    """Runs a test's story."""
    run_virtually(story)


def test_the_operators_order_counts_while_all_are_well() -> None:
    """What has been tried in this turn comes last."""
    servers = Servers(Kind.STT, [A, B, C])
    assert servers.pick().uri == A
    assert servers.pick([A]).uri == B
    assert servers.pick([B]).uri == A
    assert servers.pick([A, B, C]).uri == A


def test_one_that_failed_is_asked_when_no_other_is_left() -> None:
    """The one whose failure is longest ago first."""

    async def story() -> None:
        servers = Servers(Kind.STT, [A, B])
        a, b = servers.pick(), servers.pick([A])
        servers.failed(a, "it is down")
        assert servers.pick() is b
        later = asyncio.get_running_loop().create_future()
        asyncio.get_running_loop().call_later(1.0, later.set_result, None)
        await later
        servers.failed(b, "it is down, too")
        assert servers.pick() is a
        servers.worked(b)
        assert servers.pick() is b
        assert servers.failures == 2

    play(story())


def test_a_server_that_works_is_not_asked_whether_it_does() -> None:
    """One that makes a sentence of speech answers nobody meanwhile."""

    async def story() -> None:
        async with MockStt(lambda samples: "") as server:
            servers = Servers(Kind.STT, [server.uri], ServersRule(look_s=5.0))
            servers.start()
            await _until(lambda: _about(servers))
            began = asyncio.get_running_loop().time()
            while asyncio.get_running_loop().time() < began + 20.0:
                servers.worked(servers.pick())
                tick = asyncio.get_running_loop().create_future()
                asyncio.get_running_loop().call_later(1.0, tick.set_result, None)
                await tick
            assert len(server.journal.of("describe")) == 1
            await _until(lambda: len(server.journal.of("describe")) == 2)
            await servers.stop()

    play(story())


def test_without_any_server_the_reason_is_told() -> None:
    """Which kind is missing."""
    with pytest.raises(PeerError, match="no speech-to-text server is known"):
        Servers(Kind.STT, []).pick()


def test_what_was_discovered_is_asked_only_when_it_has_said_what_it_is() -> None:
    """It may be anything; and however many there are, they fill no memory."""

    async def story() -> None:
        async with MockStt(lambda samples: "") as server:
            servers = Servers(Kind.STT, [])
            servers.found(server.uri)
            with pytest.raises(PeerError):
                servers.pick()
            servers.start()
            await _until(lambda: _about(servers))
            assert servers.pick().uri == server.uri
            servers.lost(server.uri)
            with pytest.raises(PeerError):
                servers.pick()
            for port in range(1, 200):
                servers.found(f"tcp://127.0.0.1:{port}")
            assert len(servers.uris) <= MOST_SERVERS
            await servers.stop()

    play(story())


def _about(servers: Servers) -> bool:
    return all(server.about for server in servers.known)


async def _until(holds: Any) -> None:
    while not holds():
        tick = asyncio.get_running_loop().create_future()
        asyncio.get_running_loop().call_later(0.01, tick.set_result, None)
        await tick


def test_what_the_operator_named_is_not_lost_with_the_network() -> None:
    """A goodbye of mDNS is about what mDNS told."""
    servers = Servers(Kind.STT, [A])
    servers.lost(A)
    assert servers.pick().uri == A


def test_a_server_of_another_kind_is_not_asked(caplog: pytest.LogCaptureFixture) -> None:
    """And its owner is told, once."""
    caplog.set_level(logging.DEBUG, "satellite")

    async def story() -> None:
        async with MockStt(lambda samples: "") as server:
            servers = Servers(Kind.TTS, [server.uri], ServersRule(look_s=1.0))
            servers.start()
            await _until(lambda: len(server.journal.of("describe")) >= 3)
            with pytest.raises(PeerError, match="no text-to-speech server is known"):
                servers.pick()
            await servers.stop()
        warnings = [r.getMessage() for r in caplog.records if r.levelno == logging.WARNING]
        assert warnings == [f"{server.uri} is no text-to-speech server"]

    play(story())


def test_a_name_is_looked_up_for_every_request(monkeypatch: pytest.MonkeyPatch) -> None:
    """A server that has moved is reached at its new address by the next request."""

    async def story() -> None:
        async with MockStt(lambda samples: "", "127.0.0.2") as old, MockStt(lambda samples: "", "127.0.0.3") as new:
            where = {"ip": "127.0.0.2", "port": _port(old)}

            monkeypatch.setattr(socket, "getaddrinfo", known({"speech.house.test": lambda: [where["ip"]]}))
            for server in (old, new):
                where.update(ip=server.uri.split("//")[1].split(":")[0], port=_port(server))
                request = await Request.open("speech.house.test", int(where["port"]), RequestRule(connect_s=SOON_S))
                request.send(codec.describe())
                assert (await request.next(SOON_S)).type == "info"
                request.abandon()
                assert server.connections == 1

    # a look-up takes real time, in a thread
    asyncio.run(story())


def _port(server: MockStt) -> int:
    return int(server.uri.rpartition(":")[2])


def test_a_name_that_nobody_knows_is_a_peers_fault(monkeypatch: pytest.MonkeyPatch) -> None:
    """Told in a line, like a closed door."""

    async def story() -> None:
        monkeypatch.setattr(socket, "getaddrinfo", known({}))
        with pytest.raises(PeerError, match="no connection: Name or service not known"):
            await Request.open("nobody.house.test", 10300, RequestRule(connect_s=SOON_S))
        monkeypatch.undo()
        with socket.create_server(("127.0.0.1", 0)) as closed:
            port = closed.getsockname()[1]
        with pytest.raises(PeerError, match="no connection: Connection refused"):
            await Request.open("127.0.0.1", port, RequestRule(connect_s=SOON_S))

    asyncio.run(story())


def test_a_request_that_is_abandoned_is_closed_after_its_last_word() -> None:
    """Once, however often it is abandoned; and what is sent afterwards goes nowhere."""

    async def story() -> None:
        async with MockStt(lambda samples: "") as server:
            request = await Request.open("127.0.0.1", _port(server), RequestRule())
            assert request.is_heard
            request.abandon(codec.audio_stop(Millis(5)))
            request.abandon(codec.audio_stop(Millis(6)))
            request.send(codec.describe())
            assert not request.is_heard
            await _until(lambda: server.closed_at_s)
            assert [entry.type for entry in server.journal.entries if entry.direction == "received"] == ["audio-stop"]

    play(story())


def test_a_server_that_reads_nothing_is_given_up() -> None:
    """Before what it has not read fills the memory."""

    async def story() -> None:
        over = asyncio.Event()

        async def sit(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await over.wait()
            writer.close()

        server = await asyncio.start_server(sit, "127.0.0.1", 0)
        request = await Request.open("127.0.0.1", server.sockets[0].getsockname()[1], RequestRule(unread_bytes=100_000))
        with pytest.raises(PeerError, match=r"it has left \d+ bytes unread"):
            for _ in range(2000):
                request.send(codec.audio(bytes(32_000), Millis(0)))
        request.abandon()
        over.set()
        server.close()

    play(story())
