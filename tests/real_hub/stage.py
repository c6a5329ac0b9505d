"""A satellite in a simulated room on the one hand, a real hub on the other, and what each of them saw."""

import asyncio
import json
import os
import sys
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from satellite.audio.card import Samples
from satellite.audio.levels import level_db
from satellite.config import Audio, Config, Hub, Listening, Tts, Wake, WakeWord
from satellite.core import actions as act
from satellite.core import events as ev
from satellite.core.state import State
from satellite.core.timers import Timer
from satellite.core.units import RATE_HZ
from satellite.desk import Desk
from satellite.memory import MemoryFile
from satellite.mock.recordings import recording, trimmed
from satellite.mock.tts import MockTts
from satellite.observer import Audience, Observer
from satellite.service import Service
from satellite.simulate.card import SimulatedCard
from satellite.simulate.clock import RealClock
from satellite.simulate.room import Room, Said, ser_gain_db

# a hub starts in four seconds, and is back 13 s after it was cut off; nothing else takes so long
SOON_S = 40.0

REMINDER = "The washing is done. Shall I remind you?"
PIPELINE = "Kitchen"

_PORT = 10_700
_NAME = "real hub test"
_SER_DB = 20.0
_COUPLING_DB = -30.0
_NOISE_DBFS = -72.0
_LOOK_S = 0.005

T = TypeVar("T")


class Seen(Observer):
    """Everything that happened in the satellite, with its time."""

    def __init__(self) -> None:
        self.log: list[tuple[float, object]] = []

    def on_event(self, event: ev.Event) -> None:
        if not isinstance(event, ev.VoiceWindow):
            self.log.append((time.monotonic(), event))

    def on_action(self, action: act.Action) -> None:
        self.log.append((time.monotonic(), action))

    def on_timer(self, timer: Timer) -> None:
        self.log.append((time.monotonic(), timer))

    def of(self, kind: type[T], since_s: float, is_wanted: Callable[[T], bool] = lambda thing: True) -> list[tuple[float, T]]:
        """What there was of a kind since a time."""
        return [(at, thing) for at, thing in self.log if isinstance(thing, kind) and at >= since_s and is_wanted(thing)]


class FarEnd:
    """The hub's bench in another process."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process
        self._next = 0
        self._answers: dict[int, asyncio.Future[Any]] = {}
        self._reader = asyncio.create_task(self._read())
        self.clock_zero_s = 0.0

    async def ready(self) -> None:
        """Returns when the hub is set up."""
        self._answers[0] = asyncio.get_running_loop().create_future()
        self.clock_zero_s = await asyncio.wait_for(self._answers[0], SOON_S)

    async def __call__(self, path: str, *args: object, **kwargs: object) -> Any:
        """Calls, or reads, something of the bench."""
        self._next += 1
        answer = self._answers[self._next] = asyncio.get_running_loop().create_future()
        request = {"id": self._next, "path": path, "args": args, "kwargs": kwargs}
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(request).encode() + b"\n")
        return await asyncio.wait_for(answer, SOON_S)

    async def stop(self) -> None:
        """Lets it take down what it has set up."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        await asyncio.wait_for(self._process.wait(), SOON_S)
        self._reader.cancel()

    async def _read(self) -> None:
        assert self._process.stdout is not None
        while line := await self._process.stdout.readline():
            answer = json.loads(line)
            future = self._answers[answer["id"]]
            if "error" in answer:
                future.set_exception(RuntimeError(answer["error"]))
            else:
                future.set_result(answer["result"])


