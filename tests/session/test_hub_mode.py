"""The same session beside a hub: its answers have handles and states, and a program speaks by a server of its own."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import msgspec

from satellite import SessionState, VoiceSession
from satellite.config import Tts
from satellite.core.say import SayState
from satellite.core.state import State
from satellite.mock.recordings import COMMAND, STOP
from satellite.mock.tts import MockTts
from satellite.service import Service
from tests.service.house import LONG, LONG_TEXT, REPLY, REPLY_TEXT, House, as_played, house, play, quiet_config


@asynccontextmanager
async def _beside_a_hub() -> AsyncIterator[tuple[House, VoiceSession]]:
    sessions: list[VoiceSession] = []

    def construct(*given: Any, **runtime: Any) -> Service:
        sessions.append(VoiceSession.from_config(*given, **runtime))
        return sessions[0].service

    async with MockTts({REPLY_TEXT: REPLY, LONG_TEXT: LONG}) as tts:
        config = msgspec.structs.replace(quiet_config(), tts=Tts(uri=tts.uri))
        async with house(config=config, construct=construct) as place:
            yield place, sessions[0]


def test_an_answer_of_the_hub_has_a_handle_and_can_be_talked_over() -> None:
    """Playing, interrupted, and listening, as without a hub."""

    async def story() -> None:
        async with _beside_a_hub() as (place, session):
            await place.answer(into_s=0.6)
            handle = session.speaking
            assert handle is not None and session.state is SessionState.SPEAKING
            place.say("tts_lights_heart")
            playout = await handle.wait_for_playout()
            assert playout.was_interrupted and session.state is SessionState.LISTENING
            await place.until_understood(2)
            assert place.words() == [STOP, COMMAND]

    play(story())


def test_an_answer_of_the_hub_can_be_cancelled() -> None:
    """It is silent, the hub is told, and nobody listens."""

    async def story() -> None:
        async with _beside_a_hub() as (place, session):
            await place.answer(into_s=0.6)
            handle = session.speaking
            assert handle is not None
            handle.cancel()
            assert (await handle.wait_for_playout()).state is SayState.CANCELLED
            assert place.service.state is State.IDLE
            await place.journal.wait_for("interrupt")
            assert place.journal.of("interrupt")[-1].data["reason"] == "button"
            await place.works()

    play(story())


def test_a_program_speaks_by_a_server_of_its_own() -> None:
    """And what is said over it is the hub's next command."""

    async def story() -> None:
        async with _beside_a_hub() as (place, session):
            handle = await session.say(LONG_TEXT)
            await place.until_played(0.6)
            place.say("tts_lights_heart")
            assert (await handle.wait_for_playout()).was_interrupted
            await place.until_understood(1)
            assert place.words() == [COMMAND]

    play(story())


def test_without_a_hub_a_program_is_heard_all_the_same() -> None:
    """Nothing that it says needs one."""

    async def story() -> None:
        async with _beside_a_hub() as (place, session):
            await place.hub.stop()
            await place.until_state(State.OFFLINE)
            handle = await session.say(REPLY_TEXT)
            assert (await handle.wait_for_playout()).state is SayState.PLAYED
            await place.until_recorded()
            assert place.has_played(as_played(REPLY), place.begin)

    play(story())
