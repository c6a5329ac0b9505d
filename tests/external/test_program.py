"""Real programs, that do well, die, hang, flood, and tear their samples."""

import os
import select
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest

from satellite.audio.card import Samples
from satellite.errors import ConfigError, DeviceError
from satellite.external.microphone import ExternalMicrophone
from satellite.external.program import MicProgram, SndProgram, words_of
from satellite.external.speaker import LATE_MS, STUCK_S, ExternalSpeaker
from satellite.simulate.clock import VirtualClock
from tests.external.virtual import pass_time

# a Python on a busy machine may take so long
_SOON_MS = 20_000


def python(program: str, *arguments: object) -> str:
    """A command that runs it."""
    return " ".join((sys.executable, "-c", f'"{program}"', *(f"'{argument}'" for argument in arguments)))


def _take(source: MicProgram, count: int) -> Samples:
    """At least so many samples."""
    got = source.take()
    while got.shape[1] < count:
        source.wait(_SOON_MS / 1000)
        more = source.take()
        assert more.size, "it came too late"
        got = np.concatenate((got, more), axis=1)
    return got[0]


def _until_gone(fd: int) -> None:
    """Waits until nobody has the other end of a pipe."""
    poll = select.poll()
    poll.register(fd, select.POLLERR)
    assert poll.poll(_SOON_MS)


# ---- a microphone


def test_samples_that_come_in_odd_pieces_are_whole() -> None:
    """Of the channel that is wanted."""
    program = """
import sys
data = b''.join(n.to_bytes(2, 'little') * 2 + (n + 500).to_bytes(2, 'little') for n in range(400))
for at in range(0, len(data), 7):
    sys.stdout.buffer.write(data[at:at + 7]); sys.stdout.buffer.flush()
sys.stdin.buffer.read(); import time; time.sleep(60)
"""
    source = MicProgram(python(program), 16_000, 3, (2,))
    with closing(source):
        assert np.array_equal(_take(source, 400), np.arange(500, 900))


def test_a_program_that_dies_is_told_with_its_last_words(tmp_path: Path) -> None:
    """Once all that it gave has been taken."""
    program = tmp_path / "record"
    program.write_text("printf aabb\nprintf 'one\\nno such \\033[1mcard\\n\\n' >&2\nexit 3\n")
    source = MicProgram(f"sh {program}", 16_000, 1, (0,))
    with closing(source), pytest.raises(DeviceError) as told:
        while True:
            source.wait(_SOON_MS / 1000)
            source.take()
    assert str(told.value) == f"external.mic_command 'sh {program}' ended with exit code 3: no such [1mcard"


def test_a_program_that_is_killed_is_told_so() -> None:
    """With the signal."""
    source = MicProgram("sh -c 'kill -9 $$'", 16_000, 1, (0,))
    with closing(source), pytest.raises(DeviceError, match=r"was killed by signal 9$"):
        source.wait(_SOON_MS / 1000)
        source.take()


def test_one_that_cannot_be_started_is_told_why() -> None:
    """By the system's words."""
    with pytest.raises(DeviceError, match=r"external\.mic_command 'no_such_program -x': No such file or directory"):
        MicProgram("no_such_program -x", 16_000, 1, (0,))


@pytest.mark.parametrize(("command", "why"), [("rec 'a", "No closing quotation"), ("  ", "there is no command")])
def test_a_command_that_is_none_is_the_operators_mistake(command: str, why: str) -> None:
    """Before anything is started."""
    with pytest.raises(ConfigError, match=f"external.mic_command: {why}"):
        words_of("external.mic_command", command)


def test_there_is_no_shell() -> None:
    """Neither pipes nor variables."""
    assert words_of("key", "rec -t raw '$HOME/a b' | sox") == ["rec", "-t", "raw", "$HOME/a b", "|", "sox"]


def test_a_program_that_hangs_is_told() -> None:
    """It runs, and gives nothing."""
    clock = VirtualClock()
    source = MicProgram("sleep 600", 16_000, 1, (0,))
    with closing(source):
        microphone = ExternalMicrophone(source, clock.now_s)
        pass_time(clock, 2.1)
        with pytest.raises(DeviceError, match="'sleep 600' gives nothing"):
            microphone.wait(0.0)


def test_a_program_that_floods_is_kept_at_real_time() -> None:
    """It gets no further than the time does; and one that complains all the time is no worse for it."""
    clock = VirtualClock()
    source = MicProgram("sh -c 'yes >&2 & cat /dev/zero'", 16_000, 1, (0,))
    with closing(source):
        microphone = ExternalMicrophone(source, clock.now_s, lambda seconds: pass_time(clock, seconds))
        periods = 0
        while clock.now_s() < 1.0:
            assert microphone.wait(1.0)
            while microphone.read() is not None:
                periods += 1
        assert 90 <= periods <= 130
        assert microphone.overruns > 0


