"""Wake words that a service on the network finds."""

import msgspec
import pytest

from satellite.config import Config, Wake
from satellite.core.state import State
from satellite.core.units import RATE_HZ
from satellite.mock.agent import keyword_agent
from satellite.mock.hub import HubRule
from satellite.mock.recordings import COMMAND
from satellite.mock.wake import MockWake
from tests.service.house import REPLY, REPLY_TEXT, House, as_played, house, play, quiet_config


def _config(uri: str, vad_gate: bool = False) -> Config:
    return msgspec.structs.replace(quiet_config(), wake=Wake(words=("alexa",), uri=uri, vad_gate=vad_gate))


async def _a_while(place: House) -> None:
    """A quarter of a second more of the room."""
    await place.until_frame(place.room.end_frame + RATE_HZ // 4)


@pytest.mark.parametrize("vad_gate", [False, True])
def test_a_turn_that_a_service_opens_is_a_turn(vad_gate: bool) -> None:
    """The word is heard elsewhere; what follows it is streamed from the word on, and nothing is lost between them."""

    async def story() -> None:
        async with MockWake() as wake, house(keyword_agent({"lights": REPLY_TEXT}), config=_config(wake.uri, vad_gate)) as place:
            await _a_while(place)
            assert (wake.heard_frames == 0) is vad_gate
            place.say("tts_alexa_joe")
            await place.until_state(State.LISTENING)
            place.say("tts_lights_joe")
            await place.until_over()
            assert [e.data["name"] for e in place.journal.of("detection")] == ["alexa"]
            assert place.words() == [COMMAND]
            assert place.has_played(as_played(REPLY))
            assert place.heard_live()

    play(story())


def test_whoever_is_muted_is_not_heard_elsewhere_either() -> None:
    """Nor before there is a hub: a wake word would be of no use."""

    async def story() -> None:
        rule = HubRule(ping_s=0.2, dead_s=0.7)
        async with MockWake() as wake, house(config=_config(wake.uri), hub_rule=rule, stay_away=True) as place:
            await place.until_heard()
            assert wake.heard_frames == 0
            await place.hub.start()
            await place.until(lambda: wake.heard_frames)
            await place.hub.pause()
            await place.until_state(State.MUTED)
            await _a_while(place)
            before = wake.heard_frames
            # the hub notices that nothing comes any more
            await place.until_frame(place.room.end_frame + RATE_HZ)
            assert wake.heard_frames == before
            place.hub.unpause()
            await place.until(lambda: wake.heard_frames > before)

    play(story())
