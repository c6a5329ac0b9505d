"""What systemd is told: that we are up, what we are doing, that we live, that we go. It holds our sockets while we are away.

Nobody is told if systemd did not start us.
"""

import asyncio
import logging
import os
import socket
import time
from collections.abc import Callable, Iterable

from satellite.core.hardware import Device, Half
from satellite.core.pulse import Pulse
from satellite.core.state import State, Why
from satellite.observer import Observer

# where sd_listen_fds(3) has the first descriptor
_FIRST_FD = 3

# looks for each time that systemd would wait: one of them may come late
_LOOKS = 3

_log = logging.getLogger(__name__)


def notify(*lines: str, fds: Iterable[int] = ()) -> None:
    """Sends what sd_notify(3) allows, such as `READY=1`, and does not wait."""
    address = os.environ.get("NOTIFY_SOCKET")
    if not address:
        return
    if address.startswith("@"):
        # as Linux writes a name that is no file
        address = "\0" + address[1:]
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK) as sock:
            sock.connect(address)
            socket.send_fds(sock, ["\n".join(lines).encode()], [*fds])
    except OSError as error:
        _log.warning("cannot tell systemd %s: %s", " ".join(lines), error.strerror)


class StatusLine(Observer):
    """The line that `systemctl status` shows."""

    def __init__(self) -> None:
        self._state = f"{State.OFFLINE}"
        self._troubles: dict[Half, str] = {}

    def on_state_changed(self, old: State, new: State, why: Why) -> None:
        self._state = f"{new}: {why}"
        self._notify()

    def on_device(self, device: Device) -> None:
        before = dict(self._troubles)
        self._troubles.pop(device.half, None)
        if device.condition.is_trouble:
            since = time.strftime("%H:%M:%S")
            known = before.get(device.half, "")
            told = f"{device.half} {device.name!r} is {device.condition} since "
            self._troubles[device.half] = known if known.startswith(told) else f"{told}{since}"
        if self._troubles != before:
            self._notify()

    def _notify(self) -> None:
        notify(f"STATUS={'; '.join((self._state, *self._troubles.values()))}")


# ---- that we live


class Watchdog:
    """Tells systemd that we live, for as long as the event loop turns and the audio thread does; systemd ends us otherwise."""

    def __init__(self, pulse: Callable[[], Pulse]) -> None:
        """`pulse` is felt from `start` on, if the unit has WatchdogSec=."""
        self._feel = pulse
        self._interval_s = int(os.environ.get("WATCHDOG_USEC", "0")) / 1e6 / _LOOKS
        self._last: Pulse | None = None
        self._is_missed = False
        self._timer: asyncio.TimerHandle | None = None

    def start(self) -> None:
        """For the event loop."""
        if self._interval_s and os.environ.get("WATCHDOG_PID", str(os.getpid())) == str(os.getpid()):
            self._look()

    def stop(self) -> None:
        """Feels no more. May be called without a start."""
        if self._timer is not None:
            self._timer.cancel()

    def _look(self) -> None:
        self._timer = asyncio.get_running_loop().call_later(self._interval_s, self._look)
        before, self._last = self._last, self._feel()
        if before is None or self._last.is_alive_since(before):
            self._is_missed = False
            notify("WATCHDOG=1")
        elif not self._is_missed:
            self._is_missed = True
            _log.error("the audio thread has stood still for %.0f s; if it goes on, systemd starts us again", self._interval_s)


# ---- our sockets


def kept_sockets(name: str, first_fd: int = _FIRST_FD) -> list[socket.socket]:
    """Those that `keep_sockets` gave to systemd by this name before we were started, or that a socket unit listens on.

    What was kept by another name is given up. The sockets are passed on to nobody, and no second call finds them.
    """
    pid, count = os.environ.pop("LISTEN_PID", ""), os.environ.pop("LISTEN_FDS", "0")
    names = os.environ.pop("LISTEN_FDNAMES", "").split(":")
    if pid != str(os.getpid()):
        return []
    ours = []
    for fd, kept_as in zip(range(first_fd, first_fd + int(count)), names, strict=False):
        sock = socket.socket(fileno=fd)
        sock.set_inheritable(False)
        if kept_as.startswith(_KEPT) and kept_as != _KEPT + name:
            notify("FDSTOREREMOVE=1", f"FDNAME={kept_as}")
            sock.close()
        else:
            ours.append(sock)
    return ours


# tells what we have kept ourselves from what a socket unit passes
_KEPT = "kept "


def keep_sockets(name: str, sockets: Iterable[int]) -> None:
    """Has systemd hold these descriptors while we are started again. `name` has no colon and nothing but ASCII."""
    if fds := [*sockets]:
        notify("FDSTORE=1", f"FDNAME={_KEPT}{name}", fds=fds)
