"""How the satellite ends, in every state: SIGTERM to the whole daemon on the virtual card, in real time.

    python -m tests.rig.shutdown [STATE ...]

Each time it is started again at once, as systemd does, with the port that was held for it meanwhile. Prints, in ms from the
signal, with hooks that hang,

- silent: its last sample that leaves the loudspeaker and can be heard (0: there was none), and how loud the last millisecond of
  sound was, in dB below the loudest of the 50 ms before the signal: a cut would be heard as a click,
- gone: the end of the process,
- back: a hub that behaves like Home Assistant has its session with the next one.
"""

import argparse
import asyncio
import signal
import subprocess
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import ExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from wyoming.event import Event

from satellite.control import ask
from satellite.core.units import RATE_HZ
from satellite.mock.agent import keyword_agent, slow
from satellite.mock.hub import MockHub
from satellite.mock.recogniser import TemplateRecogniser
from satellite.mock.recordings import ANSWER, SPOKEN, recording
from satellite.mock.stt import MockStt
from satellite.mock.tts import MockTts
from tests.install.hang import audio_thread, hung
from tests.rig.barge_ins import answers, room_config, speaker_record, user_wavs
from tests.rig.room import Room
from tests.systemd import Systemd

COMMAND = "tts_lights_joe"
PATIENCE_S = 20.0
# a quarter of a second into what is asked for, whatever it is, the state is reached and something sounds
SETTLED_S = 1.0
# of full scale 32768: above the card's own noise
AUDIBLE = 30
MS = RATE_HZ // 1000

_CONFIG = """
name: Leaving
hub: {{host: 127.0.0.1, port: {port}, announce: false}}
audio: {{microphone: mic, speaker: speaker, rate_hz: 16000}}
wake: {{words: [alexa]}}
sounds: {{awake: null, error: null}}
hooks: {{state_changed: "sh -c 'trap : TERM; sleep 60'"}}
"""


@dataclass
class End:
    """One of them, in ms from the signal."""

    at_ns: int
    gone_ms: float
    back_ms: float
    silent_ms: float = 0.0
    last_db: float = -120.0


class House:
    """A room, a hub, and the daemon, which is started and ended in it."""

    def __init__(self, directory: Path, room: Room, hub: MockHub, systemd: Systemd) -> None:
        self.directory, self.room, self.hub, self._systemd = directory, room, hub, systemd
        self.wavs = user_wavs(directory, 0.0)
        self.daemon: subprocess.Popen[bytes] | None = None
        self.announcing: asyncio.Task[None] | None = None
        self.hanging = ExitStack()
        """What hangs until the daemon is gone."""

    async def start(self) -> None:
        """Starts it, with what systemd has kept for it."""
        here = {"RUNTIME_DIRECTORY": str(self.directory), "STATE_DIRECTORY": str(self.directory)}
        with (self.directory / "daemon.log").open("ab") as log:
            self.daemon = self._systemd.start(self.directory / "config.yaml", {**self.room.env, **here}, log)
        await asyncio.to_thread(self._systemd.wait_for, "READY=1", PATIENCE_S)

    def told(self, command: str) -> Mapping[str, str]:
        """What its control socket answers."""
        return ask(self.directory / "control", {"command": command})

    async def until(self, state: str) -> None:
        """The daemon is in that state. TimeoutError if it does not come."""
        async with asyncio.timeout(PATIENCE_S):
            while self.told("status")["state"] != state:
                await asyncio.sleep(0.01)

    async def say(self, name: str) -> None:
        """A user says it now."""
        await asyncio.to_thread(self.room.say, self.wavs[name], after_ms=50)

    async def end(self) -> End:
        """Sends the signal, and starts it again."""
        assert self.daemon is not None
        sessions = len(self.hub.journal.of("run-satellite", "sent"))
        at_ns = time.monotonic_ns()
        self.daemon.send_signal(signal.SIGTERM)
        code = await asyncio.to_thread(self.daemon.wait, PATIENCE_S)
        gone_ns = time.monotonic_ns()
        self.hanging.close()
        if code != 0:
            raise RuntimeError(f"it ended with {code}: see {self.directory}/daemon.log")
        if self.announcing is not None:
            self.announcing.cancel()
        await self.start()
        self.hub.unpause()
        entry = await self.hub.journal.wait_for("run-satellite", sessions + 1, PATIENCE_S, "sent")
        await self.until("idle")
        return End(at_ns, (gone_ns - at_ns) / 1e6, entry.at_s * 1e3 - at_ns / 1e6)


# ---- the states, and how they are reached


async def _idle(house: House) -> None:
    await house.until("idle")


async def _listening(house: House) -> None:
    house.told("listen")
    await house.until("listening")


async def _processing(house: House) -> None:
    house.told("listen")
    await house.say(COMMAND)
    await house.until("processing")


