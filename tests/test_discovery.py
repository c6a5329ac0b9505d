"""Discovery, by real mDNS on the loopback interface."""

import asyncio
import errno
import logging
import re
import secrets
import socket
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, closing, suppress
from dataclasses import replace
from pathlib import Path

import pytest
from zeroconf import DNSIncoming
from zeroconf.asyncio import AsyncServiceInfo, AsyncZeroconf

from satellite import __version__
from satellite.addresses import Address, reachable_addresses
from satellite.discovery import SERVICE_TYPE, Announcer, DiscoveryRule
from satellite.identity import Identity
from tests.browser import SOON_S, browser, play, until

HERE = Address("127.0.0.1", "lo", 1)
# the whole network 127/8 is this machine's, as good as another machine to whoever was told of one address
ELSEWHERE = Address("127.0.0.2", "lo", 1)
THIRD = Address("127.0.0.3", "lo", 1)

QUICK = DiscoveryRule(look_s=0.02, first_retry_s=0.01, longest_retry_s=0.02, ask_s=0.05)
# with time for the answer of whoever has the name
PATIENT = replace(QUICK, ask_s=DiscoveryRule().ask_s)

Opener = Callable[[frozenset[Address]], AsyncZeroconf]


class Machine:
    """Has a name that no other test has, some addresses, and whatever network `opener` opens."""

    def __init__(self, home: Path, *addresses: Address, machine_id: str | None = None) -> None:
        self.addresses = frozenset(addresses)
        self._home, self.machine_id = home, machine_id or secrets.token_hex(16)
        home.mkdir(exist_ok=True)
        (home / "machine-id").write_text(self.machine_id)
        self.looks = 0

    @property
    def identity(self) -> Identity:
        """As after a boot."""
        return Identity(10700, self._home / "state", self._home / "machine-id")

    @property
    def name(self) -> str:
        """Under which it is announced."""
        return self.identity.name()

    def announcer(self, opener: Opener | None = None, rule: DiscoveryRule = QUICK) -> Announcer:
        """Of a satellite on port 10700."""
        return Announcer(self.identity, 10700, self._look, rule, opener)

    def _look(self) -> frozenset[Address]:
        self.looks += 1
        return self.addresses

    @asynccontextmanager
    async def announced(self, opener: Opener | None = None, rule: DiscoveryRule = QUICK) -> AsyncIterator[Announcer]:
        """Announces it, and stops at the end."""
        announcer = self.announcer(opener, rule)
        announcer.start()
        try:
            yield announcer
        finally:
            await announcer.stop()


@asynccontextmanager
async def somebody(name: str, address: Address) -> AsyncIterator[None]:
    """Somebody who announces under this name without asking whether it is free."""
    network = AsyncZeroconf(interfaces=[address.ip])
    info = AsyncServiceInfo(
        SERVICE_TYPE, f"{name}.{SERVICE_TYPE}", port=10700, server=f"{name}.local.", parsed_addresses=[address.ip]
    )
    await (await network.async_register_service(info, cooperating_responders=True))
    try:
        yield
    finally:
        await network.async_close()


def said(caplog: pytest.LogCaptureFixture, level: int) -> list[str]:
    """What was logged at a level."""
    return [r.getMessage() for r in caplog.records if r.levelno == level and r.name == "satellite.discovery"]


