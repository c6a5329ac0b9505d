"""Replies that nobody interrupts are self-tests, and what they find is there at the next start."""

import asyncio
import logging
from dataclasses import replace
from pathlib import Path

import msgspec
import pytest

from satellite.config import BargeIn, Config
from satellite.core import actions as act
from satellite.core.conversation import ConversationRule
from satellite.core.events import ReplyEnded
from satellite.core.health import Health, Margin
from satellite.core.reflex import ReflexRule
from satellite.core.sensitivity import PROFILES, Sensitivity
from satellite.core.state import State
from satellite.health_file import HealthFile
from satellite.mock.agent import keyword_agent
from tests.service.house import LONG, LONG_TEXT, MURMUR, PATIENT, House, house, play, quiet_config

# what a speaker that rattles has come to, and is still at
RATTLING = Health(replies=70, minutes=7.0, sound=Margin(raised_db=6.0, dips=12.0, minutes=7.0))


@pytest.fixture
def file(tmp_path: Path) -> HealthFile:
    """Of the devices of the house."""
    return HealthFile(tmp_path, "default", "default")


def _barge_in(**keys: object) -> Config:
    return msgspec.structs.replace(quiet_config(), barge_in=BargeIn(**keys))  # type: ignore[arg-type]


def _rule(place: House) -> ReflexRule:
    """By which the audio thread decides now."""
    return place.service.engine._rule


def test_a_reply_in_an_empty_room_is_a_self_test_and_is_kept(
    tmp_path: Path, file: HealthFile, caplog: pytest.LogCaptureFixture
) -> None:
    """A line in the log, a word to who watches, and a file when the daemon stops, which the next start reads."""
    caplog.set_level(logging.DEBUG, "satellite.hardware")

    async def first() -> None:
        async with house(keyword_agent({}, LONG_TEXT), state=tmp_path) as place:
            await place.answer()
            await place.until_over()
            (health,) = place.seen.healths
            assert (health.replies, health.false_ducks_per_hour) == (1, 0.0)
            assert health.erle_db is not None and health.erle_db > 6.0
            assert health.residual_db is not None and health.residual_db < ReflexRule().near_end_db
            assert list(tmp_path.iterdir()) == []

    async def second() -> None:
        async with house(keyword_agent({}, LONG_TEXT), state=tmp_path) as place:
            await place.answer()
            await place.until_over()
            assert [health.replies for health in place.seen.healths] == [2]

    play(first())
    (told,) = [r.getMessage() for r in caplog.records if r.getMessage().startswith("self-test: ")]
    assert told.startswith("self-test: 3.2 s of reply, ERLE ")
    assert told.endswith(" dB, 0 false ducks; 0 per hour over 0.0 h, 0 false stops; near_end_db 20.0, margin 4.0")
    assert file.read().replies == 1
    play(second())
    assert file.read().replies == 2


def test_a_reply_that_was_held_for_nothing_teaches_nothing_of_the_echo(tmp_path: Path, file: HealthFile) -> None:
    """It counts as a false stop."""

    async def story() -> None:
        async with house(keyword_agent({}, LONG_TEXT), burst=PATIENT, state=tmp_path) as place:
            await place.answer(into_s=0.6)
            place.say(MURMUR)
            await place.until_state(State.HELD)
            await place.until_over()

    play(story())
    found = file.read()
    assert (found.replies, found.false_stops, found.erle_db, found.sound) == (1, 1, None, Margin())


def test_a_reply_that_the_user_stopped_is_no_self_test(tmp_path: Path) -> None:
    """Nothing has been learnt, so nothing is written."""

    async def story() -> None:
        async with house(state=tmp_path) as place:
            await place.answer(into_s=0.6)
            place.say("tts_lights_heart")
            await place.until_understood(2)
            assert place.seen.told(ReplyEnded) == [] and place.seen.healths == []

    play(story())
    assert list(tmp_path.iterdir()) == []


def test_what_was_found_before_the_start_counts_from_the_first_reply_on(tmp_path: Path, file: HealthFile) -> None:
    """And falls back with replies in which nothing is lowered; another profile is raised by as much."""
    file.write(replace(RATTLING, sound=Margin(raised_db=6.0)))

    async def story() -> None:
        async with house(keyword_agent({}, LONG_TEXT), state=tmp_path) as place:
            assert _rule(place) == replace(ReflexRule(), near_end_db=26.0)
            await place.answer()
            await place.until_over()
            raised_db = 6.0 - 0.1 * place.seen.healths[0].minutes + 0.1 * RATTLING.minutes
            assert _rule(place).near_end_db == pytest.approx(20.0 + raised_db)
            assert raised_db == pytest.approx(6.0 - 0.1 * len(LONG) / 16_000 / 60, abs=0.001)
            place.service.reconfigure(_barge_in(sensitivity=Sensitivity.QUIET))
            await place.until_recorded()
            assert _rule(place).near_end_db == pytest.approx(16.0 + raised_db)

    play(story())


def test_what_the_operator_has_set_is_not_tuned(tmp_path: Path, file: HealthFile) -> None:
    """Neither by what is known nor by what is learnt."""
    file.write(RATTLING)

    async def story() -> None:
        async with house(keyword_agent({}, LONG_TEXT), config=_barge_in(near_end_db=22.0), state=tmp_path) as place:
            await place.answer()
            await place.until_over()
            assert [health.replies for health in place.seen.healths] == [71]
            assert _rule(place).near_end_db == 22.0

    play(story())


def test_a_file_that_is_broken_costs_a_warning(tmp_path: Path, file: HealthFile, caplog: pytest.LogCaptureFixture) -> None:
    """The satellite works, and the file is a good one again."""
    file.path.write_bytes(b"{")

    async def story() -> None:
        async with house(keyword_agent({}, LONG_TEXT), state=tmp_path) as place:
            assert _rule(place) == ReflexRule()
            await place.answer()
            await place.until_over()

    play(story())
    assert "begin anew" in caplog.text
    assert file.read().replies == 1


def test_an_announcement_with_a_sensitivity_of_its_own_is_decided_by_it(tmp_path: Path) -> None:
    """While it plays; the answer after it is not, and only that is a self-test."""

    async def story() -> None:
        config = _barge_in(announcement_sensitivity=Sensitivity.NOISY)
        async with house(keyword_agent({}, LONG_TEXT), config=config, state=tmp_path) as place:
            announcing = asyncio.create_task(place.hub.announce(LONG_TEXT))
            await place.until_state(State.SPEAKING)
            await place.until_played(0.3)
            assert _rule(place) == PROFILES[Sensitivity.NOISY].reflex
            assert place.service._conversation.burst_rule == PROFILES[Sensitivity.NOISY].burst
            await announcing
            await place.until_over()
            assert place.seen.healths == []
            await place.answer(into_s=0.3)
            assert _rule(place) == ReflexRule()
            assert place.service._conversation.burst_rule == ConversationRule().burst
            assert [said.sensitivity for said in place.seen.of(act.Play)] == [Sensitivity.NOISY, None]

    play(story())
