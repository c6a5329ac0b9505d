"""What each kind of ALSA device costs in latency, through the satellite's own card.

    python -m tests.rig.latency

For `hw:` and `plughw:` on the virtual card, whose converters take 7 ms; for PulseAudio and PipeWire with null sinks, if they and
ALSA's plugins for them are installed (Debian has one or the other: pulseaudio, libasound2-plugins; or pipewire-alsa,
pipewire-bin, wireplumber, dbus). Two times, both up to the read of a period that tells: from a write behind a full queue to its
sound, and from `drop` to silence.
"""

import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from satellite.audio.alsa import AlsaCard, AlsaSettings, open_card
from satellite.audio.card import Samples
from satellite.errors import DeviceError
from tests.rig.room import Room

CONVERTERS_MS = 7
TIMES = 12
MOST_TRIALS = 40
# between a burst and the next, for any echo of the first to be over
GAP_PERIODS = 40
AUDIBLE = 1000
# a null sink of PulseAudio begins with a block of two seconds
WARM_UP_PERIODS = 100
PATIENCE_S = 3.0
OPENING_S = 5.0

DRY: dict[str, Any] = {"noise": {"dbfs": None}, "echo": {"gain_db": 0.0, "delay_ms": 0.0, "rt60_ms": 0.1}}
MONO_16K = {"rates": [16000], "channels": [1, 1], "formats": ["S16_LE"]}
STEREO_48K = {"rates": [48000], "channels": [2, 2], "formats": ["S32_LE"]}

PIPEWIRE_SPEAKER = """
context.objects = [{ factory = adapter, args = {
    factory.name = support.null-audio-sink, node.name = speaker, media.class = Audio/Sink, audio.position = "FL,FR"
} }]
"""
# only what is wrong
QUIET = {"PIPEWIRE_DEBUG": "1", "WIREPLUMBER_DEBUG": "1"}


