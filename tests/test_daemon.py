"""The daemon as a process: what systemd hears of its life, and how it ends."""

import asyncio
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from satellite import daemon
from satellite.cli import EXIT_CONFIG
from satellite.config import Config
from satellite.core.pulse import Pulse
from satellite.core.state import State
from satellite.core.units import Frames
from satellite.daemon import EXIT_FAILED, serve
from tests.systemd import Systemd

# of a process on a busy machine, which then fails
_PATIENCE_S = 30.0


@pytest.fixture
def systemd(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Systemd]:
    """Systemd, which has started us."""
    monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "notify"))
    with Systemd(str(tmp_path / "notify")) as here:
        yield here


class FakeService:
    """Is started once, then told to stop by a signal, and writes down what systemd had heard by then."""

    state = State.OFFLINE
    pulse = Pulse(Frames(0), 0, False)

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
    assert asyncio.run(serve(service, Config, lambda config: None)) == 0  # type: ignore[arg-type]
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
    assert asyncio.run(serve(service, Config, lambda config: None)) == EXIT_FAILED != EXIT_CONFIG  # type: ignore[arg-type]
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
    assert asyncio.run(serve(service, Config, lambda config: None)) == 0  # type: ignore[arg-type]
    assert service.heard == [("start", []), ("stop", [["STOPPING=1"]])]


class Companion:
    """Hears of the end before its own."""

    def __init__(self, service: FakeService) -> None:
        self._service = service
        self.knew: list[str] = []

    async def start(self) -> None:
        pass

    async def stop(self) -> None:
        self.knew = [when for when, _ in self._service.heard]


def test_companions_hear_of_the_end_before_they_end(systemd: Systemd) -> None:
    """A light is put out by what the service says as it stops."""
    service = FakeService(systemd)
    companion = Companion(service)
    asyncio.run(serve(service, Config, lambda config: None, [companion]))  # type: ignore[arg-type]
    assert companion.knew == ["start", "stop"]


class Hanging(FakeService):
    """Does not come to its end: its event loop stands still, in a call that does not return."""

    def __init__(self, systemd: Systemd) -> None:
        super().__init__(systemd)
        self.has_been_left = threading.Event()

    async def stop(self) -> None:
        assert self.has_been_left.wait(_PATIENCE_S)


def test_an_end_that_hangs_is_cut_short(
    systemd: Systemd, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Whoever told us to go does not wait for what does not answer, and learns of it."""
    monkeypatch.setattr(daemon, "LEAVE_S", 0.05)
    monkeypatch.setattr("logging.shutdown", lambda: None)
    service, codes = Hanging(systemd), list[int]()

    def leave(code: int) -> None:
        codes.append(code)
        service.has_been_left.set()

    asyncio.run(serve(service, Config, lambda config: None, leave=leave))  # type: ignore[arg-type]
    assert codes == [0]
    assert [r.getMessage() for r in caplog.records] == ["not everything was closed within 0.1 s"]


_HANGS = """
import asyncio, os, signal
from satellite.config import Config
from satellite.daemon import run, serve
from tests.test_daemon import FakeService
from tests.systemd import Systemd

class Hanging(FakeService):
    async def stop(self):
        print("stopping", flush=True)
        await asyncio.Event().wait()

with Systemd("{notify}") as systemd:
    run(serve(Hanging(systemd), Config, lambda config: None))
"""


def test_a_second_signal_ends_it_at_once(tmp_path: Path) -> None:
    """Whatever it is busy with: as any program that was not written for it."""
    code = _HANGS.format(notify=tmp_path / "notify")
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, cwd=Path(__file__).parents[1]) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"stopping\n"
        process.send_signal(signal.SIGTERM)
        assert process.wait(_PATIENCE_S) == -signal.SIGTERM


# ---- the port, from one start to the next

_CONFIG = """
name: Kept
hub: {{host: 127.0.0.1, port: {port}, announce: false}}
audio: {{microphone: none-such, speaker: none-such}}
wake: {{listen: always}}
"""


def test_a_hub_that_comes_back_while_it_is_started_again_waits_at_the_door(tmp_path: Path) -> None:
    """A satellite that was killed had given its port to systemd, which holds it and passes it on to the next."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    config = tmp_path / "config.yaml"
    config.write_text(_CONFIG.format(port=port))
    environ = {"STATE_DIRECTORY": str(tmp_path)}
    with Systemd(str(tmp_path / "notify")) as systemd:
        first = systemd.start(config, environ)
        systemd.wait_for("READY=1", _PATIENCE_S)
        first.kill()
        first.wait(_PATIENCE_S)
        [(name, fd)] = systemd.kept
        with socket.create_connection(("127.0.0.1", port), _PATIENCE_S) as hub:
            hub.sendall(b'{"type": "describe"}\n')
            second = systemd.start(config, environ)
            with hub.makefile("rb") as answers:
                assert answers.readline().startswith(b'{"type": "info"')
        systemd.wait_for("READY=1", _PATIENCE_S)
        second.terminate()
        assert second.wait(_PATIENCE_S) == 0
        assert systemd.kept == [(name, fd)], "it was given to systemd twice"
