"""Tells the network where the satellite is: `_wyoming._tcp.local.`, by mDNS.

Discovery is a convenience. Whatever goes wrong here is logged and tried again, and the satellite goes on without it.
"""

import asyncio
import errno
import logging
import time
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from satellite import __version__
from satellite.addresses import Address, AddressNews, reachable_addresses
from satellite.identity import Identity

if TYPE_CHECKING:
    from zeroconf.asyncio import AsyncServiceInfo, AsyncZeroconf

_log = logging.getLogger(__name__)

SERVICE_TYPE = "_wyoming._tcp.local."


@dataclass(frozen=True, slots=True)
class DiscoveryRule:
    """How long things take."""

    # between two looks at the machine's addresses, and at who else has our name, of 0.5 ms each; the kernel tells of changes
    look_s: float = 30.0
    # a network that comes up after us is there in seconds, or when somebody plugs it in
    first_retry_s: float = 1.0
    longest_retry_s: float = 30.0
    # an answer to one machine goes astray where another program shares the port; one to all may be held back for a second
    ask_s: float = 2.0
    # three goodbyes in 0.25 s, and the sockets
    goodbye_s: float = 1.0
    # a network that held so long was good; a loss after that is news again
    steady_s: float = 600.0


# of our addresses that the network may still know: a few of each interface
_MOST_OURS = 32

# one at boot and one after it are told, and no more of a network that comes and goes all night
_MOST_NEWS = 2


class NotYet(Exception):
    """The network, or what else uses it, does not let us."""


class _NameTaken(Exception):
    """Another machine in the network has our name; the message says where it is."""


