"""What systemd is told: that we are up, what we are doing, that we go. Nobody is told if systemd did not start us."""

import logging
import os
import socket

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

    def on_state_changed(self, old: State, new: State, why: Why) -> None:
        notify(f"STATUS={new}: {why}")
