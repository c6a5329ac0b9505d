"""Programs that are the microphone or the loudspeaker: children of ours, with a pipe that neither blocks nor holds much."""

import fcntl
import os
import select
import shlex
import signal
import subprocess
import textwrap
from contextlib import suppress
from typing import IO, Literal

import numpy as np

from satellite.audio.card import Channels, Samples
from satellite.audio.sample_format import SAMPLE_FORMATS
from satellite.core.units import PERIOD_MS
from satellite.errors import ConfigError, DeviceError
from satellite.external.rates import Rows

# of a pipe: less is not to be had
_PAGE_BYTES = 4096
# what a pipe has without asking, and the most that anybody may ask for
_USUAL_BYTES, _MOST_BYTES = 64 * 1024, 1024 * 1024
# to say goodbye; the audio thread waits for it
_LAST_WORDS_S = 0.3
_LONGEST_LINE = 200

_FORMAT = SAMPLE_FORMATS["S16_LE"]


def words_of(key: str, command: str) -> list[str]:
    """Of a command, as a shell would split it, and without any. ConfigError if it cannot be."""
    try:
        words = shlex.split(command)
    except ValueError as error:
        raise ConfigError(f"{key}: {error}") from None
    if not words:
        raise ConfigError(f"{key}: there is no command")
    return words


class Program:
    """One that runs, in a process group of its own. It is given nothing to read, or its output goes nowhere, as it is used."""

    def __init__(self, key: str, command: str, end: Literal["stdin", "stdout"], pipe_bytes: int) -> None:
        """DeviceError if it cannot be started."""
        self.label = f"{key} {textwrap.shorten(command, 160)!r}"
        pipes = {"stdin": subprocess.DEVNULL, "stdout": subprocess.DEVNULL, "stderr": subprocess.PIPE, end: subprocess.PIPE}
        try:
            self._process = subprocess.Popen(words_of(key, command), bufsize=0, start_new_session=True, **pipes)  # type: ignore[call-overload]
        except OSError as error:
            raise DeviceError(f"{self.label}: {error.strerror}") from error
        self.fd, self._errors = _fd(getattr(self._process, end)), _fd(self._process.stderr)
        self._said = b""
        self._is_closed = False
        for fd in (self.fd, self._errors):
            os.set_blocking(fd, False)
        # a system may allow less than what it grants by itself
        with suppress(OSError):
            fcntl.fcntl(self.fd, fcntl.F_SETPIPE_SZ, pipe_bytes)

    def listen(self) -> None:
        """Takes what it complains of, so that it need not wait for somebody who does."""
        with suppress(BlockingIOError):
            self._said = (self._said + os.read(self._errors, _USUAL_BYTES))[-_PAGE_BYTES:]

    def ended(self) -> DeviceError:
        """What to say of one whose pipe is closed."""
        how = "has closed its pipe"
        with suppress(subprocess.TimeoutExpired):
            code = self._process.wait(_LAST_WORDS_S)
            how = f"ended with exit code {code}" if code >= 0 else f"was killed by signal {-code}"
        self.listen()
        lines = [line for line in self._said.decode(errors="replace").splitlines() if line.strip()]
        last = "".join(letter for letter in lines[-1].strip() if letter.isprintable())[:_LONGEST_LINE] if lines else ""
        return DeviceError(f"{self.label} {how}{': ' * bool(last)}{last}")

    def close(self) -> None:
        """Ends it, and what it has started; it is not asked to finish anything."""
        if self._is_closed:
            return
        self._is_closed = True
        # twice, also if it has gone by then: of a pipeline there may be some who have not
        for number in (signal.SIGTERM, signal.SIGKILL):
            with suppress(ProcessLookupError):
                os.killpg(self._process.pid, number)
            with suppress(subprocess.TimeoutExpired):
                self._process.wait(_LAST_WORDS_S)
        for pipe in (self._process.stdin, self._process.stdout, self._process.stderr):
            if pipe is not None:
                pipe.close()


class MicProgram:
    """The `Source` whose samples are a program's standard output, in 16 bits."""

    def __init__(self, command: str, rate_hz: int, channels: int, wanted: tuple[int, ...]) -> None:
        """`wanted`: channels, from 0. DeviceError if it cannot be started."""
        self.rate_hz, self.rows = rate_hz, len(wanted)
        self._frames_bytes = Rows(_FORMAT, channels, wanted)
        self._second_bytes = rate_hz * channels * _FORMAT.octets
        pipe_bytes = min(max(_USUAL_BYTES, self._second_bytes // 4), _MOST_BYTES)
        self._program = Program("external.mic_command", command, "stdout", pipe_bytes)
        self.label, self.close = self._program.label, self._program.close
        self._poll = select.poll()
        self._poll.register(self._program.fd, select.POLLIN)

    def wait(self, timeout_s: float) -> None:
        self._poll.poll(timeout_s * 1000)

    def take(self) -> Channels:
        self._program.listen()
        data = b""
        with suppress(BlockingIOError):
            # one that never stops to give is not listened to for longer than this
            while len(data) < self._second_bytes:
                more = os.read(self._program.fd, _MOST_BYTES)
                if not more:
                    raise self._program.ended()
                data += more
        return self._frames_bytes.of(data)


class SndProgram:
    """The `Sink` that is a program's standard input: 16 bits, the same in every channel."""

    def __init__(self, command: str, rate_hz: int, channels: int) -> None:
        """DeviceError if it cannot be started."""
        self.rate_hz, self._channels = rate_hz, channels
        # two periods at least have to go in; more would only lie there when the sound is to stop
        pipe_bytes = max(_PAGE_BYTES, 2 * rate_hz * PERIOD_MS // 1000 * channels * _FORMAT.octets)
        self._program = Program("external.snd_command", command, "stdin", pipe_bytes)
        self.label, self.close = self._program.label, self._program.close

    def encoded(self, samples: Samples) -> bytes:
        return np.repeat(samples.astype("<i2"), self._channels).tobytes()

    def send(self, data: memoryview) -> int:
        self._program.listen()
        try:
            return os.write(self._program.fd, data)
        except BlockingIOError:
            return 0
        except BrokenPipeError:
            raise self._program.ended() from None


def _fd(pipe: IO[bytes] | None) -> int:
    assert pipe is not None, "it was asked for"
    return pipe.fileno()
