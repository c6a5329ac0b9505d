"""A sound card that goes away and comes back."""

import logging

import pytest

from satellite.core.state import State, Why
from satellite.mock.agent import keyword_agent
from tests.service.house import REPLY_TEXT, house, play


def test_a_card_that_is_unplugged_in_the_middle_of_a_reply_works_when_it_is_back(caplog: pytest.LogCaptureFixture) -> None:
    """The reply is over and the hub knows; the log says what is wrong and that it is mended; the next turn works."""

    async def story() -> None:
        async with house(keyword_agent({}, REPLY_TEXT)) as place:
            await place.answer(into_s=0.4)
            place.card.unplug()
            await place.journal.wait_for("played")
            assert (State.SPEAKING, State.IDLE, Why.DEVICE_LOST) in place.seen.states
            await place.until(lambda: "trying again" in caplog.text)
            place.card.plug()
            await place.until_heard()
            assert "the sound devices are back" in caplog.text
            await place.works()
            assert place.heard_live()

    play(story())


def test_a_card_that_stays_away_is_not_told_again_and_again(caplog: pytest.LogCaptureFixture) -> None:
    """One warning that it is lost and one why it does not open; each further try is for whoever debugs."""
    caplog.set_level(logging.DEBUG, "satellite.service")

    def tries(level: int) -> int:
        return sum(record.levelno == level and "trying again" in record.getMessage() for record in caplog.records)

    async def story() -> None:
        async with house(keyword_agent({}, REPLY_TEXT)) as place:
            place.card.unplug()
            await place.until(lambda: tries(logging.DEBUG) >= 2)
            assert tries(logging.WARNING) == 1
            place.card.plug()
            await place.until_heard()

    play(story())


def test_a_card_that_is_unplugged_while_the_user_speaks_ends_the_turn() -> None:
    """Nobody can be heard, so nobody is listened to; the hub's run is cancelled, and the next turn works."""

    async def story() -> None:
        async with house(keyword_agent({}, REPLY_TEXT)) as place:
            place.wake()
            await place.journal.wait_for("transcribe", direction="sent")
            place.card.unplug()
            await place.until_state(State.IDLE)
            assert place.seen.states[-1][2] is Why.DEVICE_LOST
            place.card.plug()
            await place.until_heard()
            await place.works()
            assert place.order("run-tts", "run-asr") == ["run-tts", "run-asr", "run-tts", "run-asr"]

    play(story())