class Announcer:
    """Announces the satellite that listens on this port, from `start` to `stop`, under all addresses that `look` finds."""

    def __init__(
        self,
        identity: Identity,
        port: int,
        look: Callable[[], frozenset[Address]],
        rule: DiscoveryRule | None = None,
        open_zeroconf: "Callable[[frozenset[Address]], AsyncZeroconf] | None" = None,
    ) -> None:
        self._identity, self._port, self._look = identity, port, look
        self._rule = rule or DiscoveryRule()
        self._open = open_zeroconf or open_on
        self._task: asyncio.Task[None] | None = None
        # the latest addresses that were ever announced, oldest first
        self._ours: dict[str, None] = {}
        self._failing_since: float | None = None
        self._announced_at: float | None = None
        self._failures = 0
        self._has_renamed = False

    def start(self) -> None:
        """Begins, and does not wait for the network."""
        self._task = asyncio.get_running_loop().create_task(self._run(), name="discovery")

    async def stop(self) -> None:
        """Says goodbye, for no longer than the rule allows."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait({self._task}, timeout=self._rule.goodbye_s)
            self._task = None

    async def _run(self) -> None:
        news = AddressNews()
        try:
            await self._announce(news)
        finally:
            news.close()

    async def _announce(self, news: AddressNews) -> None:
        retry_s = self._rule.first_retry_s
        while True:
            try:
                await self._announce_until_changed(news)
            # libraries and networks fail in more ways than can be named, and none of them is worth a satellite
            except Exception as error:
                if isinstance(error, _NameTaken) and not self._has_renamed:
                    await self._rename(error)
                    continue
                if self._failing_since is None:
                    retry_s = self._rule.first_retry_s
                self._report(error)
                await news.wait(retry_s)
                retry_s = min(retry_s * 2, self._rule.longest_retry_s)

    async def _announce_until_changed(self, news: AddressNews) -> None:
        """Returns when the machine has other addresses than those that were announced."""
        addresses = await asyncio.to_thread(self._look)
        if not addresses:
            raise NotYet("this machine has no address in the network yet")
        await asyncio.to_thread(import_zeroconf)
        name = await asyncio.to_thread(self._identity.name)
        async with self._opened(addresses) as network:
            asked = _asked(name)
            await asked.async_request(network.zeroconf, self._rule.ask_s * 1000)
            self._require_ours(asked, addresses)
            # no probe of the library's: it asks for the name only, and takes what is left of us after a crash for another
            sent = await network.async_register_service(_offered(name, self._port, addresses), cooperating_responders=True)
            await sent
            self._succeeded(name, addresses)
            while await self._next_look(news) == addresses:
                # two that are switched on together did not hear each other when they asked
                heard = _asked(name)
                heard.load_from_cache(network.zeroconf)
                self._require_ours(heard, addresses)

    @asynccontextmanager
    async def _opened(self, addresses: frozenset[Address]) -> "AsyncIterator[AsyncZeroconf]":
        network = self._open(addresses)
        try:
            yield network
        finally:
            with suppress(TimeoutError):
                async with asyncio.timeout(self._rule.goodbye_s):
                    # with a goodbye, if we got as far as saying that we are here
                    await network.async_close()

    async def _next_look(self, news: AddressNews) -> frozenset[Address]:
        await news.wait(self._rule.look_s)
        return await asyncio.to_thread(self._look)

    def _require_ours(self, found: "AsyncServiceInfo", addresses: frozenset[Address]) -> None:
        """Raises _NameTaken if what the network has under our name is at addresses that are not ours, and were not before.

        Some networks have repeaters that remember what they heard.
        """
        strangers = set(found.parsed_addresses()) - {a.ip for a in addresses} - {*self._ours}
        if strangers:
            raise _NameTaken(f"another machine, at {', '.join(sorted(strangers))}, has the name {found.get_name()}")

    async def _rename(self, taken: _NameTaken) -> None:
        # once: whoever is contradicted again meets something else than a clone
        self._has_renamed = True
        name = await asyncio.to_thread(self._identity.renew)
        _log.warning(
            "%s. The two have one /etc/machine-id, as copies of an SD card do. This satellite is %s from now on, a new device to "
            "Home Assistant. To make the copy a machine of its own: sudo rm /etc/machine-id && sudo systemd-machine-id-setup",
            taken,
            name,
        )

    def _succeeded(self, name: str, addresses: frozenset[Address]) -> None:
        level = self._news_level(logging.INFO)
        after, now_s = "", time.monotonic()
        if self._failing_since is not None:
            after = f", after {now_s - self._failing_since:.0f} s"
        self._failing_since, self._announced_at = None, now_s
        for ip in _ips(addresses):
            self._ours.pop(ip, None)
            self._ours[ip] = None
        while len(self._ours) > _MOST_OURS:
            del self._ours[next(iter(self._ours))]
        _log.log(level, "announced as %s at %s, port %d%s", name, ", ".join(_ips(addresses)), self._port, after)

    def _report(self, error: Exception) -> None:
        """The first failure in a row is news, the others are not."""
        level = logging.DEBUG
        if self._failing_since is None:
            self._failing_since = time.monotonic()
            if self._announced_at is not None and self._failing_since - self._announced_at > self._rule.steady_s:
                self._failures = 0
            self._failures += 1
            level = self._news_level(logging.WARNING)
        _log.log(level, "cannot be discovered, and will try again: %s", str(error) or type(error).__name__)

    def _news_level(self, level: int) -> int:
        return level if self._failures <= _MOST_NEWS else logging.DEBUG


def announce(port: int, host: str | None) -> Announcer:
    """Begins to announce the satellite that listens there."""
    announcer = Announcer(Identity(port), port, partial(reachable_addresses, host))
    announcer.start()
    return announcer


def import_zeroconf() -> None:
    """Takes seconds on a small machine, and a hub does not wait for its answer so long: in a thread, for its effect."""
    import zeroconf.asyncio  # noqa: F401


def open_on(addresses: frozenset[Address]) -> "AsyncZeroconf":
    """mDNS on the interfaces that have these. NotYet if another program keeps it to itself."""
    from zeroconf.asyncio import AsyncZeroconf

    # it says at every try what we say at the first
    logging.getLogger("zeroconf").setLevel(logging.CRITICAL)
    v4 = sorted(a.ip for a in addresses if a.is_v4)
    # by number: the many addresses of an interface are one to a multicast
    v6 = sorted({a.index for a in addresses if not a.is_v4})
    try:
        return AsyncZeroconf(interfaces=[*v4, *v6])
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            raise NotYet(
                "UDP port 5353 is taken by a program that does not share it; "
                "if that is avahi-daemon, set disallow-other-stacks=no in /etc/avahi/avahi-daemon.conf"
            ) from error
        raise


def _offered(name: str, port: int, addresses: frozenset[Address]) -> "AsyncServiceInfo":
    from zeroconf.asyncio import AsyncServiceInfo

    return AsyncServiceInfo(
        SERVICE_TYPE,
        f"{name}.{SERVICE_TYPE}",
        port=port,
        # a host name of its own: the machine's is for the machine's own responder to give
        server=f"{name}.local.",
        parsed_addresses=_ips(addresses),
        properties={"version": __version__},
    )


def _asked(name: str) -> "AsyncServiceInfo":
    from zeroconf.asyncio import AsyncServiceInfo

    return AsyncServiceInfo(SERVICE_TYPE, f"{name}.{SERVICE_TYPE}")


def _ips(addresses: Iterable[Address]) -> list[str]:
    return sorted(a.ip for a in addresses)
