"""A conversation with real servers in the simulated room of the demo: Whisper understands, Piper speaks, and is talked over.

    python -m pytest -s -m servers

prints what was understood and how long things took. On the machine's clock, with everything on one machine.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import numpy as np
import pytest
import soxr
from wyoming.tts import Synthesize

from satellite import SessionState, VoiceSession
from satellite.audio.card import Samples
from satellite.config import Audio, Config, Dialog, Hub, Mode, Stt, Tts, Wake
from satellite.core.units import RATE_HZ
from satellite.demo.stage import _room
from satellite.mock.agent import keyword_agent
from satellite.mock.dialog import MockDialog
from satellite.mock.recordings import COMMAND, trimmed
from satellite.simulate.card import SimulatedCard
from satellite.simulate.clock import RealClock
from satellite.simulate.room import Room, ser_gain_db
from tests.servers.processes import Server
from tests.servers.wire import connection, receive, send, speeches
from tests.servers.words import word_error_rate

pytestmark = pytest.mark.servers

FIRST, SECOND = "tts_lights_joe", "tts_lights_heart"
ANSWER = (
    "The lights in the kitchen are off now. It is going to rain this evening, so you may want to close the windows "
    "before you leave. There are two events in your calendar for tomorrow."
)

# as loud as the bench's user, and the loudspeaker 8 cm from the microphone
SER_DB = -10.0

# a small model, a medium voice and the satellite on one machine
_SOON_S = 60.0
# the start-up sound, from which the canceller learns the room
_WARM_UP_S = 3.0
# enough of the answer heard that the talker has something to talk over
_INTO_THE_ANSWER_S = 1.5


@dataclass
class _Stage:
    session: VoiceSession
    dialog: MockDialog
    room: Room
    card: SimulatedCard
    reply: Samples
    words: asyncio.Queue[str] = field(default_factory=asyncio.Queue)

    def say(self, name: str) -> None:
        """The user says a recording, as loud as he is over the answer."""
        samples = trimmed(name)
        now = self.card.air_frame(asyncio.get_running_loop().time())
        self.room.say(samples, max(self.room.end_frame, now) + RATE_HZ // 4, ser_gain_db(self.room, self.reply, samples, SER_DB))

    async def understood(self) -> str:
        async with asyncio.timeout(_SOON_S):
            return await self.words.get()


@asynccontextmanager
async def _stage(whisper: Server, piper: Server) -> AsyncIterator[_Stage]:
    async with MockDialog(keyword_agent({}, ""), streams=True) as dialog:
        reply = await _spoken(piper, ANSWER)
        config = Config(
            name="Test",
            mode=Mode.STANDALONE,
            hub=Hub(announce=False),
            stt=Stt(uri=whisper.uri, language="en"),
            dialog=Dialog(uri=dialog.uri),
            tts=Tts(uri=piper.uri),
            audio=Audio(),
            wake=Wake(words=()),
        )
        room = _room()
        card = SimulatedCard(room, RealClock())

        def open_card() -> SimulatedCard:
            card.reopen()
            return card

        async with VoiceSession.from_config(config, open_card) as session:
            stage = _Stage(session, dialog, room, card, reply)
            session.on_transcript(stage.words.put_nowait)
            await asyncio.sleep(_WARM_UP_S)
            yield stage


async def _spoken(piper: Server, text: str) -> Samples:
    """What Piper makes of a text, at 16 kHz: how loud the user has to be depends on it."""
    async with connection(piper.port) as client:
        await send(client, Synthesize(text=text).event())
        (said,) = speeches(await receive(client, "audio-stop"))
    samples: Samples = soxr.resample(np.frombuffer(said.pcm, "<i2"), said.rate_hz, RATE_HZ)
    return samples


async def _until(session: VoiceSession, state: SessionState) -> None:
    reached = asyncio.Event()
    forget = session.on_state_changed(lambda old, new, why: reached.set() if new is state else None)
    async with asyncio.timeout(_SOON_S):
        while session.state is not state:
            reached.clear()
            await reached.wait()
    forget()


def test_words_over_pipers_speech_are_understood_as_well_as_in_silence(whisper: Server, piper: Server) -> None:
    """The second command, said over the answer to the first, has no more word errors than when nothing plays."""

    async def story() -> None:
        async with _stage(whisper, piper) as stage:
            session = stage.session
            alone = await _alone(stage)
            session.listen()
            stage.dialog._agent = keyword_agent({}, ANSWER)
            stage.say(FIRST)
            first = await stage.understood()
            await _until(session, SessionState.SPEAKING)
            answer = session.speaking
            assert answer is not None
            await asyncio.sleep(_INTO_THE_ANSWER_S)
            stage.dialog._agent = keyword_agent({}, "")
            stage.say(SECOND)
            playout = await answer.wait_for_playout()
            over = await stage.understood()
            await _until(session, SessionState.IDLE)
            told = stage.dialog.interrupts
            print(
                f"\nin silence: {alone!r}\nfirst:      {first!r}\nover it:    {over!r}\nheard of the answer: {told[-1]['text']!r}"
            )
            assert playout.was_interrupted
            assert [data["phase"] for data in told] == ["provisional", "confirmed"]
            assert ANSWER.startswith(told[-1]["text"]) and told[-1]["text"]
            assert word_error_rate(COMMAND, first) == 0
            assert word_error_rate(COMMAND, over) <= word_error_rate(COMMAND, alone)

    asyncio.run(story())


async def _alone(stage: _Stage) -> str:
    """The second command while nothing plays."""
    stage.session.listen()
    stage.say(SECOND)
    words = await stage.understood()
    await _until(stage.session, SessionState.IDLE)
    return words
