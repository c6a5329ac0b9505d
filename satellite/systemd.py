"""What systemd is told: that we are up, what we are doing, that we go. Nobody is told if systemd did not start us."""

import logging
import os
import socket
import time

from satellite.core.hardware import Device, Half
from satellite.core.state import State, Why
from satellite.observer import Observer

_log = logging.getLogger(__name__)


def notify(*lines: str) -> None:
    """Sends what sd_notify(3) allows, such as `READY=1`, and does not wait."""
    address = os.environ.get("NOTIFY_SOCKET")
    if not address:
        return
    if address.startswith("@"):
        # as Linux writes a name that is no file
        address = "\0" + address[1:]
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK) as sock:
            sock.sendto("\n".join(lines).encode(), address)
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
