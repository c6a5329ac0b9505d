"""Systemd, as far as a service can see it: the socket at which it hears, and what it keeps."""

import os
import socket
import time
from types import TracebackType
from typing import Self

# more than one service gives
_MOST_FDS = 8


class Systemd:
    """The other end of NOTIFY_SOCKET, bound to a path or to an abstract name."""

    def __init__(self, address: str) -> None:
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
