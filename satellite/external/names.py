"""Names of services, for a thread that cannot wait long.

A look-up cannot be broken off, and one of a silent name server takes half a minute. So it goes on by itself, one for each name,
and whoever comes again finds what has come of it.
"""

import socket
import threading


class _LookUp(threading.Thread):
    """One of them."""

    def __init__(self, name: str) -> None:
        super().__init__(name=f"name {name}", daemon=True)
        self._asked = name
        self.ips: list[str] = []
        self.error: OSError | None = None

    def run(self) -> None:
        try:
            self.ips = [str(info[4][0]) for info in socket.getaddrinfo(self._asked, None, type=socket.SOCK_STREAM)]
        except OSError as error:
            self.error = error
        except UnicodeError:
            self.error = OSError(None, "it is no name")


_running: dict[str, _LookUp] = {}


def addresses(name: str, most_s: float) -> list[str]:
    """Of a host. OSError if it has none, TimeoutError if nobody has said within the time. Of one thread."""
    if (look_up := _running.get(name)) is None:
        look_up = _running[name] = _LookUp(name)
        look_up.start()
    look_up.join(most_s)
    if look_up.is_alive():
        raise TimeoutError(None, f"no name server answers for {name}")
    del _running[name]
    if look_up.error is not None:
        raise look_up.error
    return look_up.ips
