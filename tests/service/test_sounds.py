"""Sounds beside speech, in whole conversations: they are heard, and cost no word."""

import msgspec
import pytest

from satellite.audio.tones import melody
from satellite.config import Audio, Config, Sounds
from satellite.core.state import State
from satellite.core.units import RATE_HZ
from satellite.mock.agent import keyword_agent, slow
from satellite.mock.recordings import COMMAND
from tests.service.house import REPLY_TEXT, house, play, quiet_config


def _config(**changes: object) -> Config:
    return msgspec.structs.replace(quiet_config(), sounds=Sounds(done="default"), **changes)


@pytest.mark.parametrize("warm_up_dbfs", [-26.0, None])
@pytest.mark.parametrize("after_s", [0.0, 0.05, 0.1, 0.2])
def test_the_user_may_speak_while_it_sounds_that_we_are_awake(after_s: float, warm_up_dbfs: float | None) -> None:
    """Whether the canceller has learnt the room or not: what reaches the hub is whole, and understood."""

    async def story() -> None:
        audio = Audio(warm_up_dbfs=warm_up_dbfs)
        async with house(slow(keyword_agent({"lights": REPLY_TEXT}), 0.5), config=_config(audio=audio)) as place:
            place.wake()
            place.say("tts_lights_heart", after_s=after_s)
            await place.until_understood(1)
            await place.until_over()
            assert place.words() == [COMMAND]
            assert place.has_sounded_like(melody("awake", RATE_HZ), place.begin)
            assert place.has_sounded_like(melody("done", RATE_HZ), place.begin)
            assert place.service._uplink.lost_frames == 0

    play(story())


def test_the_sound_of_being_awake_is_no_command() -> None:
    """Nobody speaks after the wake word: nothing is understood, and nothing is answered."""

    async def story() -> None:
        async with house(keyword_agent({}, REPLY_TEXT), config=_config()) as place:
            place.wake()
            await place.until_state(State.LISTENING)
            await place.until(lambda: place.service.state is State.IDLE, within_s=8.0)
            assert place.journal.of("audio-stop") == []

    play(story())
