"""A configuration that changes while the daemon runs."""

import msgspec
import pytest

from satellite.config import Audio, BargeIn, Config
from satellite.core import actions as act
from satellite.core.say import Allow
from satellite.mock.agent import keyword_agent
from tests.service.house import REPLY_TEXT, house, play, quiet_config


def test_a_rule_changes_from_the_next_answer_on_and_a_device_at_the_next_start(caplog: pytest.LogCaptureFixture) -> None:
    """The log names both kinds of keys, and the turn after the change works like the one before."""

    def wanted(allow: Allow, speaker: str) -> Config:
        audio = Audio(warm_up_dbfs=None, speaker=speaker)
        return msgspec.structs.replace(quiet_config(), audio=audio, barge_in=BargeIn(allow=allow))

    async def story() -> None:
        async with house(keyword_agent({}, REPLY_TEXT), config=wanted(Allow.NONE, "default")) as place:
            await place.answer()
            await place.until_over()
            place.service.reconfigure(wanted(Allow.WAKE_WORD, "other"))
            assert "changed: barge_in.allow" in caplog.text
            assert "needs a restart: audio.speaker" in caplog.text
            caplog.clear()
            # what waits for a restart is still waiting for it, what does not has been done
            place.service.reconfigure(wanted(Allow.WAKE_WORD, "other"))
            assert "changed: nothing" in caplog.text
            assert "needs a restart: audio.speaker" in caplog.text
            await place.works()
            assert [play.allow_interruptions for play in place.seen.of(act.Play)] == [Allow.NONE, Allow.WAKE_WORD]

    play(story())
