"""What systemd hears, on a socket such as its own."""

import asyncio
import os
import re
import socket
from collections.abc import Iterator
from configparser import ConfigParser
from contextlib import suppress
from pathlib import Path

import pytest

from satellite.cli import EXIT_CONFIG
from satellite.core.hardware import Condition, Device, Half
from satellite.core.pulse import Pulse
from satellite.core.state import State, Why
from satellite.core.units import Frames, Millis
from satellite.simulate.virtual_time import run_virtually
from satellite.systemd import StatusLine, Watchdog, keep_sockets, kept_sockets, notify
from tests.systemd import Systemd

UNIT = Path(__file__).parents[1] / "systemd/satellite.service"


@pytest.fixture(params=["a file", "an abstract name"])
def systemd(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Systemd]:
    """Systemd, which has started us."""
    name = str(tmp_path / "notify") if request.param == "a file" else f"@satellite-test-{os.getpid()}"
    monkeypatch.setenv("NOTIFY_SOCKET", name)
    with Systemd(name.replace("@", "\0", 1)) as here:
        yield here


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


# ---- that we live


def _watched(systemd: Systemd, monkeypatch: pytest.MonkeyPatch, pulses: list[Pulse]) -> list[list[str]]:
    """What a watchdog tells that feels these pulses, one every ten seconds."""
    monkeypatch.setenv("WATCHDOG_USEC", "30000000")

    async def story() -> None:
        felt = iter(pulses)
        watchdog = Watchdog(lambda: next(felt))
        watchdog.start()
        with suppress(TimeoutError):
            async with asyncio.timeout(10 * len(pulses) - 5):
                await asyncio.Event().wait()
        watchdog.stop()

    run_virtually(story())
    return systemd.hears()


def test_the_watchdog_is_fed_while_the_audio_thread_hears(systemd: Systemd, monkeypatch: pytest.MonkeyPatch) -> None:
    """Three times in the time that systemd waits."""
    pulses = [Pulse(Frames(160_000 * n), 1000 * n, False) for n in range(4)]
    assert _watched(systemd, monkeypatch, pulses) == [["WATCHDOG=1"]] * 4


def test_the_watchdog_is_not_fed_for_a_thread_that_stands_still(
    systemd: Systemd, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """What happened is said once, and a thread that goes on again is spared."""
    still, goes_on = Pulse(Frames(1600), 10, False), Pulse(Frames(1760), 11, False)
    assert _watched(systemd, monkeypatch, [still, still, still, goes_on]) == [["WATCHDOG=1"]] * 2
    assert [r.getMessage() for r in caplog.records] == [
        "the audio thread has stood still for 10 s; if it goes on, systemd starts us again"
    ]


@pytest.mark.parametrize(("variable", "value"), [("WATCHDOG_USEC", "0"), ("WATCHDOG_PID", "1")])
def test_nobody_is_told_who_does_not_watch_us(
    systemd: Systemd, monkeypatch: pytest.MonkeyPatch, variable: str, value: str
) -> None:
    """Without WatchdogSec=, or where the variables are those of a process that has started us."""
    monkeypatch.setenv("WATCHDOG_USEC", "30000000")
    monkeypatch.setenv(variable, value)
    Watchdog(lambda: Pulse(Frames(0), 0, False)).start()
    assert systemd.hears() == []


# ---- our sockets


def _passed_on(monkeypatch: pytest.MonkeyPatch, kept: list[tuple[str, int]]) -> int:
    """Passes descriptors to this process as systemd does, but not from 3 up, which are pytest's; the first."""
    first_fd = 900
    for number, (_, fd) in enumerate(kept):
        os.dup2(fd, first_fd + number)
    monkeypatch.setenv("LISTEN_PID", str(os.getpid()))
    monkeypatch.setenv("LISTEN_FDS", str(len(kept)))
    monkeypatch.setenv("LISTEN_FDNAMES", ":".join(name for name, _ in kept))
    return first_fd


def test_a_socket_that_was_kept_is_found_once(systemd: Systemd, monkeypatch: pytest.MonkeyPatch) -> None:
    """By its name; programs that we start do not get it."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        keep_sockets("10700 a", [listening.fileno()])
        systemd.hears()
        first_fd = _passed_on(monkeypatch, systemd.kept)
        [found] = kept_sockets("10700 a", first_fd)
        with found:
            assert found.getsockname() == listening.getsockname()
            assert not found.get_inheritable()
        assert kept_sockets("10700 a", first_fd) == []
        assert "LISTEN_FDS" not in os.environ


def test_a_socket_that_is_wanted_no_more_is_given_up(systemd: Systemd, monkeypatch: pytest.MonkeyPatch) -> None:
    """The port was changed in the configuration: another program may have the old one."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        keep_sockets("10700 a", [listening.fileno()])
        systemd.hears()
        first_fd = _passed_on(monkeypatch, systemd.kept)
        assert kept_sockets("10701 a", first_fd) == []
        assert (systemd.hears(), systemd.kept) == ([["FDSTOREREMOVE=1", "FDNAME=kept 10700 a"]], [])
        with pytest.raises(OSError, match="Bad file descriptor"):
            os.fstat(first_fd)


def test_a_socket_unit_is_listened_to_whatever_its_name(systemd: Systemd, monkeypatch: pytest.MonkeyPatch) -> None:
    """Who wrote one knows the port."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        first_fd = _passed_on(monkeypatch, [("satellite.socket", listening.fileno())])
        [found] = kept_sockets("10700 a", first_fd)
        with found:
            assert found.getsockname() == listening.getsockname()


def test_what_was_passed_to_another_process_is_not_ours(systemd: Systemd, monkeypatch: pytest.MonkeyPatch) -> None:
    """The variables are inherited, the descriptors are not."""
    monkeypatch.setenv("LISTEN_PID", str(os.getppid()))
    monkeypatch.setenv("LISTEN_FDS", "1")
    assert kept_sockets("10700 a") == []


def test_the_unit_agrees_with_the_command() -> None:
    """It waits for READY, and does not start a service again whose configuration is wrong."""
    unit = ConfigParser(interpolation=None, strict=False)
    unit.optionxform = str  # type: ignore[assignment,method-assign]
    unit.read_string(UNIT.read_text("utf-8"))
    service = unit["Service"]
    assert service["Type"] == "notify"
    assert service["RestartPreventExitStatus"] == str(EXIT_CONFIG)
    assert service["ExecStart"].split()[1:] == ["run", "--config", "/etc/satellite/config.yaml"]