class Runner:
    """Serves a card as the engine does, with silence, and with bursts when it is told to."""

    def __init__(self, card: AlsaCard, queue_ms: int) -> None:
        self.card = card
        self._period = card.speaker.rate_hz // 100
        self._target = max(card.speaker.rate_hz * queue_ms // 1000, min(2 * self._period, card.speaker.capacity_frames))

    def fill(self, level: int = 0) -> None:
        """Brings the queue to its target with a sound of that level, at one go: a sound server may take a piece at once."""
        speaker = self.card.speaker
        missing = max(self._target - speaker.queued(), 0) // self._period * self._period
        speaker.write(np.resize(np.array([level, level, -level, -level], np.int16), missing))

    def heard(self) -> Iterator[Samples]:
        """Periods, as they come."""
        deadline_s = time.monotonic() + PATIENCE_S
        while time.monotonic() < deadline_s:
            self.card.wait(0.02)
            while (period := self.card.microphone.read()) is not None:
                yield period
        raise TimeoutError("what was played was not heard")

    def idle(self, periods: int, level: int = 0) -> None:
        """So many periods."""
        for _, _ in zip(range(periods), self.heard(), strict=False):
            self.fill(level)

    @property
    def xruns(self) -> int:
        """Of both directions."""
        return self.card.microphone.overruns + self.card.speaker.underruns

    def undisturbed(self, trial: Callable[[], float]) -> list[float]:
        """Results of a trial, without those in which this machine was too busy to keep up."""
        results: list[float] = []
        for _ in range(MOST_TRIALS):
            before = self.xruns
            try:
                result = trial()
            except TimeoutError:
                continue
            if self.xruns == before:
                results.append(result)
            if len(results) == TIMES:
                break
        return results or [float("nan")]

    def there_and_back_ms(self) -> float:
        """From the write of a burst to the read of it."""
        self.idle(GAP_PERIODS)
        begun_s = time.monotonic()
        while not self.card.speaker.write(np.full(self._period, 8000, np.int16)):
            self.card.wait(0.02)
        for period in self.heard():
            self.fill()
            if np.abs(period).max() > AUDIBLE:
                break
        return (time.monotonic() - begun_s) * 1000

    def silence_ms(self) -> float:
        """From a drop to the read of the first silent period."""
        self.idle(GAP_PERIODS, level=8000)
        begun_s = time.monotonic()
        self.card.speaker.drop()
        for period in self.heard():
            if np.abs(period).max() < AUDIBLE:
                break
        ended_s = time.monotonic()
        self.fill()
        return (ended_s - begun_s) * 1000


def measure(name: str, settings: AlsaSettings) -> None:
    """Prints one line."""
    with closing(open_card(settings)) as card:
        runner = Runner(card, settings.queue_ms)
        runner.idle(WARM_UP_PERIODS)
        before = runner.xruns
        there = runner.undisturbed(runner.there_and_back_ms)
        silent = runner.undisturbed(runner.silence_ms)
        rates = f"{card.microphone.rate_hz}/{card.speaker.rate_hz}"
        queue_ms = card.speaker.capacity_frames * 1000 // card.speaker.rate_hz
    print(
        f"{name:<44} {rates:>13}  {queue_ms:5} ms  {np.median(there):6.1f} {max(there):6.1f}  "
        f"{np.median(silent):6.1f} {max(silent):6.1f}  {runner.xruns - before:5}",
        flush=True,
    )


@dataclass(frozen=True)
class Program:
    """One of a private sound server's; `socket` is what it leaves behind when it is killed."""

    command: list[str]
    ready: Callable[[], bool]
    socket: Path | None = None


class Server:
    """The programs of a private sound server, which may be killed and started again; in order."""

    def __init__(self, directory: Path, *programs: Program) -> None:
        folders = dict.fromkeys(("HOME", "XDG_RUNTIME_DIR", "XDG_CONFIG_HOME", "XDG_STATE_HOME"), str(directory))
        self._env = {**os.environ, **QUIET, **folders, "DBUS_SESSION_BUS_ADDRESS": f"unix:path={directory}/bus"}
        self._programs = programs
        self._running: list[subprocess.Popen[bytes]] = []

    def start(self) -> None:
        """Returns when it is ready. TimeoutError if it does not get so."""
        for program in self._programs:
            self._running.append(subprocess.Popen(program.command, env=self._env))
            deadline_s = time.monotonic() + OPENING_S
            while not program.ready():
                if time.monotonic() > deadline_s:
                    raise TimeoutError(f"{program.command[0]} did not get ready")
                time.sleep(0.05)

    def kill(self) -> None:
        """At once, as a crash would."""
        self._end(subprocess.Popen.kill)
        for program in self._programs:
            if program.socket is not None:
                program.socket.unlink(missing_ok=True)

    def stop(self) -> None:
        """In the reverse order."""
        self._end(subprocess.Popen.terminate)

    def _end(self, how: Callable[["subprocess.Popen[bytes]"], None]) -> None:
        while self._running:
            program = self._running.pop()
            how(program)
            program.wait(OPENING_S)


@contextmanager
def running(server: Server) -> Iterator[Server]:
    """From its start to its end."""
    try:
        server.start()
        yield server
    finally:
        server.stop()


def name_pcms(directory: Path, speaker: str, microphone: str) -> None:
    """Has ALSA know both by the names that the rig uses."""
    config = f"pcm.speaker {{ {speaker} }}\npcm.mic {{ {microphone} }}\n"
    (directory / "asound.conf").write_text(f"<confdir:alsa.conf>\n{config}")
    os.environ["ALSA_CONFIG_PATH"] = str(directory / "asound.conf")


@contextmanager
def pulse_audio(directory: Path) -> Iterator[Server]:
    """A private PulseAudio whose speaker's monitor is the microphone."""
    socket = directory / "native"
    command = ["pulseaudio", "-n", "--exit-idle-time=-1", "--daemonize=no", "--use-pid-file=no", "--log-level=error"]
    command += ["-L", f"module-native-protocol-unix socket={socket} auth-anonymous=1"]
    command += ["-L", "module-null-sink sink_name=speaker rate=48000 channels=2 format=s16le"]
    pcm = f'type pulse server "unix:{socket}" device "{{}}"'
    name_pcms(directory, pcm.format("speaker"), pcm.format("speaker.monitor"))
    with running(Server(directory, Program(command, socket.exists, socket))) as server:
        yield server


@contextmanager
def pipe_wire(directory: Path) -> Iterator[Server]:
    """A private PipeWire whose speaker's monitor is the microphone."""
    socket = directory / "pipewire-0"
    settings = directory / "pipewire/pipewire.conf.d"
    settings.mkdir(parents=True)
    (settings / "speaker.conf").write_text(PIPEWIRE_SPEAKER)
    pcm = f'type pipewire server "{socket}" playback_node speaker capture_node speaker'
    name_pcms(directory, pcm, pcm)
    # WirePlumber, which links the streams, ends without a session bus
    bus = ["dbus-daemon", "--session", "--nofork", "--nopidfile", f"--address=unix:path={directory}/bus"]
    look = ["pw-metadata", "-r", str(socket), "-n", "default", "0", "default.audio.sink"]

    def links() -> bool:
        return b"speaker" in subprocess.run(look, capture_output=True, timeout=OPENING_S, check=False).stdout

    programs = (
        Program(bus, (directory / "bus").exists, directory / "bus"),
        Program(["pipewire"], socket.exists, socket),
        Program(["wireplumber"], links),
    )
    with running(Server(directory, *programs)) as server:
        yield server


def main() -> None:
    """Prints a table."""
    print(f"{'device':<44} {'rates in/out':>13}  {'queue':>8}  {'out and in':>13}  {'drop, silent':>13}  xruns")
    for name, card, prefix in (
        ("hw: of a 16 kHz mono card", MONO_16K, ""),
        ("hw: of a 48 kHz stereo card of 32 bits", STEREO_48K, ""),
        ("plughw: of that card, converting to 16 kHz", STEREO_48K, "plug"),
    ):
        with tempfile.TemporaryDirectory() as folder, Room(Path(folder), {**DRY, "speaker": card, "mic": card}) as room:
            os.environ.update(room.env)
            measure(name, AlsaSettings(f"{prefix}mic", f"{prefix}speaker"))
    for name, programs, server in (
        ("pulse, null sink and its monitor", ["pulseaudio"], pulse_audio),
        ("pipewire, null sink and its monitor", ["pipewire", "wireplumber", "dbus-daemon"], pipe_wire),
    ):
        if missing := [program for program in programs if shutil.which(program) is None]:
            print(f"{name}: not installed: {', '.join(missing)}")
            continue
        try:
            with tempfile.TemporaryDirectory() as folder, server(Path(folder)):
                measure(name, AlsaSettings("mic", "speaker"))
        except (DeviceError, TimeoutError) as error:
            print(f"{name}: {error}")


if __name__ == "__main__":
    main()