def test_what_a_program_has_started_ends_with_it(tmp_path: Path) -> None:
    """A pipeline of a shell, which is how people write it; what does not want to end as well."""
    fifo = tmp_path / "alive"
    os.mkfifo(fifo)
    alive = os.open(fifo, os.O_RDONLY | os.O_NONBLOCK)
    stubborn = f"exec 3> {fifo}; (trap '' TERM; sleep 600 | sleep 600)& cat /dev/zero | cat"
    source = MicProgram(f'sh -c "{stubborn}"', 16_000, 1, (0,))
    source.wait(_SOON_MS / 1000)
    source.close()
    source.close()
    poll = select.poll()
    # all who have it are gone
    poll.register(alive, select.POLLHUP)
    assert poll.poll(_SOON_MS)
    os.close(alive)


# ---- a loudspeaker


class _Stage:
    """Plays a ramp into a program, as the engine would, in virtual time."""

    def __init__(self, command: str, rate_hz: int = 16_000, channels: int = 1) -> None:
        self.clock = VirtualClock()
        self.sink = SndProgram(command, rate_hz, channels)
        self.speaker = ExternalSpeaker(self.sink, 30, self.clock.now_s)
        self.written = 0

    def play(self, seconds: float, until: Callable[[], bool] = lambda: False) -> None:
        end_s = self.clock.now_s() + seconds
        while self.clock.now_s() < end_s and not until():
            while self.speaker.queued() + 160 <= 480:
                ramp = np.arange(self.written, self.written + 160).astype(np.int16)
                self.written += self.speaker.write(ramp)
            pass_time(self.clock, 0.01)


def test_a_program_gets_all_of_it_in_every_channel(tmp_path: Path) -> None:
    """In order, from the first sample on."""
    fifo = tmp_path / "heard"
    os.mkfifo(fifo)
    # tee has read what it writes, so what is read here has been taken from the pipe
    stage = _Stage(f"tee '{fifo}'", channels=2)
    with closing(stage.sink), fifo.open("rb", buffering=0) as heard:
        got = b""
        for turn in range(1, 101):
            stage.play(0.01)
            stage.speaker.queued()
            while len(got) < 4 * 150 * turn:
                got += heard.read(4 * 160)
    frames = np.frombuffer(got[: len(got) // 4 * 4], np.int16).reshape(-1, 2)
    assert np.array_equal(frames[:, 0], frames[:, 1])
    assert np.array_equal(frames[:, 0], np.arange(len(frames)))
    assert stage.speaker.underruns == 0


def test_a_program_that_does_not_read_loses_what_is_late_and_then_its_life() -> None:
    """The audio thread never waits for it."""
    stage = _Stage("sleep 600")
    with closing(stage.sink):
        stage.play(1.0)
        assert stage.speaker.underruns == 1
        with pytest.raises(DeviceError, match="'sleep 600' takes no sound"):
            stage.play(STUCK_S + 1.0)


def test_little_is_in_flight_when_the_sound_is_to_stop(tmp_path: Path) -> None:
    """A page of the pipe: what waits behind it is taken back."""
    gate, heard = tmp_path / "gate", tmp_path / "heard"
    os.mkfifo(gate)
    stage = _Stage(f"sh -c 'read go < {gate}; exec cat > {heard}'")
    with closing(stage.sink):
        stage.play(LATE_MS / 1000)
        stage.speaker.drop()
        played = stage.written
        stage.speaker.write(np.full(160, -1, np.int16))
        gate.write_text("go\n")
        pass_time(stage.clock, 0.02)
        poll = select.poll()
        poll.register(stage.sink._program.fd, select.POLLOUT)
        assert poll.poll(_SOON_MS)
        stage.speaker.queued()
        stage.sink._program._process.stdin.close()  # type: ignore[union-attr]
        assert stage.sink._program._process.wait(_SOON_MS / 1000) == 0
    samples = np.frombuffer(heard.read_bytes(), np.int16)
    before = samples[samples >= 0]
    assert np.array_equal(before, np.arange(len(before)))
    assert 1500 < len(before) <= 4096 // 2 < played


def test_a_program_that_dies_while_it_plays_is_told_with_its_last_words() -> None:
    """By the next write."""
    stage = _Stage("sh -c 'echo device is busy >&2; exit 1'")
    with closing(stage.sink):
        _until_gone(stage.sink._program.fd)
        with pytest.raises(DeviceError, match=r"external\.snd_command .* ended with exit code 1: device is busy"):
            stage.play(1.0)
