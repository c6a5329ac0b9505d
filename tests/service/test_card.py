"""A sound card that goes away and comes back."""

import logging

import pytest

from satellite.core import events as ev
from satellite.core.hardware import Half
from satellite.core.state import State, Why
from satellite.core.units import RATE_HZ
from satellite.mock.agent import keyword_agent
from tests.service.house import REPLY, REPLY_TEXT, house, play


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
            assert "the microphone default is back" in caplog.text and "the speaker default is back" in caplog.text
            await place.works()
            assert place.heard_live()

    play(story())


def test_a_card_that_stays_away_is_not_told_again_and_again(caplog: pytest.LogCaptureFixture) -> None:
    """One warning that it is lost and one why it does not open, of each half; each further try is for whoever debugs."""
    caplog.set_level(logging.DEBUG, "satellite.hardware")

    def tries(level: int) -> int:
        return sum(record.levelno == level and "trying again" in record.getMessage() for record in caplog.records)

    async def story() -> None:
        async with house(keyword_agent({}, REPLY_TEXT)) as place:
            place.card.unplug()
            await place.until(lambda: tries(logging.DEBUG) >= 4)
            assert tries(logging.WARNING) == 2
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


def test_without_a_loudspeaker_commands_are_carried_out() -> None:
    """Whoever asks for light gets it; the hub is told that the answer was played, and it is the next one that is heard."""

    async def story() -> None:
        async with house(keyword_agent({}, REPLY_TEXT)) as place:
            place.card.unplug(Half.SPEAKER)
            await place.until(lambda: not place.service.hardware.has(Half.SPEAKER))
            await place.works()
            assert place.heard_live()
            assert "default: missing for " in place.service.hardware.told(Half.SPEAKER, place.service.engine.now(), 0)
            place.card.plug(Half.SPEAKER)
            await place.until(lambda: place.service.hardware.has(Half.SPEAKER))
            await place.answer(into_s=0.4)
            assert place.has_sounded_like(REPLY[: RATE_HZ // 5], place.begin)

    play(story())


def test_without_a_microphone_an_announcement_is_heard() -> None:
    """And one that plays goes on when the microphone is lost, and ends when it should."""

    async def story() -> None:
        async with house(keyword_agent({}, REPLY_TEXT)) as place:
            await place.answer(into_s=0.4)
            place.card.unplug(Half.MICROPHONE)
            await place.until_over()
            assert [ended.position.played for ended in place.seen.told(ev.ReplyEnded)] == [1400]
            assert Why.DEVICE_LOST not in {why for _, _, why in place.seen.states}
            begin = place.room.end_frame
            await place.hub.announce(REPLY_TEXT)
            await place.until_over(2)
            assert place.has_sounded_like(REPLY, begin)
            place.card.plug(Half.MICROPHONE)
            await place.until_heard()
            await place.works()

    play(story())


def test_a_microphone_that_is_lost_while_the_user_speaks_ends_the_turn() -> None:
    """Nobody can be heard."""

    async def story() -> None:
        async with house(keyword_agent({}, REPLY_TEXT)) as place:
            place.wake()
            await place.journal.wait_for("transcribe", direction="sent")
            place.card.unplug(Half.MICROPHONE)
            await place.until_state(State.IDLE)
            assert place.seen.states[-1][2] is Why.DEVICE_LOST

    play(story())


def test_the_hub_stays_while_the_devices_are_away() -> None:
    """It pings every two seconds, and would connect anew if one were not answered in time, however long nothing is heard."""

    async def story() -> None:
        async with house(keyword_agent({}, REPLY_TEXT)) as place:
            place.card.unplug()
            answered = len(place.journal.of("pong"))
            await place.journal.wait_for("pong", answered + 8, timeout_s=20.0)
            assert not any(place.service.hardware.has(half) for half in Half)
            assert (place.hub.connections, place.seen.told(ev.HubClosed)) == (1, [])
            place.card.plug()
            await place.until_heard()
            await place.works()

    play(story())
