"""Real programs that are run when something happens: what they are told, and what they cannot do to anybody else."""

import asyncio
import json
import logging
import os
import signal
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import msgspec
import pytest

from satellite.config import Hooks
from satellite.errors import ConfigError
from satellite.hooks import TABLE, HookRule, HookRunner
from satellite.notices import Notice
from tests.peer.house import SOON_S, house, play, warnings

# nothing that is ended here takes a second to go
_RULE = HookRule(grace_s=0.1, goodbye_s=0.05)

_STARTED = {"id": "1", "total_seconds": 90, "name": "eggs"}
_UPDATED = {"id": "1", "is_active": False, "total_seconds": 30}
_CONFIRMED = {"id": "b-1-2", "phase": "confirmed", "reason": "speech", "text": "größer"}
_CANCELLED = {"id": "b-1-2", "phase": "cancelled", "reason": "speech", "text": "größer"}
_LOST = {"device": "speaker", "name": "hw:CARD=Device", "reason": "No such device"}
_CHANGED = {"old": "idle", "new": "listening", "why": "wake word"}

# every hook: what runs it, and what its command is told; JSON where that is no text
_ALL: dict[str, tuple[Notice | None, str | dict[str, Any]]] = {
    "startup": (None, ""),
    "detect": (Notice("detect"), ""),
    "detection": (Notice("detection", {"name": "okay_nabu", "timestamp": 1000}), "okay_nabu"),
    "transcript": (Notice("transcript", {"text": "$(halt) `halt`; 'größer'"}), "$(halt) `halt`; 'größer'"),
    "stt_start": (Notice("voice-started", {"timestamp": 1}), ""),
    "stt_stop": (Notice("voice-stopped", {"timestamp": 2}), ""),
    "synthesize": (Notice("synthesize", {"text": "an answer"}), "an answer"),
    "tts_start": (Notice("audio-start"), ""),
    "tts_stop": (Notice("audio-stop"), ""),
    "tts_played": (Notice("played"), ""),
    "streaming_start": (Notice("streaming-started"), ""),
    "streaming_stop": (Notice("streaming-stopped"), ""),
    "error": (Notice("error", {"text": "no answer", "code": "intent-failed"}), "no answer"),
    "connected": (Notice("satellite-connected"), ""),
    "disconnected": (Notice("satellite-disconnected"), ""),
    "timer_started": (Notice("timer-started", _STARTED), _STARTED),
    "timer_updated": (Notice("timer-updated", _UPDATED), _UPDATED),
    "timer_cancelled": (Notice("timer-cancelled", {"id": "1"}), "1"),
    "timer_finished": (Notice("timer-finished", {"id": "1"}), "1"),
    "interrupted": (Notice("interrupt", _CONFIRMED), _CONFIRMED),
    "resumed": (Notice("interrupt", _CANCELLED), _CANCELLED),
    "muted": (Notice("muted"), ""),
    "unmuted": (Notice("unmuted"), ""),
    "audio_lost": (Notice("audio-lost", _LOST), _LOST),
    "audio_back": (Notice("audio-back"), ""),
    "microphone_silent": (Notice("microphone-silent"), ""),
    "microphone_heard": (Notice("microphone-heard"), ""),
    "state_changed": (Notice("state-changed", _CHANGED), _CHANGED),
}


