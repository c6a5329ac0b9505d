"""Addresses and networks as the configuration writes them, and as a socket names its peer."""

import re
from collections.abc import Iterable
from ipaddress import (
    AddressValueError,
    IPv4Address,
    IPv4Network,
    IPv6Address,
    IPv6Network,
    NetmaskValueError,
    ip_address,
    ip_network,
)
from typing import TypeAlias

Address: TypeAlias = IPv4Address | IPv6Address
Network: TypeAlias = IPv4Network | IPv6Network

PRIVATE = "private"
"""Stands for `PRIVATE_NETWORKS`."""

# RFC 1918 and 4193, link-local (RFC 3927, 4291) and ourselves: what no router passes on from the Internet
PRIVATE_NETWORKS: tuple[Network, ...] = (
    *map(IPv4Network, ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "169.254.0.0/16", "127.0.0.0/8")),
    *map(IPv6Network, ("fc00::/7", "fe80::/10", "::1/128")),
)

# RFC 1123, and the underscore that some have; what has no letter is an address that was mistyped
_HOST_NAME = re.compile(
    r"(?=.{1,253}\.?$)(?=.*[A-Za-z])[A-Za-z0-9_]([A-Za-z0-9_-]*[A-Za-z0-9_])?(\.[A-Za-z0-9_]([A-Za-z0-9_-]*[A-Za-z0-9_])?)*\.?"
)

# an IPv4 address within IPv6: ::ffff:192.0.2.1
_MAPPED_BITS = 96


def address(host: str) -> Address | None:
    """As a socket names it: a mapped IPv4 address is that; an IPv6 one keeps its zone. None if it is none."""
    try:
        found = ip_address(host)
    except ValueError:
        return None
    mapped = found.ipv4_mapped if isinstance(found, IPv6Address) else None
    return mapped or found


def networks(text: str) -> tuple[Network, ...]:
    """An address, a network, or `private`. ValueError says what is wrong with it."""
    if text == PRIVATE:
        return PRIVATE_NETWORKS
    try:
        network = ip_network(text, strict=False)
    except (AddressValueError, NetmaskValueError, ValueError):
        raise ValueError(f"it is {text!r}; it has to be {PRIVATE}, an address, or a network such as 192.168.1.0/24") from None
    if isinstance(network, IPv6Network) and network.network_address.ipv4_mapped and network.prefixlen >= _MAPPED_BITS:
        network = IPv4Network((network.network_address.ipv4_mapped, network.prefixlen - _MAPPED_BITS))
    elif "/" in text and ip_address(text.partition("/")[0]) != network.network_address:
        raise ValueError(f"it is {text!r}, an address within {network}; write that, or the address alone")
    return (network,)


def hub_at(text: str) -> tuple[Network, ...] | None:
    """An address or a network; None if it is the name of a host. ValueError if it is neither."""
    if text != PRIVATE and _HOST_NAME.fullmatch(text):
        return None
    try:
        return networks(text)
    except ValueError as error:
        raise ValueError(str(error).replace(f"{PRIVATE}, an address,", "a host name, an address,")) from None


def alone(where: Address) -> Network:
    """The network of one address, in whatever zone it is."""
    return IPv4Network(where) if isinstance(where, IPv4Address) else IPv6Network(int(where))


def is_in(where: Address, among: Iterable[Network]) -> bool:
    """Whether one of these networks has it."""
    return any(where in network for network in among)
