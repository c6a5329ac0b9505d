"""Stops one thread of a process and leaves the others alone, as a driver that never returns would.

`python -m tests.install.hang TID`: it stays stopped for as long as this runs, or until its process is killed.
"""

import ctypes
import os
import sys

_SEIZE, _INTERRUPT = 0x4206, 0x4207
# __WALL: also for a thread that is nobody's child
_WAIT_ALL = 0x40000000


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
