"""The stage of the demo: a room, a card in it, the real daemon, and mock servers on loopback."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import numpy as np

from satellite.audio.card import Samples
from satellite.config import Audio, Config, Hub, Wake
from satellite.core.units import RATE_HZ
from satellite.mock.agent import keyword_agent
from satellite.mock.hub import MockHub
from satellite.mock.recogniser import TemplateRecogniser
from satellite.mock.recordings import ANSWER, SPOKEN, SPOKEN_S, recording
from satellite.mock.stt import MockStt
from satellite.mock.tts import MockTts
from satellite.observer import Observer
from satellite.service import Service
from satellite.simulate.card import SimulatedCard
from satellite.simulate.clock import RealClock
from satellite.simulate.room import Room, Said, ser_gain_db
from satellite.simulate.signals import Signal

# nobody turns the user up: this is what a talker at 2 m has against a loudspeaker 8 cm from the microphone, and then some
SER_DB = -10.0
_NOISE_DBFS = -62.0
# of full scale 32768: where the answer's first breath ends
_AUDIBLE = 100
_REPLY = "heart_medium_67966"


@dataclass(slots=True)
class Stage:
    """Everything the story needs."""

    service: Service
    hub: MockHub
    stt: MockStt
    room: Room
    card: SimulatedCard
    reply: Samples
    said: list[Said] = field(default_factory=list)
    """What the user says in it, in order."""

    def say(self, name: str, onset_frame: int) -> Said:
        """Lets the user say a recording whose sound begins at this frame of the room."""
        start_s, end_s = SPOKEN_S[name]
        onset = int(start_s * RATE_HZ)
        samples = recording(name)
        gain_db = ser_gain_db(self.room, self.reply, samples, SER_DB)
        end = int(end_s * RATE_HZ)
        said = self.room.say(samples, onset_frame - onset, gain_db, name=name, onset_frame=onset, end_frame=end)
        self.said.append(said)
        return said

    def answer_began(self, after_frame: int) -> int | None:
        """The frame of the room at which the answer's recording began to play, once it is heard."""
        cone = self.room.cone.between(after_frame, self.room.cone.end_frame)
        heard = np.flatnonzero(np.abs(cone) > _AUDIBLE)
        first = int(np.argmax(np.abs(self.reply) > _AUDIBLE))
        return after_frame + int(heard[0]) - first if len(heard) else None


@asynccontextmanager
async def stage(observer: Observer) -> AsyncIterator[Stage]:
    """Sets it up, and takes it down."""
    room = _room()
    card = SimulatedCard(room, RealClock())
    config = Config(name="Demo", hub=Hub(host="127.0.0.1", port=0, announce=False), audio=Audio(), wake=Wake(words=("alexa",)))
    service = Service(config, lambda: _opened(card), observer)
    known = [(SPOKEN[name], recording(name)) for name in ("tts_lights_joe", "tts_lights_heart", "tts_stop_joe")]
    reply = recording(_REPLY)
    agent = keyword_agent({"lights": ANSWER})
    async with MockStt(TemplateRecogniser(known).recognise) as stt, MockTts({ANSWER: reply}) as tts:
        port = await service.start()
        try:
            async with MockHub("127.0.0.1", port, stt.uri, tts.uri, agent) as hub:
                yield Stage(service, hub, stt, room, card, reply)
        finally:
            await service.stop()


def words_of(name: str) -> str:
    """What is to be read of a recording."""
    return f'"{SPOKEN[name]}"' if name in SPOKEN else "(coughs)"


def _opened(card: SimulatedCard) -> SimulatedCard:
    card.reopen()
    return card


def _room() -> Room:
    noise = np.random.default_rng(1).standard_normal(10 * RATE_HZ) * 10 ** (_NOISE_DBFS / 20)
    return Room(_response("sim7_spk8cm"), _response("sim7_talk2m"), noise.astype(np.float32))


def _response(name: str) -> Signal:
    """A room impulse response: loudspeaker or talker to microphone, 0.35 s at RT60 0.5 s."""
    return (recording(name) / 32768).astype(np.float32)
