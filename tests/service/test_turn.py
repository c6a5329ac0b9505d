"""A turn from the wake word to the last sample of the answer, and the turns that end without one."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace

import numpy as np

from satellite.core.conversation import TimeLimits
from satellite.core.state import State, Why
from satellite.core.units import Millis, frames
from satellite.mock.agent import keyword_agent
from satellite.mock.hub import HubRule
from satellite.mock.pipeline import PipelineRule
from satellite.mock.recordings import COMMAND
from tests.service.house import LONG_TEXT, REPLY, REPLY_TEXT, as_played, house, play

# the mock answers at once, so that what has not come after this never will
_SHORT = replace(TimeLimits(), answer=Millis(500), answer_audio=Millis(500))


def test_a_whole_turn_is_heard_understood_answered_and_played_to_its_last_sample() -> None:
    """Everything that makes a turn happens once and in order, and `played` follows the last sample of the answer."""

    async def story() -> None:
        async with house(keyword_agent({"lights": REPLY_TEXT})) as place:
            await place.command("tts_lights_joe")
            await place.until_over()
            assert place.words() == [COMMAND]
            expected = ["detection", "run-asr", "audio-stop", "played"]
            assert place.order("interrupt", *expected) == expected
            assert place.has_played(as_played(REPLY))
            # what is behind the card nobody knows; it is a millisecond here
            last = int(np.flatnonzero(place.room.cone.between(0, place.room.cone.end_frame))[-1]) - frames(1)
            assert place.card.time_of(last) <= place.journal.of("played")[0].at_s
            states = [f"{new}" for _, new, _ in place.seen.states]
            assert states == ["idle", "listening", "processing", "speaking", "idle"]
            assert place.heard_live()

    play(story())


def test_an_answer_that_comes_as_one_chunk_is_played_whole() -> None:
    """The whole answer in a single event, as older hubs send what they have cached."""

    async def story() -> None:
        async with house(keyword_agent({}, REPLY_TEXT), pipeline=PipelineRule(one_chunk=True)) as place:
            await place.answer()
            await place.until_over()
            assert len(place.journal.of("audio-chunk", "sent")) == 1
            assert place.has_played(as_played(REPLY))

    play(story())


def test_speech_that_begins_before_the_answer_is_complete_is_played_whole() -> None:
    """Audio before `synthesize` is the answer all the same, and what comes after it belongs to it."""
    pieces = ("I found three recipes for tomato soup, and now I am thinking of them.", " The first one is quick.")
    # cut where the voice's 22.05 kHz have a sample too
    cut = len(REPLY) // 640 * 320
    halves = REPLY[:cut], REPLY[cut:]
    complete = asyncio.Event()

    async def agent(text: str) -> AsyncIterator[str]:
        yield pieces[0]
        await complete.wait()
        yield pieces[1]

    async def story() -> None:
        async with house(agent, dict(zip(pieces, halves, strict=True)), PipelineRule(early_speech=True)) as place:
            await place.answer(into_s=0.3)
            assert place.journal.of("synthesize", "sent") == []
            complete.set()
            await place.until_over()
            assert place.order("played", "interrupt") == ["played"]
            assert place.has_played(as_played(*halves))

    play(story())


def test_an_empty_answer_ends_the_turn_and_the_next_one_works() -> None:
    """An agent that has nothing to say ends its run without a word; the satellite's own time limit ends the turn."""

    async def story() -> None:
        answers = iter(("", REPLY_TEXT))

        async def agent(text: str) -> AsyncIterator[str]:
            yield next(answers)

        async with house(agent, limits=_SHORT) as place:
            await place.command()
            await place.until_state(State.IDLE)
            assert place.seen.states[-1][2] is Why.TIME_LIMIT
            await place.works()

    play(story())


def test_a_failed_synthesis_ends_the_turn_and_the_next_one_works() -> None:
    """Nothing follows `synthesize` when the speech cannot be made; the satellite's own time limit ends the turn."""

    async def story() -> None:
        async with house(keyword_agent({}, REPLY_TEXT)) as place:
            place.tts.fails = True
            await place.command()
            await place.until_state(State.IDLE)
            assert place.seen.states[-1][2] is Why.TIME_LIMIT
            place.tts.fails = False
            # until then the gate takes the next speech for that of this turn, and late
            await place.until_frame(place.room.end_frame + frames(5000))
            await place.works()

    play(story())


def test_a_muted_satellite_is_silent_and_deaf_until_the_hub_is_back() -> None:
    """The mute switch ends a reply at once, no wake word opens a turn, and the hub's new connection ends it."""

    async def story() -> None:
        async with house(keyword_agent({}, LONG_TEXT), hub_rule=HubRule(ping_s=0.2, dead_s=0.7)) as place:
            await place.answer(into_s=0.5)
            await place.hub.pause()
            await place.until_state(State.MUTED)
            muted = place.room.end_frame + frames(100)
            place.wake()
            # the hub notices that nothing comes any more
            await place.until_frame(muted + frames(1200))
            assert place.service.state is State.MUTED
            assert place.is_silent(since=muted)
            assert place.order("run-asr") == ["run-asr"]
            place.hub.unpause()
            await place.until_back()
            await place.works()

    play(story())
