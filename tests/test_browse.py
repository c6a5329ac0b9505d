"""Looking for servers, by real mDNS on the loopback interface; and what comes of it."""

import logging
import secrets
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import pytest
from zeroconf.asyncio import AsyncServiceInfo, AsyncZeroconf

from satellite.addresses import Address
from satellite.browse import Browser, BrowseRule
from satellite.config import Config, Dialog, Mode, Stt, Tts
from satellite.discovery import SERVICE_TYPE, open_on
from satellite.errors import PeerError
from satellite.links import browser, providers
from satellite.mock.agent import keyword_agent
from satellite.mock.dialog import MockDialog
from satellite.mock.stt import MockStt
from satellite.mock.wire import MockServer
from satellite.peer.servers import Servers, ServersRule
from satellite.peer.services import Kind
from tests.browser import play, until

HERE = Address("127.0.0.1", "lo", 1)
ELSEWHERE = Address("127.0.0.2", "lo", 1)
QUICK = BrowseRule(first_retry_s=0.01, longest_retry_s=0.02, look_s=0.02, answer_s=3.0)
_LOOK = ServersRule(look_s=0.2, first_retry_s=0.05)


class _Announced:
    """A server that the network knows of, under a name that no other test has."""

    def __init__(self, port: int) -> None:
        self.network = AsyncZeroconf(interfaces=["127.0.0.1"])
        self._name = f"test-{secrets.token_hex(8)}"
        self.info = self._at("127.0.0.1", port)

    def _at(self, ip: str, port: int) -> AsyncServiceInfo:
        name = f"{self._name}.{SERVICE_TYPE}"
        return AsyncServiceInfo(SERVICE_TYPE, name, port=port, server=f"{self._name}.local.", parsed_addresses=[ip])

    async def move(self, ip: str, port: int) -> None:
        """It has another address."""
        self.info = self._at(ip, port)
        await (await self.network.async_update_service(self.info))


@asynccontextmanager
async def _announced(port: int) -> AsyncIterator[_Announced]:
    server = _Announced(port)
    await (await server.network.async_register_service(server.info, cooperating_responders=True))
    try:
        yield server
    finally:
        await server.network.async_unregister_all_services()
        await server.network.async_close()


@asynccontextmanager
async def _browsing(
    found: Callable[[str], None],
    lost: Callable[[str], None],
    look: Callable[[], frozenset[Address]] = lambda: frozenset({HERE}),
    open_zeroconf: Callable[[frozenset[Address]], AsyncZeroconf] = open_on,
) -> AsyncIterator[None]:
    ear = Browser(found, lost, QUICK, look, open_zeroconf)
    ear.start()
    ear.start()
    try:
        yield
    finally:
        await ear.stop()


def test_a_server_is_found_followed_and_missed() -> None:
    """By its address; when that changes the old one is lost; and when it says goodbye, the new one is."""

    async def story() -> None:
        found: list[str] = []
        lost: list[str] = []
        async with _browsing(found.append, lost.append):
            async with _announced(50_001) as server:
                await until(lambda: "tcp://127.0.0.1:50001" in found)
                await server.move("127.0.0.2", 50_002)
                await until(lambda: "tcp://127.0.0.2:50002" in found and "tcp://127.0.0.1:50001" in lost)
            await until(lambda: "tcp://127.0.0.2:50002" in lost)

    play(story())


def test_servers_are_looked_for_from_every_address_that_we_get() -> None:
    """At boot there is none yet, then one, and then another; who was found before is found again."""

    async def story() -> None:
        found: list[str] = []
        lost: list[str] = []
        addresses: set[Address] = set()
        async with _announced(50_004), _browsing(found.append, lost.append, lambda: frozenset(addresses)):
            addresses |= {HERE}
            await until(lambda: found.count("tcp://127.0.0.1:50004") == 1)
            addresses ^= {HERE, ELSEWHERE}
            await until(lambda: found.count("tcp://127.0.0.1:50004") == 2)
            assert "tcp://127.0.0.1:50004" not in lost

    play(story())


