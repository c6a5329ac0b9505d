"""The control socket: buttons, scripts and `satellite ctl` tell a running satellite what to do, from the same machine.

A line of JSON in, a line of JSON out. Whoever may open the socket may do all of it, so it is its owner's alone (mode 0600).
"""

import asyncio
import json
import logging
import os
import socket
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from satellite.errors import SatelliteError

_log = logging.getLogger(__name__)

# longer than anything that is said
_MOST_BYTES = 64 * 1024
# whoever connects has something to say
_PATIENCE_S = 5.0
_MOST_CONNECTIONS = 8

Command = Callable[[Mapping[str, Any]], Mapping[str, Any]]
"""Does it, and answers. ValueError or SatelliteError says why it cannot."""


def default_path(environ: Mapping[str, str]) -> Path | None:
    """Where the socket is: in the directory that systemd gives the service, else in the user's; None if there is neither."""
    if given := environ.get("RUNTIME_DIRECTORY", "").partition(":")[0]:
        return Path(given) / "control"
    users = environ.get("XDG_RUNTIME_DIR")
    return Path(users) / "satellite-control" if users else None


class ControlServer:
    """Answers at a socket, from `start` to `stop`."""

    def __init__(self, path: Path, commands: Mapping[str, Command]) -> None:
        self._path, self._commands = path, commands
        self._server: asyncio.Server | None = None
        self._connections = 0

    async def start(self) -> None:
        """Opens it. That it cannot be is a warning: the satellite works without."""
        try:
            self._server = await asyncio.start_unix_server(self._serve, sock=_bound(self._path), limit=_MOST_BYTES)
        except OSError as error:
            _log.warning("no control socket at %s: %s", self._path, error.strerror)
            return
        _log.info("control socket: %s", self._path)

    async def stop(self) -> None:
        """Closes and removes it."""
        if self._server is not None:
            self._server.close()
            self._server = None
            with suppress(OSError):
                self._path.unlink()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._connections += 1
        try:
            if self._connections <= _MOST_CONNECTIONS:
                async with asyncio.timeout(_PATIENCE_S):
                    line = await reader.readline()
                    writer.write(json.dumps(self._answer(line)).encode() + b"\n")
                    await writer.drain()
        # too late, too long, or gone
        except (TimeoutError, ValueError, OSError):
            pass
        finally:
            self._connections -= 1
            writer.close()

    def _answer(self, line: bytes) -> Mapping[str, Any]:
        try:
            request = json.loads(line)
            name = request.get("command") if isinstance(request, dict) else None
            if not isinstance(name, str) or name not in self._commands:
                raise ValueError(f"a command is one of {', '.join(self._commands)}")
            return {"ok": True, **self._commands[name](request)}
        except (ValueError, SatelliteError, RecursionError) as error:
            return {"ok": False, "error": str(error)}


def _bound(path: Path) -> socket.socket:
    """A socket that nobody but its owner could open at any time; what a predecessor left there is replaced."""
    opened = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        with suppress(FileNotFoundError):
            path.unlink()
        before = os.umask(0o177)
        try:
            opened.bind(str(path))
        finally:
            os.umask(before)
    except OSError:
        opened.close()
        raise
    return opened


def ask(path: Path, request: Mapping[str, Any]) -> Mapping[str, Any]:
    """What a running satellite answers. SatelliteError if there is none, or if it refuses."""
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as asking:
            asking.settimeout(_PATIENCE_S)
            asking.connect(str(path))
            asking.sendall(json.dumps(request).encode() + b"\n")
            with asking.makefile("rb") as answers:
                line = answers.readline(_MOST_BYTES)
    except OSError as error:
        reason = error.strerror or "it does not answer"
        raise SatelliteError(f"no satellite at {path}: {reason}. Does it run, as the same user?") from error
    answer = json.loads(line) if line.strip() else {"ok": False, "error": "it closed the connection"}
    if not answer.get("ok"):
        raise SatelliteError(str(answer.get("error")))
    return {key: value for key, value in answer.items() if key != "ok"}
