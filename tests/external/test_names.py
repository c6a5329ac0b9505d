"""Looking up a name does not cost more time than there is."""

import socket
import threading

import pytest

from satellite.errors import DeviceError
from satellite.external import service
from satellite.external.names import addresses
from satellite.external.service import Connection

_SOON_S = 10.0


def test_an_address_and_a_name_are_found() -> None:
    """By the system."""
    assert addresses("127.0.0.1", _SOON_S) == ["127.0.0.1"]
    assert {"127.0.0.1", "::1"} & set(addresses("localhost", _SOON_S))


def test_a_name_that_nobody_knows_is_an_error_each_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """It may be known by then."""
    asked = []

    def nobody(name: str, *_: object, **__: object) -> None:
        asked.append(name)
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", nobody)
    for _ in range(2):
        with pytest.raises(socket.gaierror, match="not known"):
            addresses("nobody.test", _SOON_S)
    assert asked == ["nobody.test"] * 2


def test_a_silent_name_server_is_asked_once_and_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """The audio thread goes on; what the server says at last is there when it comes again."""
    answers = threading.Event()
    asked = []

    def late(name: str, *_: object, **__: object) -> list[tuple[object, ...]]:
        asked.append(name)
        assert answers.wait(_SOON_S)
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", 0))]

    monkeypatch.setattr(socket, "getaddrinfo", late)
    monkeypatch.setattr(service, "LOOK_UP_S", 0.01)
    for _ in range(3):
        with pytest.raises(DeviceError, match=r"external\.mic_uri tcp://late\.test:1: no name server answers for late\.test"):
            Connection("external.mic_uri", "tcp://late.test:1")
    answers.set()
    assert addresses("late.test", _SOON_S) == ["127.0.0.1"]
    assert asked == ["late.test"]
