"""Answers that come piece by piece are spoken while they come, and speech is made about one sentence ahead."""

import asyncio

import numpy as np
import pytest

from satellite.audio.card import Samples
from satellite.core import actions as act
from satellite.core import events as ev
from satellite.core.say import SayState
from satellite.mock.agent import piecewise
from satellite.mock.tts import hum
from tests.service.house import LONG, REPLY, as_played, play, undisturbed
from tests.standalone.home import FIRST, SECOND, home

# sentences of two seconds each
MANY = [f"This is sentence {word} of the answer." for word in ("one", "two", "three", "four", "five")]
_HUM: Samples = hum(2.0)


@pytest.mark.parametrize("streams", [True, False])
def test_an_answer_is_the_same_in_one_piece_and_in_many(streams: bool) -> None:
    """Every sentence is spoken once, in order, without a gap that is not the voice's own."""

    async def story() -> None:
        async with home(
            piecewise("I found three ", f"recipes for tomato soup. {SECOND}"), streams=streams, config=undisturbed()
        ) as place:
            await place.command()
            await place.until_over()
            assert [text for text, _ in place.tts.spoken] == [FIRST, SECOND]
            assert place.has_sounded_like(as_played(LONG), place.begin)
            assert place.seen.told(ev.Answered)[-1].text == f"{FIRST} {SECOND}"

    play(story())


def test_the_first_sentence_is_heard_while_the_second_is_thought_of() -> None:
    """The agent is not finished before it is played."""
    may_end = asyncio.Event()

    async def story() -> None:
        agent = piecewise(f"{FIRST} The", " first one takes twenty five minutes.", last=may_end)
        async with home(agent, streams=True, config=undisturbed()) as place:
            await place.command()
            await place.until_played(0.8)
            assert place.seen.told(ev.Answered) == [] and place.has_sounded_like(as_played(REPLY)[: 16_000 // 2], place.begin)
            may_end.set()
            await place.until_over()
            assert place.has_sounded_like(as_played(REPLY), place.begin)
            assert [text for text, _ in place.tts.spoken] == [FIRST, SECOND]

    play(story())


@pytest.mark.parametrize("streams", [True, False])
def test_speech_is_made_one_sentence_ahead_of_what_plays(streams: bool) -> None:
    """A server that is interrupted has little to throw away."""

    async def story() -> None:
        texts = dict.fromkeys(MANY, _HUM)
        async with home(piecewise(" ".join(MANY)), texts=texts, streams=streams, config=undisturbed()) as place:
            await place.command()
            ahead = []
            for second in np.arange(0.5, 9.5, 0.5):
                await place.until_played(float(second))
                ahead.append(len(place.tts.spoken) - int(second // 2) - 1)
            assert set(ahead) <= {0, 1}, ahead
            await place.until_over()
            assert [text for text, _ in place.tts.spoken] == MANY
            assert place.has_sounded_like(as_played(*[_HUM] * 5), place.begin)

    play(story())


def test_a_server_that_takes_its_time_for_each_sentence_leaves_no_gap() -> None:
    """The next is asked for in time."""

    async def story() -> None:
        texts = dict.fromkeys(MANY, _HUM)
        async with home(piecewise(" ".join(MANY)), texts=texts, config=undisturbed()) as place:
            place.tts.thinks_s = 1.0
            await place.command()
            await place.until_over()
            assert place.has_sounded_like(as_played(*[_HUM] * 5), place.begin)

    play(story())


@pytest.mark.parametrize("streams", [True, False])
def test_an_agent_that_thinks_between_two_sentences_is_no_fault_of_who_speaks(streams: bool) -> None:
    """It is silent because it has been given nothing to say, and goes on when it has."""

    async def story() -> None:
        agent = piecewise(f"{FIRST} And", f" then. {SECOND}", pause_s=7.0)
        texts = {"And then.": _HUM}
        async with home(agent, texts=texts, streams=streams, config=undisturbed()) as place:
            await place.command()
            await place.until_over()
            assert [text for text, _ in place.tts.spoken] == [FIRST, "And then.", SECOND]
            assert place.seen.of(act.SoundError) == [] and [servers.failures for servers in place.asked] == [0, 0, 0]

    play(story())


def test_one_connection_is_one_request() -> None:
    """Of a stream there is one for the whole answer."""

    async def story() -> None:
        async with home(
            piecewise(" ".join(MANY[:3])), texts=dict.fromkeys(MANY, _HUM), streams=True, config=undisturbed()
        ) as place:
            described = place.tts.connections
            await place.command()
            await place.until_over()
            assert place.tts.connections == described + 1
            assert [over.state for over in place.seen.of(act.SayOver)] == [SayState.PLAYED]

    play(story())