@dataclass
class Stage:
    """Both of them."""

    service: Service
    desk: Desk
    audience: Audience
    seen: Seen
    room: Room
    card: SimulatedCard
    hub: FarEnd
    scripts: "Scripts"
    entry: str = ""
    wakes: int = field(default=0)

    # ---- the user

    def wake(self, name: str | None = None) -> float:
        """A wake word, as the detector tells of it; never the same twice, unless it is named."""
        self.wakes += 1
        engine = self.service.engine
        self.service.handle(ev.WakeHeard(engine.now(), name or f"word {self.wakes}", engine.frame))
        return time.monotonic()

    def say(self, name: str, after_s: float = 0.0) -> Said:
        """Begins to say a recording."""
        samples = trimmed(name)
        gain_db = ser_gain_db(self.room, _loudest_reply(), samples, _SER_DB)
        return self.room.say(samples, self.room.end_frame + int(after_s * RATE_HZ), gain_db)

    async def asks(self, understood: str, answer: str, seconds: float, **more: object) -> float:
        """A whole command, as the hub is told to understand it and to answer it; when it began."""
        await self.hub("stt.say", understood)
        await self.hub("handle.reply", answer, **more)
        await self.hub("tts.plan", answer, seconds=seconds)
        began = self.wake()
        self.say("tts_lights_joe")
        return began

    # ---- waiting

    async def until(self, what: str, holds: Callable[[], T]) -> T:
        """Waits for something to be so. TimeoutError names it."""
        give_up_s = time.monotonic() + SOON_S
        while not (result := holds()):
            if time.monotonic() > give_up_s:
                states = [f"{c.new} ({c.why})" for _, c in self.seen.of(act.Become, 0.0)]
                raise TimeoutError(f"no {what} within {SOON_S:g} s; states: {', '.join(states[-8:])}")
            await asyncio.sleep(_LOOK_S)
        return result

    async def first(self, kind: type[T], since_s: float, is_wanted: Callable[[T], bool] = lambda thing: True) -> tuple[float, T]:
        """The first of a kind since a time, once it is there."""
        return (await self.until(kind.__name__, lambda: self.seen.of(kind, since_s, is_wanted)))[0]

    async def until_state(self, state: State, since_s: float) -> float:
        """When it came into a state."""
        return (await self.first(act.Become, since_s, lambda change: change.new is state))[0]

    async def until_played(self, since_s: float, seconds: float) -> None:
        """Waits until so much of the reply that began since then has left the speaker."""
        await self.first(act.Play, since_s)
        await self.until("playing", lambda: self.service.engine.player.position.played >= seconds * 1000)

    async def until_idle(self) -> None:
        """Waits until nothing goes on."""
        await self.until("rest", lambda: self.service.state is State.IDLE)

    # ---- what was heard

    def last_sound_s(self, since_s: float) -> float:
        """When the loudspeaker moved last."""
        first = self.card.air_frame(since_s)
        sound = np.flatnonzero(self.room.cone.between(first, self.room.cone.end_frame))
        return self.card.time_of(first + int(sound[-1]))

    def level(self, since_s: float, until_s: float) -> float:
        """How loud it was between two times, in dB."""
        return level_db(self.room.cone.between(self.card.air_frame(since_s), self.card.air_frame(until_s)).astype(np.int16))

    def is_silent(self, since_s: float, until_s: float) -> bool:
        """Whether it did not move between two times."""
        frames = self.card.air_frame(since_s), min(self.card.air_frame(until_s), self.room.cone.end_frame)
        return not self.room.cone.between(*frames).any()


@dataclass(frozen=True)
class Scripts:
    """The folder that starts and stops a hub."""

    folder: Path
    config: Path

    async def run(self, name: str) -> None:
        """Runs one of its scripts for this hub. RuntimeError with what it said if it fails."""
        process = await asyncio.create_subprocess_exec(
            self.folder / name, self.config, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
        )
        out, _ = await process.communicate()
        if process.returncode:
            raise RuntimeError(f"{name}: {out.decode()}")

    def kill_hub(self, number: int) -> None:
        """Sends the hub a signal."""
        os.kill(int((self.config / "ha.pid").read_text()), number)

    async def far_end(self, out: Path) -> FarEnd:
        """The bench of the folder, run by its Python."""
        python = Path(os.environ.get("HA_HOME", "/opt/ha")) / "venv-harness/bin/python"
        arguments = (Path(__file__).with_name("far_end.py"), self.folder, self.config, out)
        process = await asyncio.create_subprocess_exec(
            python, *arguments, stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, stderr=sys.stderr, limit=2**24
        )
        return FarEnd(process)


@asynccontextmanager
async def stage(scripts: Scripts, out: Path) -> AsyncIterator[Stage]:
    """Everything running, and the satellite not yet known to the hub; all of it is taken down at the end."""
    hub = await scripts.far_end(out)
    await hub.ready()
    seen, room = Seen(), _room()
    card = SimulatedCard(room, RealClock())
    async with MockTts({REMINDER: trimmed("tts_alexa_joe")}) as tts:
        config = Config(
            name=_NAME,
            hub=Hub(host="127.0.0.1", port=_PORT),
            tts=Tts(uri=tts.uri),
            audio=Audio(warm_up_dbfs=None),
            wake=Wake(words=(WakeWord(name="okay_nabu", pipeline=PIPELINE),)),
            listening=Listening(follow_up_ms=3000),
        )
        audience = Audience(seen)
        service = Service(config, lambda: _opened(card), audience)
        try:
            yield Stage(service, Desk(service, config, MemoryFile(None)), audience, seen, room, card, hub, scripts)
        finally:
            await service.stop()
            await hub.stop()


def _opened(card: SimulatedCard) -> SimulatedCard:
    card.reopen()
    return card


def _loudest_reply() -> Samples:
    return recording("heart_medium_67966")


def _room() -> Room:
    noise = np.random.default_rng(1).standard_normal(10 * RATE_HZ) * 10 ** (_NOISE_DBFS / 20)
    echo = np.zeros(48, np.float32)
    echo[-1] = 10 ** (_COUPLING_DB / 20)
    return Room(echo, np.ones(1, np.float32), noise.astype(np.float32))
