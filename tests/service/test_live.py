"""One story on the machine's clock, with the real threads: all others are told in virtual time, on the event loop alone."""

from satellite.core.state import State
from satellite.mock.agent import keyword_agent
from satellite.mock.recordings import COMMAND, STOP
from tests.service.house import LONG_TEXT, REPLY_TEXT, house, play_live


def test_a_turn_and_an_interruption_in_real_time() -> None:
    """The threads carry what the loop and the audio have to say to each other, and give everything back at the end."""

    async def story() -> None:
        async with house(keyword_agent({"lights": REPLY_TEXT}, LONG_TEXT)) as place:
            await place.answer(into_s=0.6)
            place.say("tts_lights_heart")
            await place.until_state(State.LISTENING)
            await place.until_understood(2)
            assert place.words() == [STOP, COMMAND]
            assert place.interrupts()[-1] == ("#1", "confirmed")
            await place.until_over(times=2)
            assert place.service.state is State.IDLE

    play_live(story())