def test_a_server_that_left_while_we_had_no_network_is_missed() -> None:
    """Nobody heard its goodbye; whoever does not answer when he is asked anew is lost."""

    async def story() -> None:
        found: list[str] = []
        lost: list[str] = []
        addresses = {HERE}
        networks: list[AsyncZeroconf] = []

        def opened(on: frozenset[Address]) -> AsyncZeroconf:
            networks.append(open_on(on))
            return networks[-1]

        async with _announced(50_005), _browsing(found.append, lost.append, lambda: frozenset(addresses), opened):
            async with _announced(50_006):
                await until(lambda: {"tcp://127.0.0.1:50005", "tcp://127.0.0.1:50006"} <= {*found})
                addresses.clear()
                await until(lambda: networks[-1].zeroconf.done)
            addresses.add(HERE)
            await until(lambda: "tcp://127.0.0.1:50006" in lost)
            assert "tcp://127.0.0.1:50005" not in lost

    play(story())


def test_what_is_found_is_asked_what_it_is() -> None:
    """Of two servers each is taken for what it says that it does."""

    async def story() -> None:
        stt, dialog = Servers(Kind.STT, [], _LOOK), Servers(Kind.DIALOG, [], _LOOK)

        def found(uri: str) -> None:
            stt.found(uri)
            dialog.found(uri)

        async with MockStt(lambda samples: "") as hears, MockDialog(keyword_agent({})) as talks:
            stt.start()
            dialog.start()
            async with _browsing(found, lambda uri: None), _announced(_port(hears)), _announced(_port(talks)):
                await until(lambda: _is_known(stt, hears.uri) and _is_known(dialog, talks.uri))
            await stt.stop()
            await dialog.stop()

    play(story())


def _port(server: MockServer) -> int:
    return int(server.uri.rpartition(":")[2])


def _is_known(servers: Servers, uri: str) -> bool:
    """Whether that is whom it would ask, and no other."""
    try:
        return servers.pick().uri == uri and servers.pick([uri]).uri == uri
    except PeerError:
        return False


def test_a_network_that_comes_late_is_waited_for(caplog: pytest.LogCaptureFixture) -> None:
    """One warning, however often it is tried."""
    caplog.set_level(logging.DEBUG, "satellite")
    left = [OSError("Network is unreachable")] * 3

    def open_late(addresses: frozenset[Address]) -> AsyncZeroconf:
        if left:
            raise left.pop()
        return open_on(addresses)

    async def story() -> None:
        found: list[str] = []
        ear = Browser(found.append, lambda uri: None, QUICK, lambda: frozenset({HERE}), open_late)
        async with _announced(50_003):
            ear.start()
            await until(lambda: "tcp://127.0.0.1:50003" in found)
            await ear.stop()

    play(story())
    levels = [r.levelno for r in caplog.records if "cannot look for servers" in r.getMessage()]
    assert levels == [logging.WARNING, logging.DEBUG, logging.DEBUG]


@pytest.mark.parametrize(
    ("mode", "stt", "tts", "is_needed"),
    [
        (Mode.STANDALONE, "tcp://a:1", "tcp://a:1", False),
        (Mode.STANDALONE, "tcp://a:1", "discover", True),
        (Mode.STANDALONE, "discover", "tcp://a:1", True),
        (Mode.HUB, "discover", "tcp://a:1", False),
        (Mode.HUB, "tcp://a:1", "discover", True),
    ],
)
def test_only_what_is_needed_is_looked_for(mode: Mode, stt: str, tts: str, is_needed: bool) -> None:
    """Beside a hub that is who speaks for programs, and nobody if the address is known."""
    config = Config(mode=mode, stt=Stt(uri=stt), dialog=Dialog(uri="tcp://a:2"), tts=Tts(uri=tts))
    assert (browser(config, providers(config)) is not None) == is_needed
