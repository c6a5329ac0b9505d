"""A satellite in virtual time with all that it meets: a room, a card, a network, a hub, servers, a user, programs."""

import asyncio
import random
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress

import numpy as np
from wyoming.timer import TimerFinished, TimerStarted

from satellite.audio.card import Samples
from satellite.chaos.cable import Cable
from satellite.chaos.card import Socket
from satellite.chaos.listener import ANSWERS, Listener
from satellite.chaos.marks import TONES, Texts, sound
from satellite.config import BargeIn, Config, Hub, Listening, Sounds, Timers, Tts, Wake
from satellite.core import events as ev
from satellite.core.state import State
from satellite.core.units import RATE_HZ
from satellite.desk import Desk
from satellite.memory import MemoryFile
from satellite.mock.hub import HubRule, MockHub
from satellite.mock.journal import Journal
from satellite.mock.recogniser import TemplateRecogniser
from satellite.mock.recordings import SPOKEN, trimmed
from satellite.mock.stt import MockStt
from satellite.mock.tts import MockTts
from satellite.service import Service
from satellite.simulate.room import Room, ser_gain_db
from satellite.simulate.signals import Signal
from satellite.simulate.stepped import InlineWakeWords, SteppedAudio
from satellite.simulate.virtual_time import VirtualLoop

# nobody doubts this user: what is heard beside an echo is measured elsewhere
_SER_DB = 20.0
_COUPLING_DB = -30.0
_NOISE_DBFS = -72.0
# of speech, and of an answer that begins after a thought
_SECONDS = (1.5, 4.0)
_THOUGHTS_S = (0.0, 0.0, 0.2, 1.5)
# every so many answers ask something, and are answered themselves or not
_ASKS = 5
# a timer rings so often and no longer, so that nobody has to be found who ends it
_RINGS = Timers(times=2, pause_s=0.5)

_BARGE_IN = BargeIn()

_COMMANDS = ("tts_lights_joe", "tts_lights_heart", "tts_stop_joe")
_WORD = "tts_alexa_joe"