async def _speaking(house: House) -> None:
    house.announcing = asyncio.create_task(house.hub.announce(ANSWER))
    await house.until("speaking")


async def _held(house: House) -> None:
    provisional = len(house.hub.journal.of("interrupt", phase="provisional"))
    await _speaking(house)
    await asyncio.sleep(SETTLED_S)
    await house.say(COMMAND)
    await house.hub.journal.wait_for("interrupt", provisional + 1, PATIENCE_S)


async def _muted(house: House) -> None:
    await house.hub.pause()
    await house.until("muted")


async def _ringing(house: House) -> None:
    timer = {"id": "t", "name": "eggs", "total_seconds": 1}
    await house.hub.send(Event("timer-started", timer))
    await house.hub.send(Event("timer-finished", {"id": "t"}))
    await house.until("speaking")


async def _unplugged(house: House) -> None:
    await asyncio.to_thread(house.room.do, "unplug")


async def _hanging(house: House) -> None:
    await _speaking(house)
    await asyncio.sleep(SETTLED_S)
    assert house.daemon is not None
    house.hanging.enter_context(hung(await asyncio.to_thread(audio_thread, house.daemon.pid)))


STATES: dict[str, tuple[Callable[[House], Awaitable[None]], bool]] = {
    "idle": (_idle, True),
    "listening": (_listening, True),
    "processing": (_processing, True),
    "speaking": (_speaking, True),
    "held": (_held, False),
    "muted": (_muted, True),
    "a timer rings": (_ringing, True),
    "no sound card": (_unplugged, True),
    # as root, and what has been given to the card sounds to its end
    "card hangs": (_hanging, False),
}
"""How each is reached, and whether it lasts until we look again."""


@asynccontextmanager
async def house(directory: Path) -> AsyncIterator[House]:
    """A daemon that is ready and has its hub."""
    port = 10_790
    (directory / "config.yaml").write_text(_CONFIG.format(port=port))
    known = [(SPOKEN[COMMAND], recording(COMMAND))]
    agent = slow(keyword_agent({}, ANSWER), 8.0)
    with Room(directory / "room", room_config("16k")) as room, Systemd(str(directory / "notify")) as systemd:
        async with MockStt(TemplateRecogniser(known).recognise) as stt, MockTts(answers()) as tts:
            hub = MockHub("127.0.0.1", port, stt.uri, tts.uri, agent)
            here = House(directory, room, hub, systemd)
            for wav in here.wavs.values():
                await asyncio.to_thread(room.load, wav)
            await here.start()
            async with hub:
                yield here
            assert here.daemon is not None
            here.daemon.kill()
            here.daemon.wait(PATIENCE_S)


async def ends(states: list[str], directory: Path) -> dict[str, End]:
    """One in each of these states."""
    found = {}
    async with house(directory) as here:
        await here.until("idle")
        await asyncio.sleep(2 * SETTLED_S)
        for state in states:
            reach, lasts = STATES[state]
            await reach(here)
            if lasts:
                await asyncio.sleep(SETTLED_S)
            found[state] = await here.end()
            await asyncio.to_thread(here.room.do, "plug")
            await asyncio.sleep(SETTLED_S)
        room = here.room
    for end in found.values():
        _listen(room, end)
    return found


def _listen(room: Room, end: End) -> None:
    """Reads off the card's record what could be heard after the signal."""
    epoch = room.events("epoch")[0]["t_ns"]
    at = int((end.at_ns - epoch) * RATE_HZ / 1e9)
    record = np.abs(speaker_record(room).astype(np.float64))
    # what the next one plays comes later: it has to be started first
    audible = np.flatnonzero(record[at : at + int(end.gone_ms) * MS] > AUDIBLE)
    if not len(audible):
        return
    last = at + int(audible[-1]) + 1
    end.silent_ms = (last - at) / MS
    loudest = record[at - 50 * MS : at].max()
    end.last_db = 20 * np.log10(record[last - MS : last].max() / max(loudest, 1.0))


def main() -> None:
    """Prints the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("states", nargs="*", metavar="STATE", choices=[[], *STATES], help=", ".join(STATES))
    states = parser.parse_args().states or [*STATES]
    with tempfile.TemporaryDirectory() as directory:
        found = asyncio.run(ends(states, Path(directory)))
    print(f"{'':<16}{'silent':>8}{'its last ms':>14}{'gone':>8}{'back':>8}   ms from SIGTERM")
    for state, end in found.items():
        last = f"{end.last_db:.0f} dB" if end.silent_ms else ""
        print(f"{state:<16}{end.silent_ms:8.0f}{last:>14}{end.gone_ms:8.0f}{end.back_ms:8.0f}")


if __name__ == "__main__":
    main()
