"""Wake words that the hub finds: `listen: always`."""

import msgspec
import pytest

from satellite.config import Config, Listen, Wake
from satellite.core import actions as act
from satellite.core.state import State
from satellite.core.units import RATE_HZ
from satellite.mock.agent import keyword_agent
from satellite.mock.pipeline import PipelineRule
from satellite.mock.recordings import COMMAND, STOP
from tests.service.house import LONG_TEXT, REPLY, REPLY_TEXT, House, as_played, house, play, quiet_config


def _config(vad_gate: bool = False) -> Config:
    return msgspec.structs.replace(quiet_config(), wake=Wake(listen=Listen.ALWAYS, vad_gate=vad_gate))


async def _wake(place: House) -> None:
    """The hub waits for the word, and hears it."""
    await place.until_state(State.IDLE)
    place.say("tts_alexa_joe", after_s=0.3)
    await place.until_state(State.LISTENING)


@pytest.mark.parametrize("vad_gate", [False, True])
@pytest.mark.parametrize("acks_abort", [True, False])
def test_turn_after_turn_is_opened_by_the_hub(vad_gate: bool, acks_abort: bool) -> None:
    """Each of them whole; the hub is never told of the word that it heard, and hears nothing while the reply plays."""

    async def story() -> None:
        agent, rule = keyword_agent({"lights": REPLY_TEXT}, REPLY_TEXT), PipelineRule(acks_abort=acks_abort)
        async with house(agent, pipeline=rule, config=_config(vad_gate)) as place:
            for turn in (1, 2):
                await _wake(place)
                place.say("tts_lights_joe")
                await place.until_over(turn)
            assert place.words() == [COMMAND, COMMAND]
            assert place.has_played(as_played(REPLY))
            assert place.journal.of("detection") == []
            assert place.order("run-asr") == []
            assert len(place.journal.of("detection", "sent")) == 2

    play(story())


def test_speech_over_the_reply_is_heard_by_a_run_of_its_own() -> None:
    """The run that was opened by the word has ended, so nothing is aborted; after it the hub waits for the word again."""

    async def story() -> None:
        async with house(keyword_agent({}, LONG_TEXT), config=_config()) as place:
            await _wake(place)
            place.say("tts_stop_joe")
            await place.until_state(State.SPEAKING)
            await place.until_played(0.4)
            aborts = len(place.seen.of(act.SendAbort))
            place.say("tts_lights_heart")
            await place.until_understood(2)
            assert place.words() == [STOP, COMMAND]
            assert place.order("run-wake", "run-asr")[-1] == "run-asr"
            assert len(place.seen.of(act.SendAbort)) == aborts
            await place.until_over(2)
            await place.until(lambda: place.order("run-wake", "run-asr")[-1] == "run-wake")

    play(story())


def test_behind_the_gate_an_idle_satellite_says_nothing() -> None:
    """Neither audio nor runs, until there is a voice."""

    async def story() -> None:
        async with house(config=_config(vad_gate=True)) as place:
            await place.until_frame(place.room.end_frame + RATE_HZ)
            assert place.order("run-wake", "audio-chunk") == []

    play(story())
