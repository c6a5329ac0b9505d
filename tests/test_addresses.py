"""Which addresses of a machine are worth telling, and news of them."""

import asyncio
import socket
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from satellite.addresses import (
    Address,
    AddressNews,
    choose_addresses,
    has_hardware,
    is_connected,
    kernel_news,
    reachable_addresses,
)
from satellite.simulate.virtual_time import run_virtually

HERE = Address("127.0.0.1", "lo", 1)
ETH = Address("192.168.1.7", "eth0", 2)
ETH6 = Address("2001:db8::7", "eth0", 2)
ETH_LINK = Address("fe80::7", "eth0", 2)
WLAN = Address("192.168.1.8", "wlan0", 3)
DOCKER = Address("172.17.0.1", "docker0", 4)
LO6 = Address("::1", "lo", 1)
ALL = (HERE, LO6, ETH, ETH6, WLAN, DOCKER)
CARDS = {"eth0", "wlan0"}


@pytest.mark.parametrize(
    ("every", "bound", "hardware", "chosen"),
    [
        # every address of both kinds, but for those that only this machine and its containers know
        (ALL, {"0.0.0.0", "::"}, CARDS, {ETH, ETH6, WLAN}),
        # a kind of address at which nobody listens is none
        (ALL, {"0.0.0.0"}, CARDS, {ETH, WLAN}),
        (ALL, {"::"}, CARDS, {ETH6}),
        # the one address that was asked for, whatever it is
        (ALL, {ETH.ip}, CARDS, {ETH}),
        (ALL, {DOCKER.ip}, CARDS, {DOCKER}),
        (ALL, {HERE.ip}, CARDS, {HERE}),
        # a cable that is not plugged in yet is no reason to announce a bridge
        ((HERE, LO6, DOCKER), {"0.0.0.0", "::"}, CARDS, set()),
        # nor are the addresses that an interface gives to itself
        ((HERE, LO6, ETH_LINK), {"0.0.0.0", "::"}, CARDS, set()),
        ((HERE, LO6, ETH_LINK, ETH), {"0.0.0.0", "::"}, CARDS, {ETH_LINK, ETH}),
        # inside of a container nothing has hardware
        ((HERE, LO6, ETH), {"0.0.0.0", "::"}, set(), {ETH}),
        ((HERE, LO6), {"0.0.0.0", "::"}, set(), set()),
    ],
)
def test_only_addresses_at_which_we_are_reached_are_announced(
    every: tuple[Address, ...], bound: set[str], hardware: set[str], chosen: set[Address]
) -> None:
    """Home Assistant tries one of them, and never again another."""
    assert choose_addresses(every, bound, hardware) == chosen


def test_hardware_is_found_below_bridges(tmp_path: Path) -> None:
    """An adapter has it, and so have a bridge and a VLAN on one; a bridge between containers has not."""
    for below in (
        "eth0/device",
        "br0/lower_eth0",
        "br0/lower_veth1",
        "br0.5/lower_br0",
        "docker0/lower_veth2",
        "veth1",
        "veth2",
        "lo",
    ):
        (tmp_path / below).mkdir(parents=True)
    names = {path.name for path in tmp_path.iterdir()}
    assert {name for name in names if has_hardware(name, tmp_path)} == {"eth0", "br0", "br0.5"}


def test_this_machine_is_reached_from_outside_or_not_at_all() -> None:
    """Whatever it is: never at its loopback addresses, unless it listens only there."""
    assert {a.interface for a in reachable_addresses(None)}.isdisjoint({"lo"})
    assert {a.ip for a in reachable_addresses("127.0.0.1")} == {"127.0.0.1"}


@pytest.mark.parametrize(("carrier", "is_there"), [("1\n", True), ("0\n", False), (None, True)])
def test_an_interface_without_a_network_has_no_address_worth_telling(tmp_path: Path, carrier: str | None, is_there: bool) -> None:
    """It keeps its addresses when the cable is pulled or the access point is gone. What does not tell is taken to be there."""
    if carrier is not None:
        (tmp_path / "wlan0").mkdir()
        (tmp_path / "wlan0/carrier").write_text(carrier)
    assert is_connected("wlan0", tmp_path) is is_there


def test_an_interface_that_is_switched_off_is_not_connected(tmp_path: Path) -> None:
    """The kernel refuses to say: reading the file is an error."""
    (tmp_path / "wlan0/carrier").mkdir(parents=True)
    assert not is_connected("wlan0", tmp_path)


class Kernel:
    """What the kernel says of addresses, said by a test."""

    def __init__(self) -> None:
        self.ours, self._theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.ours.setblocking(False)

    def tell(self) -> None:
        """Something has changed."""
        self._theirs.send(b"news")

    def close(self) -> None:
        self._theirs.close()
        self.ours.close()


@contextmanager
def _told(listen: Callable[[], socket.socket | None], settle_s: float = 0.5) -> Iterator[AddressNews]:
    with closing(AddressNews(settle_s, listen)) as news:
        yield news


def test_a_change_is_news_at_once_and_a_burst_of_them_is_one() -> None:
    """An interface comes with several addresses, which are looked at together."""

    async def story() -> None:
        loop = asyncio.get_running_loop()
        begin_s = loop.time()
        with closing(Kernel()) as kernel, _told(lambda: kernel.ours) as news:
            for at_s in (10.0, 10.1, 10.4):
                loop.call_at(begin_s + at_s, kernel.tell)
            await news.wait(30.0)
            assert loop.time() == begin_s + 10.5
            await news.wait(30.0)
            assert loop.time() == begin_s + 40.5

    run_virtually(story())


def test_news_that_came_before_somebody_waits_is_not_lost() -> None:
    """Looking takes a moment, in which the addresses may change again."""

    async def story() -> None:
        loop = asyncio.get_running_loop()
        begin_s = loop.time()
        with closing(Kernel()) as kernel, _told(lambda: kernel.ours) as news:
            kernel.tell()
            await asyncio.wait({loop.create_future()}, timeout=5)
            await news.wait(30.0)
            assert loop.time() == begin_s + 5.5

    run_virtually(story())


def test_a_kernel_that_does_not_tell_costs_nothing_but_time() -> None:
    """A sandbox may forbid the socket: the addresses are looked at every so often."""

    async def story() -> None:
        loop = asyncio.get_running_loop()
        begin_s = loop.time()
        with _told(lambda: None) as news:
            await news.wait(30.0)
        assert loop.time() == begin_s + 30.0

    run_virtually(story())


def test_this_kernel_tells() -> None:
    """Whoever may run the satellite may listen."""
    sock = kernel_news()
    assert sock is not None
    with sock:
        assert sock.getsockname()[1] != 0