@pytest.fixture(autouse=True)
def no_surprises(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    """Fails a test during which an exception was left for asyncio to report."""
    caplog.set_level(logging.DEBUG, "satellite")
    yield
    assert [r.getMessage() for r in caplog.get_records("call") if r.levelno >= logging.ERROR] == []


def test_it_is_found_and_missed(tmp_path: Path) -> None:
    """Under its name, at all its addresses of both kinds, with its port and version; and gone at once when it stops."""
    loopback = reachable_addresses("127.0.0.1") | reachable_addresses("::1")
    assert HERE.ip in {a.ip for a in loopback}

    async def story() -> None:
        machine = Machine(tmp_path, *loopback)
        async with browser() as home_assistant:
            async with machine.announced():
                await home_assistant.until_added(machine.name)
                info = await home_assistant.resolve(machine.name)
                assert info.port == 10700
                assert sorted(info.parsed_addresses()) == sorted(a.ip for a in loopback)
                assert info.properties == {b"version": __version__.encode()}
                assert info.server == f"{machine.name}.local."
            await home_assistant.until_removed(machine.name)

    play(story())


def test_new_addresses_are_announced(tmp_path: Path) -> None:
    """A satellite that moves is known at its new address, and no longer at the old one."""

    async def story() -> None:
        machine = Machine(tmp_path, HERE)
        async with browser() as home_assistant, machine.announced():
            await home_assistant.until_added(machine.name)
            machine.addresses = frozenset({ELSEWHERE})
            await home_assistant.until_added(machine.name, times=2)
            assert (await home_assistant.resolve(machine.name)).parsed_addresses() == [ELSEWHERE.ip]

    play(story())


class Network:
    """Fails so many times, then is there. One at a time, for addresses that there are, and for whoever runs the loop."""

    def __init__(self, failures: int, error: Exception) -> None:
        self.failures, self._error = failures, error
        self._open: AsyncZeroconf | None = None

    def __call__(self, addresses: frozenset[Address]) -> AsyncZeroconf:
        assert asyncio.get_running_loop().is_running()
        assert addresses
        assert self._open is None or self._open.zeroconf.done
        if self.failures:
            self.failures -= 1
            raise self._error
        self._open = AsyncZeroconf(interfaces=[a.ip for a in addresses])
        return self._open


@pytest.mark.parametrize("error", [OSError(errno.ENETUNREACH, "Network is unreachable"), RuntimeError("No adapter found")])
def test_a_network_that_comes_late_is_waited_for(tmp_path: Path, caplog: pytest.LogCaptureFixture, error: Exception) -> None:
    """For as long as it takes; the owner reads one warning, and when it is over."""

    async def story() -> None:
        machine = Machine(tmp_path, HERE)
        network = Network(4, error)
        async with browser() as home_assistant, machine.announced(network):
            await home_assistant.until_added(machine.name)
            await until(lambda: said(caplog, logging.INFO))
        assert network.failures == 0

    play(story())
    assert said(caplog, logging.WARNING) == [f"cannot be discovered, and will try again: {error}"]
    assert len(said(caplog, logging.DEBUG)) == 3
    [over] = said(caplog, logging.INFO)
    assert re.search(r"at 127\.0\.0\.1, port 10700, after \d+ s$", over)


def test_without_an_address_nothing_is_announced(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """Before there is one, and when it is lost; then it is announced again."""

    async def story() -> None:
        machine = Machine(tmp_path)
        network = Network(0, OSError())
        async with browser() as home_assistant, machine.announced(network):
            await until(lambda: said(caplog, logging.DEBUG))
            machine.addresses = frozenset({HERE})
            await home_assistant.until_added(machine.name)
            machine.addresses = frozenset()
            await home_assistant.until_removed(machine.name)
            await until(lambda: len(said(caplog, logging.WARNING)) == 2)
            machine.addresses = frozenset({HERE})
            await home_assistant.until_added(machine.name, times=2)

    play(story())
    assert (
        said(caplog, logging.WARNING)
        == ["cannot be discovered, and will try again: this machine has no address in the network yet"] * 2
    )


def test_a_clone_takes_another_name_for_good(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """The second of two machines with one id finds its name taken, says what to do, and has the new name after a boot too."""

    async def story() -> None:
        first = Machine(tmp_path / "first", HERE)
        clone = Machine(tmp_path / "clone", ELSEWHERE, machine_id=first.machine_id)
        name = first.name
        assert clone.name == name
        async with browser() as home_assistant, first.announced():
            await home_assistant.until_added(name)
            async with clone.announced(rule=PATIENT):
                await until(lambda: clone.name != name)
                await home_assistant.until_added(clone.name)
                assert (await home_assistant.resolve(name)).parsed_addresses() == [HERE.ip]
                assert (await home_assistant.resolve(clone.name)).parsed_addresses() == [ELSEWHERE.ip]
        assert first.name == name
        [warning] = said(caplog, logging.WARNING)
        assert HERE.ip in warning and clone.name in warning and "systemd-machine-id-setup" in warning

    play(story())


def test_a_clone_that_was_switched_on_together_with_us_is_noticed(tmp_path: Path) -> None:
    """Neither could hear the other when it asked; the next look finds out."""

    async def story() -> None:
        machine = Machine(tmp_path, HERE)
        name = machine.name
        async with browser() as home_assistant, machine.announced():
            await home_assistant.until_added(name)
            async with somebody(name, ELSEWHERE):
                await until(lambda: machine.name != name)
                await home_assistant.until_added(machine.name)

    play(story())


def test_a_name_that_is_taken_again_is_not_given_up(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """A network that contradicts every name would have us take one after the other: it gets two, and is asked again."""

    async def story() -> None:
        machine = Machine(tmp_path, HERE)
        first = machine.name
        async with browser() as home_assistant, somebody(first, ELSEWHERE), machine.announced(rule=PATIENT):
            await until(lambda: machine.name != first)
            second = machine.name
            await home_assistant.until_added(second)
            async with somebody(second, ELSEWHERE):
                await home_assistant.until_removed(second)
                await until(lambda: len(said(caplog, logging.WARNING)) == 2)
            assert machine.name == second
            await home_assistant.until_added(second, times=2)

    play(story())


def test_what_is_left_of_us_is_no_clone(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """After a crash the network may still know us, at our own address."""

    async def story() -> None:
        machine = Machine(tmp_path, HERE)
        name = machine.name
        # a browser, so that there is something to be heard
        async with somebody(name, HERE), machine.announced(rule=PATIENT), browser():
            await until(lambda: said(caplog, logging.INFO))
        assert machine.name == name

    play(story())
    assert said(caplog, logging.WARNING) == []


class Wire:
    """Hears every mDNS packet on the loopback interface."""

    def __init__(self) -> None:
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        self._socket.bind(("224.0.0.251", 5353))
        group = socket.inet_aton("224.0.0.251") + socket.inet_aton(HERE.ip)
        self._socket.setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP, group)
        self._socket.setblocking(False)

    def said_by(self, name: str) -> list[tuple[str, int]]:
        """The kinds of record about this name that are on the wire since the last time, and for how many seconds they hold."""
        said: list[tuple[str, int]] = []
        with suppress(BlockingIOError):
            while True:
                packet = DNSIncoming(self._socket.recv(65_536))
                if packet.is_response():
                    said += [(_KINDS[type(a).__name__], int(a.ttl)) for a in packet.answers() if name in str(a)]
        return said

    def close(self) -> None:
        self._socket.close()


_KINDS = {"DNSPointer": "PTR", "DNSService": "SRV", "DNSText": "TXT", "DNSAddress": "A", "DNSNsec": "NSEC"}


def test_the_goodbye_is_on_the_wire(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """Three times, as packets get lost: nothing of the satellite holds any longer."""

    async def story() -> None:
        machine = Machine(tmp_path, HERE)
        with closing(Wire()) as wire:
            async with machine.announced():
                await until(lambda: said(caplog, logging.INFO))
                told = wire.said_by(machine.name)
                assert {kind for kind, ttl in told if ttl} >= {"PTR", "SRV", "TXT", "A"}
            told = wire.said_by(machine.name)
            assert [told.count((kind, 0)) for kind in ("PTR", "SRV", "TXT", "A")] == [3, 3, 3, 3]
            assert all(ttl == 0 for _, ttl in told)

    play(story())


def test_an_address_that_is_gone_is_withdrawn_with_the_new_one(tmp_path: Path) -> None:
    """From the old one no goodbye can be sent any more: the new record has the bit that has everybody forget others."""

    async def story() -> None:
        machine = Machine(tmp_path, HERE)

        def opened(addresses: frozenset[Address]) -> AsyncZeroconf:
            return Mute(interfaces=[a.ip for a in addresses])

        # what is younger than a second is not forgotten: two who share an address may be answering together
        async with browser() as home_assistant, machine.announced(opened, PATIENT):
            await home_assistant.until_added(machine.name)
            machine.addresses = frozenset({ELSEWHERE})
            await until(lambda: _cached(home_assistant.network, machine.name) == {ELSEWHERE.ip})

    play(story())


class Mute(AsyncZeroconf):
    """Whose goodbye nobody hears."""

    async def async_close(self) -> None:
        self.zeroconf.registry.async_remove(self.zeroconf.registry.async_get_service_infos())
        await super().async_close()


def test_somebody_who_repeats_what_we_said_at_an_old_address_is_no_clone(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Repeaters between networks do; the satellite keeps its name."""

    async def story() -> None:
        machine = Machine(tmp_path, HERE)
        name = machine.name
        async with machine.announced(rule=PATIENT):
            for moves, address in enumerate((ELSEWHERE, THIRD), start=1):
                await until(lambda moves=moves: len(_of(caplog, "announced as")) == moves)
                machine.addresses = frozenset({address})
            async with somebody(name, HERE):
                await until(lambda: len(_of(caplog, "announced as")) == 3)
                looks = machine.looks
                await until(lambda: machine.looks > looks + 3)
        assert machine.name == name

    play(story())
    assert said(caplog, logging.WARNING) == []


def _cached(network: AsyncZeroconf, name: str) -> set[str]:
    """The addresses that somebody remembers."""
    info = AsyncServiceInfo(SERVICE_TYPE, f"{name}.{SERVICE_TYPE}")
    info.load_from_cache(network.zeroconf)
    return set(info.parsed_addresses())


def test_a_network_that_comes_and_goes_all_night_does_not_fill_the_log(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """Two losses are told, and that they are over; a network that held for long is news again when it is lost."""

    async def story(rule: DiscoveryRule) -> None:
        machine = Machine(tmp_path)
        async with machine.announced(rule=rule):
            for times in range(1, 5):
                machine.addresses = frozenset({HERE})
                await until(lambda times=times: len(_of(caplog, "announced as")) == times)
                machine.addresses = frozenset()
                await until(lambda: "no address in the network" in caplog.messages[-1])

    for steady_s, told in ((60.0, 2), (0.0, 4)):
        caplog.clear()
        play(story(replace(QUICK, steady_s=steady_s)))
        assert len(said(caplog, logging.WARNING)) == told


def _of(caplog: pytest.LogCaptureFixture, words: str) -> list[str]:
    return [r.getMessage() for r in caplog.records if words in r.getMessage()]


class Stuck(AsyncZeroconf):
    """Never gets to its goodbye."""

    async def async_close(self) -> None:
        await asyncio.get_running_loop().create_future()


def test_a_goodbye_that_hangs_is_not_waited_for(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """The satellite stops when it is told."""

    async def story() -> None:
        network = Stuck(interfaces=["127.0.0.1"])
        rule = DiscoveryRule(ask_s=0.01, goodbye_s=0.05)
        announcer = Machine(tmp_path, HERE).announcer(lambda _: network, rule)
        announcer.start()
        await until(lambda: said(caplog, logging.INFO))
        await announcer.stop()
        await AsyncZeroconf.async_close(network)

    play(story())


def test_it_stops_while_it_waits_for_a_network(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """Or before it was started, or twice."""

    async def story() -> None:
        announcer = Machine(tmp_path).announcer(rule=DiscoveryRule(first_retry_s=2 * SOON_S))
        await announcer.stop()
        announcer.start()
        await until(lambda: said(caplog, logging.WARNING))
        await announcer.stop()
        await announcer.stop()

    play(story())
