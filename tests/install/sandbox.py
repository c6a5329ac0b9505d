"""Runs inside the machine in the place of the satellite, under its unit, and prints what it may: a JSON object.

What is refused is told by its error: EPERM is the sandbox, ENXIO and ENODEV are a device node that no driver stands behind.
"""

import ctypes
import errno
import json
import mmap
import os
import resource
import socket
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

Outcome = str

# as the audio thread asks for
PRIORITY = 10


def outcome(action: Callable[[], object]) -> Outcome:
    try:
        action()
    except OSError as error:
        return errno.errorcode.get(error.errno or 0, str(error))
    return "allowed"


def opened(path: str, flags: int = os.O_RDWR | os.O_NONBLOCK) -> Outcome:
    return outcome(lambda: os.close(os.open(path, flags)))


def in_a_thread(action: Callable[[], object]) -> Outcome:
    said: list[Outcome] = []
    thread = threading.Thread(target=lambda: said.append(outcome(action)))
    thread.start()
    thread.join()
    return said[0]


def called_back() -> None:
    """A function of ours that C calls, which libffi makes executable memory for."""
    compare = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.POINTER(ctypes.c_int), ctypes.POINTER(ctypes.c_int))
    numbers = (ctypes.c_int * 3)(3, 1, 2)
    ctypes.CDLL(None).qsort(numbers, 3, ctypes.sizeof(ctypes.c_int), compare(lambda a, b: a[0] - b[0]))
    assert list(numbers) == [1, 2, 3]


def models() -> None:
    """All that is native: numpy, onnxruntime, the wake word's TFLite, the canceller."""
    from satellite.config import Config
    from satellite.external.card import open_card_for
    from satellite.service import Service

    Service(Config(), open_card_for(Config()))


def main() -> None:
    said = {
        "devices": {path: opened(path) for path in sys.argv[1:]},
        "priority limit": resource.getrlimit(resource.RLIMIT_RTPRIO)[0],
        "priority": in_a_thread(lambda: os.sched_setscheduler(0, os.SCHED_RR, os.sched_param(PRIORITY))),
        "higher priority": in_a_thread(lambda: os.sched_setscheduler(0, os.SCHED_RR, os.sched_param(PRIORITY + 1))),
        "callback": outcome(called_back),
        "models": outcome(models),
        "writable and executable memory": outcome(lambda: mmap.mmap(-1, 4096, prot=mmap.PROT_WRITE | mmap.PROT_EXEC)),
        "program": outcome(lambda: subprocess.run(["sh", "-c", "echo hook | grep -q hook"], check=True)),
        "state": outcome(lambda: Path("/var/lib/satellite/probe").write_text("x")),
        "control": outcome(lambda: Path("/run/satellite/probe").write_text("x")),
        "own program": outcome(lambda: Path("/opt/satellite/probe").write_text("x")),
        "configuration": outcome(lambda: Path("/etc/satellite/probe").write_text("x")),
        "home": outcome(lambda: list(Path("/home").iterdir())),
        "raw socket": outcome(lambda: socket.socket(socket.AF_PACKET, socket.SOCK_RAW)),
        "groups": sorted(os.getgroups()),
    }
    Path("/var/lib/satellite/probe").unlink(missing_ok=True)
    print(json.dumps(said))


if __name__ == "__main__":
    main()
