"""Stops one thread of a process and leaves the others alone, as a driver that never returns would.

`python -m tests.install.hang TID`: it stays stopped for as long as this runs, or until its process is killed.
"""

import ctypes
import os
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_SEIZE, _INTERRUPT = 0x4206, 0x4207
# __WALL: also for a thread that is nobody's child
_WAIT_ALL = 0x40000000


# poll and ppoll on x86-64, ppoll on aarch64
_POLLS = {"7", "271", "73"}


def audio_thread(pid: int) -> int:
    """Whichever waits in poll() most often: for the card. The event loop waits in epoll, all others for a lock."""
    seen: Counter[int] = Counter()
    for _ in range(100):
        for call in Path(f"/proc/{pid}/task").glob("*/syscall"):
            if call.read_text().split()[0] in _POLLS:
                seen[int(call.parent.name)] += 1
        time.sleep(0.01)
    if not seen:
        raise RuntimeError("no thread waits for a sound card")
    return seen.most_common(1)[0][0]


@contextmanager
def hung(tid: int) -> Iterator[None]:
    """It stands still for so long, or until its process is gone."""
    stopper = subprocess.Popen([sys.executable, "-m", "tests.install.hang", str(tid)], stdout=subprocess.PIPE)
    assert stopper.stdout is not None
    try:
        if stopper.stdout.readline() != b"stopped\n":
            raise RuntimeError(f"thread {tid} could not be stopped")
        yield
    finally:
        stopper.kill()
        stopper.wait()
        stopper.stdout.close()


def hang(tid: int) -> None:
    """Until that thread has stopped. OSError if it may not be."""
    libc = ctypes.CDLL(None, use_errno=True)
    libc.ptrace.argtypes = [ctypes.c_long, ctypes.c_long, ctypes.c_void_p, ctypes.c_void_p]
    for request in (_SEIZE, _INTERRUPT):
        if libc.ptrace(request, tid, None, None) < 0:
            raise OSError(ctypes.get_errno(), f"thread {tid} cannot be stopped")
    os.waitpid(tid, _WAIT_ALL)


if __name__ == "__main__":
    hang(int(sys.argv[1]))
    print("stopped", flush=True)
    # a thread that has died would keep its process from being gone until somebody asks for it
    os.waitpid(int(sys.argv[1]), _WAIT_ALL)
