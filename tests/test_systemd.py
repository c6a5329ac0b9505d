"""What systemd hears, on a socket such as its own."""

import asyncio
import os
import re
import signal
import socket
from collections.abc import Iterator
from configparser import ConfigParser
from pathlib import Path

import pytest

from satellite.cli import EXIT_CONFIG, EXIT_FAILED, _serve
from satellite.config import Config
from satellite.core.hardware import Condition, Device, Half
from satellite.core.state import State, Why
from satellite.core.units import Millis
from satellite.systemd import StatusLine, notify

UNIT = Path(__file__).parents[1] / "systemd/satellite.service"


class Systemd:
    """The other end of the socket."""

    def __init__(self, address: str) -> None:
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind(address)
        self._socket.setblocking(False)

    def hears(self) -> list[list[str]]:
        """Every message that has come, in lines."""
        messages = []
        while True:
            try:
                messages.append(self._socket.recv(4096).decode().split("\n"))
            except BlockingIOError:
                return messages

    def close(self) -> None:
        self._socket.close()


@pytest.fixture(params=["a file", "an abstract name"])
def systemd(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Systemd]:
    """Systemd, which has started us."""
    name = str(tmp_path / "notify") if request.param == "a file" else f"@satellite-test-{os.getpid()}"
    monkeypatch.setenv("NOTIFY_SOCKET", name)
    here = Systemd(name.replace("@", "\0", 1))
    yield here
    here.close()


def test_it_is_told_in_one_message(systemd: Systemd) -> None:
    """Lines that belong together come together, at a file or at an abstract name."""
    notify("READY=1", "STATUS=idle")
    notify("STOPPING=1")
    assert systemd.hears() == [["READY=1", "STATUS=idle"], ["STOPPING=1"]]


def test_the_status_line_follows_the_conversation(systemd: Systemd) -> None:
    """With the reason, as in the log."""
    StatusLine().on_state_changed(State.IDLE, State.LISTENING, Why.WAKE_WORD)
    assert systemd.hears() == [["STATUS=listening: wake word"]]


def test_the_status_line_names_what_is_missing(systemd: Systemd) -> None:
    """And since when, until it is back; that it is still missing is not told again."""
    line, device = StatusLine(), Device(Half.MICROPHONE, "plughw:CARD=Mic")
    line.on_state_changed(State.OFFLINE, State.IDLE, Why.CONNECTED)
    for condition in (Condition.WORKING, Condition.MISSING, Condition.MISSING, Condition.WORKING):
        line.on_device(device.become(condition, Millis(0)))
    (_, (missing,), (back,)) = systemd.hears()
    assert re.fullmatch(r"STATUS=idle: connected; microphone 'plughw:CARD=Mic' is missing since \d\d:\d\d:\d\d", missing)
    assert back == "STATUS=idle: connected"


class FakeService:
    """Is started once, then told to stop by a signal, and writes down what systemd had heard by then."""

    state = State.OFFLINE

    def __init__(self, systemd: Systemd) -> None:
        self._systemd = systemd
        self.failed = asyncio.Event()
        self.heard: list[tuple[str, list[list[str]]]] = []

    async def start(self) -> int:
        assert self.heard == []
        self.heard.append(("start", self._systemd.hears()))
        asyncio.get_running_loop().call_soon(signal.raise_signal, signal.SIGTERM)
        return 10700

    async def stop(self) -> None:
        assert [when for when, _ in self.heard] == ["start"]
        self.heard.append(("stop", self._systemd.hears()))


def test_it_hears_of_the_start_when_we_listen_and_of_the_stop_when_it_begins(systemd: Systemd) -> None:
    """Ready only after the start, stopping before the stop, which takes its time."""
    service = FakeService(systemd)
    assert asyncio.run(_serve(service, Config, lambda config: None)) == 0  # type: ignore[arg-type]
    assert service.heard == [
        ("start", []),
        ("stop", [["READY=1", "STATUS=offline: waiting for a hub"], ["STOPPING=1"]]),
    ]


class Failing(FakeService):
    """Works, and then its audio thread dies."""

    async def start(self) -> int:
        assert self.heard == []
        self.heard.append(("start", self._systemd.hears()))
        asyncio.get_running_loop().call_soon(self.failed.set)
        return 10700


def test_a_service_that_has_failed_ends_so_that_it_is_started_again(systemd: Systemd) -> None:
    """Deaf is worse than gone; and not with the code that says that a start is of no use."""
    service = Failing(systemd)
    assert asyncio.run(_serve(service, Config, lambda config: None)) == EXIT_FAILED != EXIT_CONFIG  # type: ignore[arg-type]
    assert [when for when, _ in service.heard] == ["start", "stop"]


class NeverReady(FakeService):
    """Waits for a port that stays taken, until it is told to stop."""

    async def start(self) -> int:
        await super().start()
        await asyncio.Event().wait()
        raise AssertionError("the wait was not cancelled")


def test_a_start_that_takes_its_time_can_be_stopped(systemd: Systemd) -> None:
    """Systemd is not told that we are ready, for we never were."""
    service = NeverReady(systemd)
    assert asyncio.run(_serve(service, Config, lambda config: None)) == 0  # type: ignore[arg-type]
    assert service.heard == [("start", []), ("stop", [["STOPPING=1"]])]


def test_without_systemd_nobody_is_told(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    """And nobody is missed."""
    monkeypatch.delenv("NOTIFY_SOCKET", raising=False)
    notify("READY=1")
    assert caplog.records == []


def test_a_socket_that_is_gone_is_no_failure(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """It is said, since systemd will end a service that it does not hear of."""
    monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "none"))
    notify("READY=1")
    assert [r.getMessage() for r in caplog.records] == ["cannot tell systemd READY=1: No such file or directory"]


def test_the_unit_agrees_with_the_command() -> None:
    """It waits for READY, and does not start a service again whose configuration is wrong."""
    unit = ConfigParser(interpolation=None, strict=False)
    unit.optionxform = str  # type: ignore[assignment,method-assign]
    unit.read_string(UNIT.read_text("utf-8"))
    service = unit["Service"]
    assert service["Type"] == "notify"
    assert service["RestartPreventExitStatus"] == str(EXIT_CONFIG)
    assert service["ExecStart"].split()[1:] == ["run", "--config", "/etc/satellite/config.yaml"]
