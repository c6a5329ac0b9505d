"""The whole daemon with its real detectors in a simulated room, a recorder in front of everybody it talks to."""

import asyncio
import random
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import cast

import numpy as np
import pytest

from satellite.audio.card import Samples
from satellite.companions import companions
from satellite.config import Config, Dialog, Hooks, Hub, Listening, Mode, Mqtt, Stt, Tts, Wake
from satellite.core.units import RATE_HZ
from satellite.desk import Desk
from satellite.mock.dialog import MockDialog
from satellite.mock.hub import HubRule, MockHub
from satellite.mock.stt import MockStt
from satellite.mock.tts import MockTts
from satellite.mock.wire import Line, LineServer
from satellite.observer import Audience
from satellite.service import Service
from satellite.simulate.room import Room
from tests.mqtt.fake_controls import FakeControls
from tests.privacy.sounds import Sounds
from tests.privacy.wire import Broker, Doors, Recorder, watched
from tests.privacy.witness import Witness
from tests.service.house import Watcher, make_service

# a quiet living room
_NOISE_DBFS = -62.0
_NOISE_S = 20
# of the records that the room keeps
_RECORD_S = 30

# between two looks
_LOOK_S = 0.05

# of answers that ask, so that the user may answer without the wake word
_QUESTIONS = 0.25
# of utterances in which the server finds no words
_NO_WORDS = 0.1


@dataclass
class Scene:
    """A satellite, those it talks to, and who watches."""

    service: Service
    room: Room
    witness: Witness
    doors: Doors
    sounds: Sounds
    dice: random.Random
    changed: asyncio.Event
    hub: MockHub | None

    async def until(self, holds: Callable[[], object], within_s: float) -> bool:
        """Waits for something to be so; False if it is not by then."""
        loop = asyncio.get_running_loop()
        until_s = loop.time() + within_s
        while not holds():
            if loop.time() > until_s:
                return False
            await asyncio.sleep(_LOOK_S)
        return True


class _Lights(LineServer):
    """An event service that only listens."""

    async def _serve(self, line: Line) -> None:
        while True:
            await line.next()


@asynccontextmanager
async def scene(
    sounds: Sounds, mode: Mode, seed: int, construct: Callable[..., Service] = Service, place: int = 0
) -> AsyncIterator[Scene]:
    """Everything running. `place` chooses the room."""
    dice, changed = random.Random(seed), asyncio.Event()
    witness = Witness()
    texts = _answers(sounds, dice)
    witness.answers |= set(texts)
    understood = iter(range(1_000_000_000))

    def recognise(samples: Samples) -> str:
        text = "" if dice.random() < _NO_WORDS else f"secret number {next(understood)} of the user"
        witness.words |= {text} - {""}
        return text

    async def answer(text: str) -> AsyncIterator[str]:
        yield dice.choice(list(texts))

    async with AsyncExitStack() as stack:
        doors = stack.enter_context(watched())
        patch = stack.enter_context(pytest.MonkeyPatch.context())
        patch.setattr("satellite.mqtt.bridge._connection_class", lambda: Broker(witness.published).make)
        stt = await stack.enter_async_context(MockStt(recognise))
        tts = await stack.enter_async_context(MockTts(texts))
        talk = await stack.enter_async_context(MockDialog(answer))
        lights = await stack.enter_async_context(_Lights())
        servers = {"stt": stt, "tts": tts, "dialog": talk, "events": lights}
        uris = {name: await _recorded(stack, name, witness, doors, server._port) for name, server in servers.items()}
        audience = Audience(witness)
        room = _room(sounds, seed, place)
        service, _ = make_service(_config(mode, sounds.words, uris), room, cast(Watcher, audience), construct=construct)
        for companion in companions(service.config, cast(Desk, FakeControls()), None, audience.join):
            await companion.start()
            stack.push_async_callback(companion.stop)
        port = await service.start()
        stack.push_async_callback(service.stop)
        hub = None
        if mode is Mode.HUB:
            doors.known.add(port)
            recorder = Recorder("hub", witness.hears, is_hub=True)
            own = await recorder.start(port)
            doors.known.add(own)
            stack.push_async_callback(recorder.stop)
            doors.known |= {stt._port, tts._port}
            hub = await stack.enter_async_context(MockHub("127.0.0.1", own, stt.uri, tts.uri, answer, HubRule()))
        yield Scene(service, room, witness, doors, sounds, dice, changed, hub)


async def _recorded(stack: AsyncExitStack, name: str, witness: Witness, doors: Doors, port: int) -> str:
    recorder = Recorder(name, witness.hears)
    own = await recorder.start(port)
    stack.push_async_callback(recorder.stop)
    doors.known |= {own, port}
    return f"tcp://127.0.0.1:{own}"


def _config(mode: Mode, words: tuple[str, ...], uris: dict[str, str]) -> Config:
    """Of a satellite that talks to as many as it can, with everything else as it comes."""
    return Config(
        mode=mode,
        hub=Hub(host="127.0.0.1", port=0, announce=False),
        stt=Stt(uri=uris["stt"]),
        dialog=Dialog(uri=uris["dialog"]),
        tts=Tts(uri=uris["tts"]),
        wake=Wake(words=words),
        listening=Listening(),
        hooks=Hooks(event_uri=uris["events"]),
        mqtt=Mqtt(host="127.0.0.1"),
    )


def _answers(sounds: Sounds, dice: random.Random) -> dict[str, Samples]:
    """Each a sentence of its own, so that it is spoken in one piece, and about as long as it takes to say."""
    answers = {}
    for n, spoken in enumerate(sounds.answers):
        more = " and so on" * (len(spoken) // RATE_HZ)
        answers[f"This is answer number {n}{more}{'?' if dice.random() < _QUESTIONS else '.'}"] = spoken
    return answers


def _room(sounds: Sounds, seed: int, place: int) -> Room:
    noise = np.random.default_rng(seed).standard_normal(_NOISE_S * RATE_HZ) * 10 ** (_NOISE_DBFS / 20)
    echo, talker = sounds.rooms[place % len(sounds.rooms)]
    return Room(echo, talker, noise.astype(np.float32), record_s=_RECORD_S)
