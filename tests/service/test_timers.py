"""The hub's timers."""

from wyoming.timer import TimerFinished, TimerStarted

from satellite.core.state import State
from satellite.core.timers import Timer, TimerChange
from satellite.mock.agent import keyword_agent
from tests.service.house import REPLY_TEXT, house, play


def test_a_timer_is_told_in_any_state_and_changes_none() -> None:
    """It ends while we speak, or while we are muted: whoever rings it knows."""

    async def story() -> None:
        async with house(keyword_agent({}, REPLY_TEXT)) as place:
            await place.hub.send(TimerStarted("1", 90, "eggs").event())
            await place.answer(into_s=0.2)
            await place.hub.send(TimerFinished("1").event())
            await place.until(lambda: len(place.seen.timers) == 2)
            assert place.service.state is State.SPEAKING
            await place.until_over()
            await place.hub.pause()
            await place.until_state(State.MUTED)
            await place.hub.send(TimerFinished("2").event())
            await place.until(lambda: len(place.seen.timers) == 3)
            assert place.service.state is State.MUTED
            started, *finished = place.seen.timers
            assert started == Timer(TimerChange.STARTED, "1", "eggs", 90)
            assert finished == [Timer(TimerChange.FINISHED, "1"), Timer(TimerChange.FINISHED, "2")]

    play(story())
