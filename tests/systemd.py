"""Systemd, as far as a service can see it: the socket at which it hears, what it keeps, and how it starts one."""

import os
import socket
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import IO, Self

_ROOT = Path(__file__).parents[1]

# descriptors are passed on from 3 up, with the process's own number
_PASSED_ON = """
import os, sys
os.environ["LISTEN_PID"] = str(os.getpid())
for number, fd in enumerate(fd for fd in sys.argv[1].split(",") if fd):
    os.dup2(int(fd), 3 + number)
os.execv(sys.executable, [sys.executable, "-m", "satellite", "run", "--config", sys.argv[2]])
"""

# more than one service gives
_MOST_FDS = 8


class Systemd:
    """The other end of NOTIFY_SOCKET, bound to a path or to an abstract name."""

    def __init__(self, address: str) -> None:
        self._address = address
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind(address)
        self._socket.setblocking(False)
        self.kept: list[tuple[str, int]] = []
        """Descriptors that it holds for the service, by their names."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._socket.close()
        for _, fd in self.kept:
            os.close(fd)

    def start(self, config: Path, environ: Mapping[str, str], log: IO[bytes] | None = None) -> subprocess.Popen[bytes]:
        """Starts the satellite, with what was kept for it; what it logs goes to `log`."""
        told = {**os.environ, **environ, "NOTIFY_SOCKET": self._address}
        if self.kept:
            told |= {"LISTEN_FDS": str(len(self.kept)), "LISTEN_FDNAMES": ":".join(name for name, _ in self.kept)}
        fds = [fd for _, fd in self.kept]
        command = [sys.executable, "-c", _PASSED_ON, ",".join(map(str, fds)), str(config)]
        return subprocess.Popen(command, env=told, pass_fds=fds, cwd=_ROOT, stderr=log)

    def hears(self) -> list[list[str]]:
        """Every message that has come, in lines."""
        messages = []
        while True:
            try:
                messages.append(self._receive())
            except BlockingIOError:
                return messages

    def wait_for(self, line: str, patience_s: float) -> None:
        """Until a message has this line. TimeoutError if none comes."""
        until_s = time.monotonic() + patience_s
        lines: list[str] = []
        while line not in lines:
            self._socket.settimeout(max(until_s - time.monotonic(), 0.001))
            lines = self._receive()
        self._socket.setblocking(False)

    def _receive(self) -> list[str]:
        data, fds, _, _ = socket.recv_fds(self._socket, 4096, _MOST_FDS)
        lines = data.decode().split("\n")
        told = dict(line.split("=", 1) for line in lines)
        if "FDSTORE" in told:
            self.kept += [(told["FDNAME"], fd) for fd in fds]
        if "FDSTOREREMOVE" in told:
            self.kept = [(name, fd) for name, fd in self.kept if name != told["FDNAME"]]
        return lines
