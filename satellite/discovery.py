"""Tells the network where the satellite is: `_wyoming._tcp.local.`, by mDNS.

Discovery is a convenience. Whatever goes wrong here is logged and tried again, and the satellite goes on without it.
"""

import asyncio
import errno
import ipaddress
import logging
import socket
import time
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from satellite import __version__
from satellite.identity import Identity

if TYPE_CHECKING:
    from zeroconf.asyncio import AsyncServiceInfo, AsyncZeroconf

_log = logging.getLogger(__name__)

SERVICE_TYPE = "_wyoming._tcp.local."

_NETWORK_DEVICES = Path("/sys/class/net")


@dataclass(frozen=True, slots=True)
class DiscoveryRule:
    """How long things take."""

    # between two looks at the machine's addresses, of 0.5 ms each; a new address is worth half a minute's wait
    look_s: float = 30.0
    # a network that comes up after us is there in seconds, or when somebody plugs it in
    first_retry_s: float = 1.0
    longest_retry_s: float = 30.0
    # an answer to one machine goes astray where another program shares the port; one to all may be held back for a second
    ask_s: float = 2.0
    # three goodbyes in 0.25 s, and the sockets
    goodbye_s: float = 1.0


@dataclass(frozen=True, slots=True, order=True)
class Address:
    """One of this machine's. An adapter that was unplugged is another when it is back: it has forgotten what it listened to."""

    ip: str
    interface: str
    index: int

    @property
    def is_v4(self) -> bool:
        """Of the old kind."""
        return ":" not in self.ip


class _NotYet(Exception):
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
        self._open = open_zeroconf or _open_zeroconf
        self._task: asyncio.Task[None] | None = None
        self._announced: frozenset[Address] = frozenset()
        self._failing_since: float | None = None
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
        retry_s = self._rule.first_retry_s
        while True:
            try:
                await self._announce_until_changed()
            # libraries and networks fail in more ways than can be named, and none of them is worth a satellite
            except Exception as error:
                if isinstance(error, _NameTaken) and not self._has_renamed:
                    await self._rename(error)
                    continue
                if self._failing_since is None:
                    retry_s = self._rule.first_retry_s
                self._report(error)
                await asyncio.sleep(retry_s)
                retry_s = min(retry_s * 2, self._rule.longest_retry_s)

    async def _announce_until_changed(self) -> None:
        """Returns when the machine has other addresses than those that were announced."""
        addresses = await asyncio.to_thread(self._look)
        if not addresses:
            raise _NotYet("this machine has no address in the network yet")
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
            while await self._next_look() == addresses:
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

    async def _next_look(self) -> frozenset[Address]:
        await asyncio.sleep(self._rule.look_s)
        return await asyncio.to_thread(self._look)

    def _require_ours(self, found: "AsyncServiceInfo", addresses: frozenset[Address]) -> None:
        """Raises _NameTaken if what the network has under our name is at addresses that are not ours, and were not before."""
        strangers = set(found.parsed_addresses()) - {a.ip for a in addresses | self._announced}
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
        after = ""
        if self._failing_since is not None:
            after = f", after {time.monotonic() - self._failing_since:.0f} s"
            self._failing_since = None
        self._announced = addresses
        _log.info("announced as %s at %s, port %d%s", name, ", ".join(_ips(addresses)), self._port, after)

    def _report(self, error: Exception) -> None:
        """The first failure in a row is news, the others are not."""
        level = logging.WARNING if self._failing_since is None else logging.DEBUG
        _log.log(level, "cannot be discovered, and will try again: %s", str(error) or type(error).__name__)
        self._failing_since = self._failing_since or time.monotonic()


def announce(port: int, host: str | None) -> Announcer:
    """Begins to announce the satellite that listens there."""
    announcer = Announcer(Identity(port), port, partial(reachable_addresses, host))
    announcer.start()
    return announcer


def reachable_addresses(host: str | None) -> frozenset[Address]:
    """Where a server that listens on `host` is reached from. For a thread: it may ask a name server."""
    import ifaddr

    resolved = socket.getaddrinfo(host or None, 0, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    every = (
        Address(ip.ip if isinstance(ip.ip, str) else ip.ip[0], adapter.name, adapter.index or 0)
        for adapter in ifaddr.get_adapters()
        for ip in adapter.ips
    )
    interfaces = [name for _, name in socket.if_nameindex()]
    return choose_addresses(every, {str(r[4][0]) for r in resolved}, {name for name in interfaces if has_hardware(name)})


def choose_addresses(every: Iterable[Address], bound: set[str], hardware: set[str]) -> frozenset[Address]:
    """Those of a machine's addresses that are worth announcing for a server that is bound to these."""
    served = {a for a in every if a.ip in bound or ("0.0.0.0" if a.is_v4 else "::") in bound}
    if all(ipaddress.ip_address(ip).is_loopback for ip in bound):
        return frozenset(served)
    outside = {a for a in served if not ipaddress.ip_address(a.ip).is_loopback}
    # Home Assistant uses one address only: it must not be that of a bridge between containers, which it may have too
    chosen = frozenset(a for a in outside if a.interface in hardware or a.ip in bound or not hardware)
    # nor will it use a link-local one: these alone are a network that is still coming up
    return frozenset() if all(ipaddress.ip_address(a.ip).is_link_local for a in chosen) else chosen


def has_hardware(interface: str, devices: Path = _NETWORK_DEVICES) -> bool:
    """Whether there is an adapter behind it, or below it as below a bridge, a bond or a VLAN."""
    device = devices / interface
    return (device / "device").exists() or any(
        has_hardware(below.name.removeprefix("lower_"), devices) for below in device.glob("lower_*")
    )


def import_zeroconf() -> None:
    """Takes seconds on a small machine, and a hub does not wait for its answer so long: in a thread, for its effect."""
    import zeroconf.asyncio  # noqa: F401


def _open_zeroconf(addresses: frozenset[Address]) -> "AsyncZeroconf":
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
            raise _NotYet(
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
