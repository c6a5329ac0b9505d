"""The simulated room as a test sees it: `with Room(directory, config) as room`, in a process of its own."""

import json
import socket
import subprocess
import sys
import time
import wave
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Any, Self

Event = dict[str, Any]

PROJECT = Path(__file__).resolve().parents[2]

# the first room of a machine also compiles the ALSA plugin
OPENING_S = 60.0

# it only has to write the rest of its record
CLOSING_S = 10.0

# how often the record is looked at while waiting for an event
POLL_S = 0.01


class Room:
    """A room with one microphone and one speaker. Clients find its card by the environment in `env`."""

    def __init__(self, directory: Path, config: Mapping[str, Any] | None = None) -> None:
        self.dir = directory.resolve()
        self.dir.mkdir(parents=True, exist_ok=True)
        self.env = {"ALSA_CONFIG_PATH": str(self.dir / "asound.conf")}
        (self.dir / "config.json").write_text(json.dumps(config or {}))

    def __enter__(self) -> Self:
        (self.dir / "ready").unlink(missing_ok=True)
        command = [sys.executable, "-m", "tests.rig.simulation", str(self.dir)]
        self._process = subprocess.Popen([*command, "--config", str(self.dir / "config.json")], cwd=PROJECT)
        deadline_s = time.monotonic() + OPENING_S
        while not (self.dir / "ready").exists():
            if self._process.poll() is not None or time.monotonic() > deadline_s:
                self._process.kill()
                raise RuntimeError("the room did not open")
            time.sleep(POLL_S)
        self._control = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._control.settimeout(CLOSING_S)
        self._control.connect(str(self.dir / "control"))
        self._replies = self._control.makefile("r")
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.end()

    def end(self) -> None:
        """Closes the room, after which its record is complete. May be called twice."""
        with suppress(OSError):
            self.do("end")
        self._replies.close()
        self._control.close()
        try:
            self._process.wait(CLOSING_S)
        finally:
            self._process.kill()

    def do(self, what: str, **event: Any) -> Event:
        """Has an event of README.md happen, at once or at the time given."""
        answer = self._ask({"do": what, **event})
        if not answer["ok"]:
            raise RuntimeError(answer.get("error"))
        return answer

    def load(self, wav: Path) -> None:
        """Has a WAV ready, so that saying it costs no time. Slow only the first time."""
        path = str(wav.resolve())
        with wave.open(path):  # a file that cannot be read fails here, not there
            pass
        self.do("load", wav=path)
        deadline_s = time.monotonic() + OPENING_S
        while not self._ask({"do": "loaded", "wav": path})["ok"]:
            if time.monotonic() > deadline_s:
                raise TimeoutError(f"{path} was not loaded")
            time.sleep(POLL_S)

    def say(self, wav: Path, **when: Any) -> Event:
        """Plays a WAV at the microphone: after_ms=, at_ns=, or after_onset="next" or a number, with ms=."""
        self.load(wav)
        return self.do("say", wav=str(wav.resolve()), **when)

    def events(self, *names: str) -> list[Event]:
        """What has been recorded so far, of these names or of all."""
        lines = (self.dir / "events.jsonl").read_text().splitlines()
        events: list[Event] = [json.loads(line) for line in lines if line.endswith("}")]
        return [event for event in events if not names or event["event"] in names]

    def wait(self, name: str, count: int = 1, timeout: float = 10.0, **match: Any) -> Event:
        """The count-th event of that name with those fields, when it has happened."""
        deadline_s = time.monotonic() + timeout
        while time.monotonic() < deadline_s:
            found = [event for event in self.events(name) if match.items() <= event.items()]
            if len(found) >= count:
                return found[count - 1]
            time.sleep(POLL_S)
        raise TimeoutError(f"no {name} {match} within {timeout} s")

    def _ask(self, request: Event) -> Event:
        self._control.sendall(json.dumps(request).encode() + b"\n")
        answer: Event = json.loads(self._replies.readline())
        return answer
