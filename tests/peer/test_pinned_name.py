"""Where the host is that may be the hub, in virtual time: it moves, its name server fails, or hangs."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable

import pytest

from satellite.core.networks import Address
from satellite.peer.pinned_name import PinnedName, PinnedNameRule
from satellite.simulate.virtual_time import run_virtually
from tests.peer.house import until_s, warnings

_RULE = PinnedNameRule()


class _NameServer:
    """Gives the address that it has; OSError if it has none."""

    def __init__(self, *hosts: str) -> None:
        self.hosts = hosts
        self.asked = 0
        self.at_once = 0
        self.delay_s = 0.0

    async def look_up(self, name: str) -> Iterable[str]:
        self.asked += 1
        self.at_once += 1
        assert self.at_once == 1, "two threads hang where one would"
        if self.delay_s:
            await until_s(self.delay_s)
        self.at_once -= 1
        if not self.hosts:
            raise OSError(None, "Name or service not known")
        return self.hosts


def _play(server: _NameServer, story: Callable[[PinnedName, list[str]], Awaitable[None]]) -> None:
    async def run() -> None:
        found: list[str] = []

        def note(addresses: tuple[Address, ...]) -> None:
            found[:] = map(str, addresses)

        name = PinnedName("hub.test", look_up=server.look_up)
        name.start(note)
        name.start(note)
        await story(name, found)
        await name.stop()
        await name.stop()

    run_virtually(run(), story_s=10_000.0)


def test_it_is_looked_up_at_the_start_and_once_a_minute() -> None:
    """All addresses count, and a mapped one is what it stands for."""
    server = _NameServer("192.168.1.10", "::ffff:192.168.1.11", "fd00::7", "192.168.1.10")

    async def story(name: PinnedName, found: list[str]) -> None:
        await until_s(1.0)
        assert found == ["192.168.1.10", "192.168.1.11", "fd00::7"]
        server.hosts = ("192.168.1.99",)
        await until_s(_RULE.refresh_s + _RULE.least_s)
        assert found == ["192.168.1.99"]

    _play(server, story)


def test_a_stranger_who_knocks_all_day_makes_no_name_server_work() -> None:
    """It is asked again soon, but not for each knock."""
    server = _NameServer("192.168.1.10")

    async def story(name: PinnedName, found: list[str]) -> None:
        for _ in range(200):
            name.look_again()
            await until_s(0.1)
        assert server.asked <= 20.0 / _RULE.least_s + 1

    _play(server, story)


def test_a_name_server_that_fails_takes_nothing_away_for_an_hour(caplog: pytest.LogCaptureFixture) -> None:
    """One warning at the failure and one at the end of the hour; then nobody is the hub until it is found again."""
    server = _NameServer("192.168.1.10")

    async def story(name: PinnedName, found: list[str]) -> None:
        await until_s(1.0)
        server.hosts = ()
        await until_s(_RULE.keep_s - 200.0)
        assert found == ["192.168.1.10"]
        await until_s(400.0)
        assert found == []
        server.hosts = ("192.168.1.10",)
        await until_s(100.0)
        assert found == ["192.168.1.10"]

    caplog.set_level(logging.INFO)
    _play(server, story)
    assert [warning.partition("): ")[2] for warning in warnings(caplog)] == [
        "it stays 192.168.1.10 for now",
        "nobody can be the hub",
    ]
    assert "hub.only: hub.test is found again after" in caplog.text


def test_a_name_server_that_hangs_is_told_of_and_waited_for(caplog: pytest.LogCaptureFixture) -> None:
    """In one thread and no more; its late answer counts."""
    server = _NameServer("192.168.1.10")
    server.delay_s = 30.0

    async def story(name: PinnedName, found: list[str]) -> None:
        await until_s(10.0)
        name.look_again()
        await until_s(10.0)
        assert found == [] and server.asked == 1
        await until_s(15.0)
        assert found == ["192.168.1.10"]

    _play(server, story)
    assert warnings(caplog) == ["hub.only: hub.test cannot be found (no answer within 5 s): nobody can be the hub"]


def test_the_system_knows_this_machine() -> None:
    """By the real look-up, which has an answer without a network."""

    async def story() -> None:
        found = asyncio.get_running_loop().create_future()
        name = PinnedName("localhost")
        name.start(found.set_result)
        async with asyncio.timeout(10.0):
            addresses: tuple[Address, ...] = await found
        await name.stop()
        assert addresses and all(where.is_loopback for where in addresses)

    asyncio.run(story())