@pytest.fixture(autouse=True)
def no_surprises(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    """Fails a test during which an exception was left for asyncio to report."""
    caplog.set_level(logging.DEBUG)
    yield
    assert [r.getMessage() for r in caplog.get_records("call") if r.levelno >= logging.ERROR] == []


@asynccontextmanager
async def running(hooks: Hooks, rule: HookRule = _RULE) -> AsyncIterator[HookRunner]:
    """A runner that has been started, and is stopped at the end."""
    async with asyncio.timeout(SOON_S):
        runner = HookRunner(hooks, rule)
        await runner.start()
        try:
            yield runner
        finally:
            await runner.stop()


async def _done(runner: HookRunner) -> None:
    """Waits until nothing runs and nothing waits."""
    while runner._running:
        await asyncio.wait(runner._running)


async def _until(holds: Callable[[], object]) -> None:
    """Lets everybody else do what they can, until it is so."""
    while not holds():
        done = asyncio.get_running_loop().create_future()
        asyncio.get_running_loop().call_soon(done.set_result, None)
        await done


def _text(path: Path) -> str:
    return path.read_text("utf-8") if path.exists() else ""


def _is_alive(pid: int) -> bool:
    """Whether it still runs; one that nobody has buried yet does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except FileNotFoundError:
        return False


# ---- what they are told


def test_the_table_has_every_key_of_the_configuration() -> None:
    """In its order, and these tests have too."""
    keys = [key for key in Hooks.__struct_fields__ if key not in ("timeout_s", "at_once", "event_uri")]
    assert [hook.key for hook in TABLE] == keys == list(_ALL)
    assert len(keys) == 28


@pytest.mark.parametrize("key", _ALL)
def test_what_a_command_is_told(key: str, tmp_path: Path) -> None:
    """On its standard input, to its end; and nothing else that happens runs it."""
    notice, told = _ALL[key]
    log = tmp_path / "what was said"

    async def story() -> None:
        async with running(msgspec.structs.replace(Hooks(), **{key: f"tee -a '{log}'"})) as runner:
            await _done(runner)
            assert log.exists() is (notice is None)
            for other, _ in _ALL.values():
                if other is not None and other is not notice:
                    runner.notice(other)
            assert not runner._running
            if notice is not None:
                runner.notice(notice)
            await _done(runner)
        text = log.read_text("utf-8")
        assert (json.loads(text) if isinstance(told, dict) else text) == told

    play(story())


def test_a_provisional_interruption_runs_nothing() -> None:
    """It may be nothing; then nobody need be told that it goes on."""

    async def story() -> None:
        async with running(Hooks(interrupted="true", resumed="true")) as runner:
            runner.notice(Notice("interrupt", {**_CONFIRMED, "phase": "provisional"}))
            assert not runner._running

    play(story())


def test_a_command_may_open_its_standard_input_by_name(tmp_path: Path) -> None:
    """It has the satellite's environment, and half a character costs nobody anything."""
    log = tmp_path / "log"

    async def story() -> None:
        command = f"""sh -c 'cat /dev/stdin > "{log}"; echo " $HOME" >> "{log}"'"""
        async with running(Hooks(transcript=command)) as runner:
            runner.notice(Notice("transcript", {"text": "half \ud83d"}))
            await _done(runner)
        assert log.read_text() == f"half ? {os.environ.get('HOME', '')}\n"

    play(story())


def test_a_command_need_not_read(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """A whole book does not wait for it."""

    async def story() -> None:
        async with running(Hooks(synthesize="true")) as runner:
            runner.notice(Notice("synthesize", {"text": "word " * 200_000}))
            await _done(runner)
        assert warnings(caplog) == []

    play(story())


_MALICE = "$(touch x) `touch x`; touch x | touch x & \"'; touch x #\n\0../x\r\x1b[2J -e x\ud83d"


@pytest.mark.parametrize("command", ["sh -c 'cat > heard'", "tee heard", "dd of=heard"])
def test_words_are_never_part_of_a_command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, command: str) -> None:
    """Whatever is said or sent: it comes on the standard input, whole, and nobody makes anything of it."""
    monkeypatch.chdir(tmp_path)

    async def story() -> None:
        async with running(Hooks(transcript=command, error=command)) as runner:
            for notice in (Notice("transcript", {"text": _MALICE}), Notice("error", {"text": _MALICE, "code": _MALICE})):
                runner.notice(notice)
                await _done(runner)
                assert (tmp_path / "heard").read_bytes() == _MALICE.encode(errors="replace")

    play(story())
    assert [path.name for path in tmp_path.iterdir()] == ["heard"]


# ---- what they cannot do


def test_a_slow_command_delays_nobody(tmp_path: Path) -> None:
    """While it runs the hub's ping is answered and other commands are run to their end."""
    log = tmp_path / "log"

    async def story() -> None:
        async with house() as place, running(Hooks(detection="sleep 8", transcript=f"tee -a {log}")) as runner:
            hub = await place.hub()
            runner.notice(Notice("detection", {"name": "okay_nabu"}))
            (slow,) = runner._running
            for number in range(5):
                runner.notice(Notice("transcript", {"text": f"{number}"}))
                assert (pong := await hub.ask("ping", text=f"{number}")) is not None
                assert (pong.type, pong.data["text"]) == ("pong", f"{number}")
                await _until(lambda: len(runner._running) == 1)
                assert _text(log) == "".join(map(str, range(number + 1)))
            assert not slow.done()

    play(story())


def test_so_many_run_at_once(tmp_path: Path) -> None:
    """Others wait, and begin in the order in which they came."""
    log, gate = tmp_path / "log", tmp_path / "gate"
    os.mkfifo(gate)

    async def story() -> None:
        hooks = Hooks(connected=f"cat {gate}", transcript=f"tee -a {log}", at_once=1)
        async with running(hooks) as runner:
            runner.notice(Notice("satellite-connected"))
            for number in range(9):
                runner.notice(Notice("transcript", {"text": f"{number}"}))
            assert (len(runner._running), len(runner._waiting)) == (1, 9)
            await _until(lambda: _opened(gate))
            await _done(runner)
        assert log.read_text() == "012345678"

    play(story())


def _opened(gate: Path) -> bool:
    """Lets whoever reads from it go, if anybody does yet."""
    try:
        os.close(os.open(gate, os.O_WRONLY | os.O_NONBLOCK))
    except OSError:
        return False
    return True


def test_what_waits_is_bounded(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """The oldest is not run, which is counted, and told once."""
    log, gate = tmp_path / "log", tmp_path / "gate"
    os.mkfifo(gate)

    async def story() -> None:
        hooks = Hooks(connected=f"cat {gate}", transcript=f"tee -a {log}", at_once=1)
        async with running(hooks) as runner:
            runner.notice(Notice("satellite-connected"))
            for number in range(60):
                runner.notice(Notice("transcript", {"text": f"{number} "}))
            assert runner.dropped == 10
            await _until(lambda: _opened(gate))
            await _done(runner)
        assert log.read_text().split() == [str(number) for number in range(10, 60)]
        (line,) = warnings(caplog)
        assert "hooks.transcript is not run" in line

    play(story())


def test_a_command_that_takes_too_long_is_ended_with_all_its_children(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """Also those that do not listen; the operator is told."""
    log = tmp_path / "log"

    async def story() -> None:
        command = f"""sh -c 'trap "" TERM; sleep 100 & echo $! $$ > "{log}"; wait'"""
        async with running(Hooks(detect=command, timeout_s=1.0)) as runner:
            runner.notice(Notice("detect"))
            await _done(runner)
            child, parent = map(int, log.read_text().split())
            await _until(lambda: not _is_alive(child) and not _is_alive(parent))
        (line,) = warnings(caplog)
        assert "hooks.detect: it had not ended after 1 s" in line

    play(story())


def test_a_command_that_listens_is_asked_first(tmp_path: Path) -> None:
    """By SIGTERM: it puts its light out."""
    log = tmp_path / "log"

    async def story() -> None:
        command = f"""sh -c 'trap "echo out >> {log}; exit" TERM; echo on >> {log}; sleep 100 & wait'"""
        async with running(Hooks(detect=command), HookRule(grace_s=SOON_S, goodbye_s=0.05)) as runner:
            runner.notice(Notice("detect"))
            await _until(lambda: _text(log) == "on\n")
        assert log.read_text() == "on\nout\n"

    play(story())


def test_what_runs_at_the_end_is_ended(tmp_path: Path) -> None:
    """With what is not finished in time its children are gone, what waits is not run, and nothing more is taken."""
    log, never = tmp_path / "log", tmp_path / "never"

    async def story() -> None:
        command = f"""sh -c 'trap "" TERM; sleep 100 & echo $! > "{log}"; wait'"""
        async with running(Hooks(detect=command, tts_played=f"tee {never}", at_once=1)) as runner:
            runner.notice(Notice("detect"))
            await _until(lambda: _text(log).strip())
            runner.notice(Notice("played"))
        await _until(lambda: not _is_alive(int(log.read_text())))
        runner.notice(Notice("played"))
        assert not runner._running and not never.exists()

    play(story())


def test_the_last_command_has_a_moment(tmp_path: Path) -> None:
    """What is told at the very end is carried out, if it is short."""
    log = tmp_path / "log"

    async def story() -> None:
        hooks = Hooks(disconnected=f"tee -a {log}", streaming_stop=f"tee -a {log}", at_once=1)
        async with running(hooks, HookRule(goodbye_s=SOON_S)) as runner:
            runner.notice(Notice("streaming-stopped"))
            runner.notice(Notice("satellite-disconnected"))
        assert log.exists() and not runner._waiting

    play(story())


def test_a_child_in_the_background_holds_nobody_up(tmp_path: Path) -> None:
    """The command has ended when its program has, whoever still has its standard error; and it is left alone."""
    log = tmp_path / "log"

    async def story() -> None:
        async with running(Hooks(detect=f"""sh -c 'sleep 100 & echo $! > "{log}"'""")) as runner:
            runner.notice(Notice("detect"))
            await _done(runner)
        child = int(log.read_text())
        assert _is_alive(child)
        os.kill(child, signal.SIGKILL)

    play(story())


# ---- what the operator is told


def test_a_failure_is_told_once(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """With the exit code and the last line of its standard error; that it works again, too."""
    mended = tmp_path / "mended"

    async def story() -> None:
        command = f"sh -c 'test -e {mended} || {{ echo no; echo; echo oh  dear >&2; echo >&2; exit 3; }}'"
        async with running(Hooks(detect=command)) as runner:
            for _ in range(3):
                runner.notice(Notice("detect"))
                await _done(runner)
            assert warnings(caplog) == ["hooks.detect: it ended with 3: oh dear"]
            mended.touch()
            for _ in range(2):
                runner.notice(Notice("detect"))
                await _done(runner)
        assert _infos(caplog) == ["hooks.detect works again"]

    play(story())


def _infos(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [r.getMessage() for r in caplog.records if r.levelno == logging.INFO]


def test_a_flood_of_errors_is_not_kept(caplog: pytest.LogCaptureFixture) -> None:
    """Of ten megabytes a short line is told."""

    async def story() -> None:
        async with running(Hooks(detect="sh -c 'yes | tr -d \"\\n\" | head -c 10000000 >&2; exit 1'")) as runner:
            runner.notice(Notice("detect"))
            await _done(runner)
        (line,) = warnings(caplog)
        assert line == f"hooks.detect: it ended with 1: {'y' * 200}"

    play(story())


@pytest.mark.parametrize("command", ["/there/is/no/such/program", "/etc", "a\0b"])
def test_what_cannot_be_started(command: str, caplog: pytest.LogCaptureFixture) -> None:
    """Is told, and costs the others nothing."""

    async def story() -> None:
        async with running(Hooks(startup=command)) as runner:
            await _done(runner)
        (line,) = warnings(caplog)
        assert line.startswith("hooks.startup: it cannot be started: ")

    play(story())


@pytest.mark.parametrize("command", ["say 'hello", 'say "', "  "])
def test_what_is_no_command_is_the_operators_mistake(command: str) -> None:
    """And named before anything is started."""
    with pytest.raises(ConfigError, match=r"^hooks\.tts_played: "):
        HookRunner(Hooks(tts_played=command))
