"""Addresses and networks, as they are written and as sockets name them."""

import pytest

from satellite.core.networks import PRIVATE_NETWORKS, address, alone, hub_at, is_in, networks


@pytest.mark.parametrize(
    ("host", "is_private"),
    [
        ("10.1.2.3", True),
        ("172.16.0.1", True),
        ("172.32.0.1", False),
        ("192.168.178.20", True),
        ("169.254.7.7", True),
        ("127.0.0.1", True),
        ("100.64.1.1", False),
        ("8.8.8.8", False),
        ("::1", True),
        ("fe80::1", True),
        ("fe80::1%eth0", True),
        ("fd12:3456::1", True),
        ("2001:db8::1", False),
        ("::ffff:192.168.1.5", True),
        ("::ffff:8.8.8.8", False),
    ],
)
def test_what_is_private(host: str, is_private: bool) -> None:
    """What no router passes on, in both families, also where the one is written as the other."""
    who = address(host)
    assert who is not None and is_in(who, PRIVATE_NETWORKS) is is_private


def test_a_mapped_address_is_the_one_it_stands_for() -> None:
    """A socket that listens for both families names peers so."""
    assert address("::ffff:192.168.1.5") == address("192.168.1.5")
    assert networks("::ffff:192.168.1.0/120") == networks("192.168.1.0/24")
    assert address("fe80::1%eth0") != address("fe80::1%eth1")


@pytest.mark.parametrize("host", ["", "?", "localhost", "1.2.3", "1.2.3.4:80", "::g"])
def test_what_is_no_address(host: str) -> None:
    """None, and no error: a socket may have none."""
    assert address(host) is None


def test_one_address_in_any_zone() -> None:
    """A name server tells no zone."""
    found, other = address("fe80::1%eth0"), address("fe80::1%eth1")
    assert found is not None and other is not None
    assert other in alone(found)
    v4 = address("192.168.1.5")
    assert v4 is not None and v4 in alone(v4) and address("192.168.1.6") not in alone(v4)


@pytest.mark.parametrize("text", ["192.168.1.0/24", "10.0.0.7", "fd00::/8", "2001:db8::7", "0.0.0.0/0", "fe80::1%eth0"])
def test_what_a_network_is(text: str) -> None:
    """One, or an address alone."""
    assert len(networks(text)) == 1


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("192.168.1.5/24", "'192.168.1.5/24', an address within 192.168.1.0/24; write that, or the address alone"),
        ("192.168.1.0/33", "it has to be private, an address, or a network such as 192.168.1.0/24"),
        ("192.168.1", "it has to be private"),
        ("homeassistant.local", "it has to be private"),
        ("", "it has to be private"),
        ("fd00::/200", "it has to be private"),
    ],
)
def test_what_no_network_is(text: str, why: str) -> None:
    """In words that say what would be one."""
    with pytest.raises(ValueError) as wrong:
        networks(text)
    assert why in str(wrong.value)


@pytest.mark.parametrize("name", ["homeassistant.local", "nas", "my_nas.lan", "a-b.c.", "7hub", "xn--grn-ioa.example"])
def test_what_a_hosts_name_is(name: str) -> None:
    """Its address is not known here."""
    assert hub_at(name) is None


@pytest.mark.parametrize(
    "text", ["192.168.1", "1234", "", "tcp://nas:1", "nas:80", "na s", "-nas", "nas..lan", "a" * 300, "ü.lan"]
)
def test_what_is_neither_name_nor_network(text: str) -> None:
    """An address that was mistyped is no name, though the system would find something."""
    with pytest.raises(ValueError, match="it has to be a host name, an address, or a network"):
        hub_at(text)


def test_where_a_hub_may_be() -> None:
    """An address or a network."""
    assert hub_at("192.168.1.5") == networks("192.168.1.5/32")
    assert hub_at("private") == PRIVATE_NETWORKS
