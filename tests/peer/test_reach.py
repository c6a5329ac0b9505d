"""Names and addresses that do not answer, on real sockets; in the machine's time, for name servers are asked in threads."""

import asyncio
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from satellite.errors import PeerError
from satellite.peer.outgoing import connect
from tests.peer.house import SOON_S, play
from tests.peer.names import known

# in which whoever is to fail does so
_BRIEF_S = 0.2


@contextmanager
def dead(ip: str, port: int) -> Iterator[None]:
    """An address at which nobody answers: whoever listens there has more callers than he takes."""
    with socket.socket() as full, socket.socket() as caller:
        full.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        full.bind((ip, port))
        full.listen(0)
        caller.connect((ip, port))
        yield


async def _hang_up(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.close()


async def _listening(ip: str, port: int = 0) -> tuple[asyncio.Server, int]:
    server = await asyncio.start_server(_hang_up, ip, port)
    return server, server.sockets[0].getsockname()[1]


@pytest.mark.parametrize("first", ["silent", "refuses"])
def test_a_name_with_a_dead_address_is_reached_at_the_other(monkeypatch: pytest.MonkeyPatch, first: str) -> None:
    """As a host whose IPv6 address leads nowhere: the next one is tried after a quarter of a second, or at once."""
    monkeypatch.setattr(socket, "getaddrinfo", known({"speech.test": lambda: ["127.0.0.2", "127.0.0.3"]}))

    async def story() -> None:
        server, port = await _listening("127.0.0.3")
        async with server:
            if first == "silent":
                with dead("127.0.0.2", port):
                    _, writer = await connect("speech.test", port, SOON_S)
            else:
                _, writer = await connect("speech.test", port, SOON_S)
            assert writer.get_extra_info("peername") == ("127.0.0.3", port)
            writer.close()
            await writer.wait_closed()

    play(story())


@pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
def test_an_address_needs_no_name_server(monkeypatch: pytest.MonkeyPatch, host: str) -> None:
    """Of either kind."""
    monkeypatch.setattr(socket, "getaddrinfo", known({}))

    async def story() -> None:
        server, port = await _listening(host)
        async with server:
            reader, writer = await connect(host, port, SOON_S)
            assert await reader.read() == b""
            writer.close()
            await writer.wait_closed()

    play(story())


def test_nobody_who_answers_is_a_peers_fault() -> None:
    """A closed door at once, silence when its time is over."""

    async def story() -> None:
        with socket.create_server(("127.0.0.1", 0)) as closed:
            port = closed.getsockname()[1]
        with pytest.raises(PeerError, match="no connection: Connection refused"):
            await connect("127.0.0.1", port, SOON_S)
        with dead("127.0.0.1", port), pytest.raises(PeerError, match=r"no connection within 0\.2 s"):
            await connect("127.0.0.1", port, _BRIEF_S)
        with pytest.raises(PeerError, match="no connection: "):
            await connect("a label that is far too long for a name" * 4, port, SOON_S)

    play(story())


def test_a_silent_name_server_costs_one_thread_for_a_name(monkeypatch: pytest.MonkeyPatch) -> None:
    """However often it is asked for; nobody waits longer than he said, and the answer that comes at last serves all who wait."""
    answer = threading.Event()
    asked = 0

    def slow() -> list[str]:
        nonlocal asked
        asked += 1
        assert answer.wait(SOON_S)
        return ["127.0.0.1"]

    monkeypatch.setattr(socket, "getaddrinfo", known({"slow.test": slow}))

    async def story() -> None:
        server, port = await _listening("127.0.0.1")
        async with server:
            tries = await asyncio.gather(*(connect("slow.test", port, _BRIEF_S) for _ in range(20)), return_exceptions=True)
            assert {str(error) for error in tries} == {"no connection within 0.2 s"}
            waiting = [asyncio.ensure_future(connect("slow.test", port, SOON_S)) for _ in range(3)]
            # somebody else is not kept waiting
            assert await asyncio.to_thread(lambda: "done") == "done"
            assert asked == 1
            answer.set()
            for _, writer in await asyncio.gather(*waiting):
                writer.close()
                await writer.wait_closed()

    play(story())
    assert asked == 1
