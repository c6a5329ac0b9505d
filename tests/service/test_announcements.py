"""The hub says something that nobody asked for."""

import asyncio

import numpy as np
import pytest

from satellite.core import actions as act
from satellite.core.state import State, Why
from satellite.mock.agent import keyword_agent, slow
from satellite.mock.recordings import COMMAND
from tests.service.house import LONG_TEXT, REPLY, REPLY_TEXT, SOON_S, House, house, play, undisturbed


async def _announce(place: House, text: str = REPLY_TEXT) -> None:
    """The hub says it, and is released within this story's time."""
    async with asyncio.timeout(SOON_S):
        await place.hub.announce(text)


def _last_sound_s(place: House) -> float:
    """When the loudspeaker moved last."""
    cone = place.room.cone.between(0, place.room.cone.end_frame)
    return place.card.time_of(int(np.flatnonzero(cone)[-1]))


def test_an_announcement_is_played_whole_and_the_hub_told_at_its_true_end() -> None:
    """`played` after the last sample has left the speaker, and once."""

    async def story() -> None:
        async with house(config=undisturbed()) as place:
            await _announce(place)
            await place.until_over()
            assert place.has_sounded_like(REPLY)
            # the card's converter holds it for a millisecond longer
            assert [_last_sound_s(place) - 0.001 <= e.at_s for e in place.journal.of("played")] == [True]
            assert [(new, why) for _, new, why in place.seen.states[-2:]] == [
                (State.SPEAKING, Why.ANNOUNCEMENT),
                (State.IDLE, Why.FINISHED),
            ]
            await place.works()

    play(story())


@pytest.mark.parametrize("state", [State.LISTENING, State.PROCESSING])
def test_an_announcement_breaks_into_a_turn(state: State) -> None:
    """The hub has cancelled its run for it; it is played whole, and the next turn works."""

    async def story() -> None:
        async with house(slow(keyword_agent({}, LONG_TEXT), 0.5), config=undisturbed()) as place:
            place.wake()
            await place.journal.wait_for("transcribe", direction="sent")
            if state is State.PROCESSING:
                place.say("tts_stop_joe")
                await place.until_understood(1)
            assert place.service.state is state
            await _announce(place)
            await place.until_over()
            assert place.has_sounded_like(REPLY)
            assert place.order("played") == ["played"]
            await place.works()

    play(story())


def test_an_announcement_can_be_talked_over() -> None:
    """It stops, the hub is released, and what was said is a command."""

    async def story() -> None:
        async with house() as place:
            announcing = asyncio.create_task(_announce(place, LONG_TEXT))
            await place.until_state(State.SPEAKING)
            await place.until_played(0.6)
            place.say("tts_lights_heart")
            await place.until_understood(1)
            await announcing
            assert place.words() == [COMMAND]
            assert place.interrupts() == [("#1", "provisional"), ("#1", "confirmed")]
            assert place.heard_live()

    play(story())


def test_a_muted_satellite_announces_nothing_and_works_afterwards() -> None:
    """The hub waits for as long as the announcement is, and no longer; its connection does not suffer."""

    async def story() -> None:
        async with house(keyword_agent({}, LONG_TEXT)) as place:
            await place.hub.pause()
            await place.until_state(State.MUTED)
            muted = place.room.end_frame
            await _announce(place)
            assert not place.room.cone.between(muted, place.room.cone.end_frame).any()
            assert place.seen.of(act.Play) == []
            place.hub.unpause()
            await place.until_back()
            await place.works()

    play(story())


def test_an_announcement_waits_for_the_end_of_an_answer() -> None:
    """Both are played whole, and the hub is told once of each, when it has ended."""

    async def story() -> None:
        async with house(keyword_agent({}, LONG_TEXT), config=undisturbed()) as place:
            # what begins sooner after an answer is taken for the rest of it
            await place.answer(into_s=1.5)
            announced = asyncio.create_task(place.hub.announce(REPLY_TEXT))
            await place.until(lambda: place.seen.of(act.KeepAnnouncement))
            assert place.service.state is State.SPEAKING
            await place.until(lambda: len(place.seen.of(act.Play)) == 2)
            assert place.journal.of("played") == []
            await place.until_over()
            await announced
            assert place.has_sounded_like(REPLY)
            assert len(place.journal.of("played")) == 1
            await place.works()

    play(story())