class World:
    """One satellite after another at one place. Made by `world`."""

    def __init__(self, loop: VirtualLoop, seed: int, fail: Callable[[str], None]) -> None:
        self.rng = random.Random(seed)
        self.loop = loop
        self._rng = random.Random(seed + 1)
        self.room = _room()
        self.socket = Socket(self.room, loop.clock)
        self.listener = Listener(self.room, loop.time, fail)
        self._seconds = {tone: self._rng.uniform(*_SECONDS) for tone in range(TONES)}
        known = [(SPOKEN[name], trimmed(name)) for name in _COMMANDS]
        self.stt = MockStt(TemplateRecogniser(known).recognise)
        self.tts = MockTts(Texts(self._seconds))
        for server in (self.stt, self.tts):
            _forget(server.journal)
        self._reference = sound(0, 1.0)
        self._answers = self._others = 0
        self.port = _free_port()
        self.cable = Cable(self.port)
        self.hub: MockHub
        self.second_hub: MockHub
        self.service: Service
        self.desk: Desk
        self.reasons_away = 0
        """How many faults keep the hub away."""
        self.squatter: asyncio.Server | None = None
        """Who has our port."""
        self.starting: asyncio.Task[int] | None = None
        self.asked_for: int | None = None
        """The tone of the last answer that the hub gave."""

    # ---- the satellite

    async def start(self) -> None:
        """A new one, when the port is free."""
        self.make_service()
        await self.service.start()

    def make_service(self) -> None:
        """A new one, which has not been started."""
        virtual = {"clock": self.loop.time, "audio": SteppedAudio, "wake_words": InlineWakeWords}
        config = self.config()
        self.service = Service(config, self.socket.open, self.listener, **virtual)  # type: ignore[arg-type]
        self.desk = Desk(self.service, config, MemoryFile(None))
        self.listener.restarted()

    def config(self, barge_in: BargeIn = _BARGE_IN) -> Config:
        """Its configuration: no sound but replies, the start-up sound and rings."""
        return Config(
            hub=Hub(host="127.0.0.1", port=self.port, announce=False),
            wake=Wake(words=("alexa",)),
            tts=Tts(uri=self.tts.uri),
            listening=Listening(silence_ms=300),
            timers=_RINGS,
            sounds=Sounds(awake=None, error=None, mute=None, unmute=None),
            barge_in=barge_in,
        )

    def make_hub(self) -> MockHub:
        """One that reaches it through the cable."""
        hub = MockHub("127.0.0.1", self.cable.port, self.stt.uri, self.tts.uri, self._answer, HubRule())
        _forget(hub.journal)
        return hub

    # ---- what hub and programs have it say

    async def _answer(self, text: str) -> AsyncIterator[str]:
        await asyncio.sleep(self._rng.choice(_THOUGHTS_S))
        self._answers += 1
        tone = self._answers % ANSWERS
        self.listener.given(tone)
        self.asked_for = tone
        yield f"Do you want number {tone}?" if tone % _ASKS == 0 else f"Answer {tone}."

    def next_text(self) -> str:
        """Of what nobody has asked for."""
        self._others += 1
        tone = ANSWERS + self._others % (TONES - ANSWERS)
        self.listener.given(tone)
        return f"Announcement {tone}."

    async def announce(self) -> None:
        """By the hub, if it is there."""
        if self.hub.pipeline is not None:
            with suppress(OSError):
                await self.hub.pipeline.announce(self.next_text())

    async def ring(self, number: int) -> None:
        """A timer of the hub's runs out."""
        with suppress(OSError):
            await self.hub.send(TimerStarted(str(number), 1, "eggs").event())
            await self.hub.send(TimerFinished(str(number)).event())

    # ---- the user

    def say(self, words: str | Samples, after_s: float = 0.0) -> float:
        """Says a recording of the package; when he will have said it, in s from now."""
        samples = trimmed(words) if isinstance(words, str) else words
        gain_db = ser_gain_db(self.room, self._reference, samples, _SER_DB)
        self.room.say(samples, self.socket.frame() + int(after_s * RATE_HZ), gain_db)
        return after_s + len(samples) / RATE_HZ

    def ask(self, after_s: float = 0.0) -> float:
        """The wake word and a command."""
        said_s = self.say(_WORD, after_s)
        return self.say(self.rng.choice(_COMMANDS[:2]), said_s + 0.4)

    def wake(self) -> None:
        """The wake word alone."""
        self.say(_WORD)

    def command(self) -> None:
        """A command alone: over a reply it interrupts."""
        self.say(self.rng.choice(_COMMANDS[:2]))

    def stop_word(self) -> None:
        """As a detector tells of one; no model of one comes with us."""
        engine = self.service.engine
        self.service.handle(ev.StopWordHeard(engine.now(), "stop", engine.frame, engine.position))

    # ---- how it is

    @property
    def hears(self) -> bool:
        """Whether the microphone's periods come, and a hub is there that has not muted it: a wake word would be answered."""
        is_deaf = self.service.state in (State.OFFLINE, State.MUTED) or self.service.is_muted
        return not is_deaf and self.loop.time() - self.listener.last_period_s < 0.1


@asynccontextmanager
async def world(seed: int, fail: Callable[[str], None]) -> AsyncIterator[World]:
    """Everything running, in the virtual time of the loop."""
    loop = asyncio.get_running_loop()
    assert isinstance(loop, VirtualLoop)
    made = World(loop, seed, fail)
    async with made.stt, made.tts, made.cable:
        await made.start()
        made.hub, made.second_hub = made.make_hub(), made.make_hub()
        try:
            async with made.hub:
                yield made
        finally:
            if made.starting is not None:
                made.starting.cancel()
            await made.second_hub.stop()
            await made.service.stop()


def _forget(journal: Journal) -> None:
    """Nobody reads what it notes, for days."""
    journal.listeners.append(lambda _: journal.entries.clear())


def _room() -> Room:
    noise = np.random.default_rng(1).standard_normal(10 * RATE_HZ) * 10 ** (_NOISE_DBFS / 20)
    # a metre from the loudspeaker, half a metre from the user
    echo: Signal = np.zeros(48, np.float32)
    echo[-1] = 10 ** (_COUPLING_DB / 20)
    return Room(echo, np.ones(1, np.float32), noise.astype(np.float32))


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port: int = free.getsockname()[1]
    return port
