"""Runs a program of the operator's: without a shell, in a process group of its own, for so long and no longer."""

import asyncio
import os
import signal
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Self

# of what it writes to its standard error: more than a line that anybody reads
_TAIL_BYTES = 1024
_LONGEST_LINE = 200

# at once from the pipe
_READ_BYTES = 64 * 1024


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a program ended: its exit code, negative for the signal that ended it, and the last line of its standard error."""

    code: int
    last_line: str
    is_timed_out: bool


class _Stderr:
    """The reading end of a standard error; keeps the last bytes. It is read to its end, which may be that of a grandchild."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._read_end, self.write_end = os.pipe()
        os.set_blocking(self._read_end, False)
        self._tail = b""
        self._loop.add_reader(self._read_end, self._read)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        os.close(self.write_end)

    def last_line(self) -> str:
        """Of what has come by now."""
        self._read()
        lines = self._tail.decode(errors="replace").split("\n")
        return next((line for line in (" ".join(line.split()) for line in reversed(lines)) if line), "")[:_LONGEST_LINE]

    def _read(self) -> None:
        if self._read_end < 0:
            return
        with suppress(BlockingIOError):
            while received := os.read(self._read_end, _READ_BYTES):
                self._tail = (self._tail + received)[-_TAIL_BYTES:]
            self._loop.remove_reader(self._read_end)
            os.close(self._read_end)
            self._read_end = -1


async def run(argv: Sequence[str], stdin: bytes, timeout_s: float, grace_s: float) -> Outcome:
    """Runs it to its end. After `timeout_s`, or when cancelled, its group gets SIGTERM, and at most `grace_s` later SIGKILL.

    OSError or ValueError if it cannot be started. What it has put into the background may go on.
    """
    with _Stderr() as errors:
        process = await _start(argv, stdin, errors.write_end)
    is_timed_out = False
    try:
        async with asyncio.timeout(timeout_s):
            await process.wait()
    except TimeoutError:
        is_timed_out = True
        await _end(process, grace_s)
    except asyncio.CancelledError:
        await _end(process, grace_s)
        raise
    assert process.returncode is not None
    return Outcome(process.returncode, errors.last_line(), is_timed_out)


async def _start(argv: Sequence[str], stdin: bytes, stderr: int) -> asyncio.subprocess.Process:
    # a file that holds it: nobody waits for the program to read, and it can be opened as /dev/stdin, which a socket cannot
    with os.fdopen(os.memfd_create("stdin"), "w+b") as file:
        file.write(stdin)
        file.seek(0)
        none = asyncio.subprocess.DEVNULL
        return await asyncio.create_subprocess_exec(*argv, stdin=file, stdout=none, stderr=stderr, start_new_session=True)


async def _end(process: asyncio.subprocess.Process, grace_s: float) -> None:
    _signal(process, signal.SIGTERM)
    try:
        with suppress(TimeoutError):
            async with asyncio.timeout(grace_s):
                await process.wait()
    finally:
        # also those of its children that have outlived it
        _signal(process, signal.SIGKILL)
        await process.wait()


def _signal(process: asyncio.subprocess.Process, number: signal.Signals) -> None:
    with suppress(ProcessLookupError):
        os.killpg(process.pid, number)
