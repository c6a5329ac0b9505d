"""This machine's addresses: which of them it is reached at, and news that they may have changed.

The kernel tells of every change by a socket that costs nothing until then. Where that may not be opened, looking now and then has
to do.
"""

import asyncio
import errno
import ipaddress
import logging
import socket
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

_log = logging.getLogger(__name__)

_NETWORK_DEVICES = Path("/sys/class/net")

# rtnetlink(7): interfaces, IPv4 addresses, IPv6 addresses
_RTMGRP_LINK, _RTMGRP_IPV4_IFADDR, _RTMGRP_IPV6_IFADDR = 0x1, 0x10, 0x100

# at once from the kernel; what it says is not read, only that it says something
_READ_BYTES = 64 * 1024

# an interface, its IPv4 address and its IPv6 addresses come one after the other, and a roaming Wi-Fi is away for less
SETTLE_S = 0.5


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


def kernel_news() -> socket.socket | None:
    """A socket that the kernel writes to when an interface or an address changes; None if there may be none."""
    sock = None
    try:
        sock = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW | socket.SOCK_NONBLOCK, socket.NETLINK_ROUTE)
        sock.bind((0, _RTMGRP_LINK | _RTMGRP_IPV4_IFADDR | _RTMGRP_IPV6_IFADDR))
    except OSError as error:
        _log.debug("no news of addresses, they are looked at now and then: %s", error)
        if sock is not None:
            sock.close()
        return None
    return sock


class AddressNews:
    """Tells when interfaces or addresses may have changed. Made, used and closed on one event loop."""

    def __init__(self, settle_s: float = SETTLE_S, listen: Callable[[], socket.socket | None] = kernel_news) -> None:
        self._settle_s = settle_s
        self._news = asyncio.Event()
        self._loop = asyncio.get_running_loop()
        self._socket = listen()
        if self._socket is not None:
            self._loop.add_reader(self._socket, self._on_readable, self._socket)

    async def wait(self, most_s: float) -> None:
        """Returns when there is news, or after so long; what comes until the addresses have settled is one piece of news."""
        with suppress(TimeoutError):
            async with asyncio.timeout(most_s):
                await self._news.wait()
            await asyncio.sleep(self._settle_s)
        self._news.clear()

    def close(self) -> None:
        """Tells no more."""
        if self._socket is not None:
            self._loop.remove_reader(self._socket)
            self._socket.close()
            self._socket = None

    def _on_readable(self, sock: socket.socket) -> None:
        try:
            sock.recv(_READ_BYTES)
        except BlockingIOError:
            return
        except OSError as error:
            # so much news that the kernel has lost some
            if error.errno != errno.ENOBUFS:
                _log.debug("no more news of addresses: %s", error)
                self.close()
        self._news.set()


def reachable_addresses(host: str | None) -> frozenset[Address]:
    """Where a server that listens on `host` is reached from. For a thread: it may ask a name server."""
    resolved = socket.getaddrinfo(host or None, 0, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    interfaces = [name for _, name in socket.if_nameindex()]
    hardware = {name for name in interfaces if has_hardware(name)}
    return choose_addresses(connected_addresses(), {str(r[4][0]) for r in resolved}, hardware)


def connected_addresses() -> frozenset[Address]:
    """All that this machine has on interfaces which are connected. For a thread: it looks at files."""
    import ifaddr

    return frozenset(
        Address(ip.ip if isinstance(ip.ip, str) else ip.ip[0], adapter.name, adapter.index or 0)
        for adapter in ifaddr.get_adapters()
        if is_connected(adapter.name)
        for ip in adapter.ips
    )


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


def is_connected(interface: str, devices: Path = _NETWORK_DEVICES) -> bool:
    """Whether its cable is plugged in, or its access point in reach: it keeps its addresses without that, but nobody hears it."""
    try:
        return (devices / interface / "carrier").read_text("ascii").strip() != "0"
    except FileNotFoundError:
        # a second name of an interface, or a machine that does not tell
        return True
    except OSError:
        # the kernel does not say of one that is switched off
        return False
