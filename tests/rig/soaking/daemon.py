"""The daemon under test: a process of its own, seen from outside."""

import asyncio
import os
import re
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from satellite.control import ask
from satellite.errors import SatelliteError
from tests.rig.room import PROJECT

_CONFIG = """\
hub: {{host: 127.0.0.1, port: {port}, announce: false}}
wake: {{words: [alexa]}}
audio: {{microphone: mic, speaker: speaker, rate_hz: 16000, volume: {volume}}}
"""
# longer than it takes to be silent and say goodbye
_ENDING_S = 10.0

# what differs between two lines that tell of the same
_NUMBERS = re.compile(r"\d+(\.\d+)?")
_LEVELS = ("WARNING", "ERROR", "CRITICAL")


@dataclass(frozen=True, slots=True)
class Sample:
    """Of the process, by the kernel."""

    at_s: float
    rss_mb: float
    """Without memory that is shared."""
    fds: int
    threads: int


class Daemon:
    """`satellite run` in a directory of its own: configuration, state, control socket, log."""

    def __init__(self, directory: Path, port: int, env: Mapping[str, str]) -> None:
        self._dir, self._port = directory, port
        self.log = directory / "satellite.log"
        self.socket = directory / "control"
        self._env = {**os.environ, **env, "STATE_DIRECTORY": str(directory / "state"), "RUNTIME_DIRECTORY": str(directory)}
        (directory / "state").mkdir()

    def start(self) -> None:
        """Starts it."""
        self.configure(100)
        command = [sys.executable, "-m", "satellite", "run", "-c", str(self._dir / "config.yaml")]
        with self.log.open("w") as log:
            self.process = subprocess.Popen(command, env=self._env, stderr=log, cwd=PROJECT)

    def stop(self) -> int | None:
        """Asks it to end; its exit code, None if it had to be killed."""
        self.process.send_signal(signal.SIGTERM)
        try:
            return self.process.wait(_ENDING_S)
        except subprocess.TimeoutExpired:
            self.process.kill()
            return None

    def configure(self, volume: int) -> None:
        """Writes its configuration."""
        (self._dir / "config.yaml").write_text(_CONFIG.format(port=self._port, volume=volume))

    def reload(self) -> None:
        """Has it read that again."""
        self.process.send_signal(signal.SIGHUP)

    def sample(self, at_s: float) -> Sample:
        """What it holds at present."""
        proc = Path(f"/proc/{self.process.pid}")
        status = dict(line.split(":", 1) for line in (proc / "status").read_text().splitlines())
        # without what it shares with the virtual card, whose rings grow until they have gone round once
        rss_mb = sum(int(status[kind].split()[0]) for kind in ("RssAnon", "RssFile")) / 1024
        return Sample(at_s, rss_mb, len(list((proc / "fd").iterdir())), int(status["Threads"]))

    async def status(self) -> Mapping[str, Any]:
        """What `satellite ctl status` tells; empty if it does not answer."""
        try:
            return await asyncio.to_thread(ask, self.socket, {"command": "status"})
        except SatelliteError:
            return {}

    def log_kinds(self) -> Counter[str]:
        """Its warnings, errors and tracebacks, each kind by its words without the numbers."""
        kinds: Counter[str] = Counter()
        for line in self.log.read_text(errors="replace").splitlines():
            if line.startswith("Traceback"):
                kinds["Traceback"] += 1
            _, _, rest = line.partition(" ")[2].partition(" ")
            if rest.startswith(_LEVELS):
                kinds[_NUMBERS.sub("#", rest)] += 1
        return kinds
