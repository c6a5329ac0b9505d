"""The hub's timers."""

import asyncio

import msgspec
import pytest
from wyoming.timer import TimerCancelled, TimerFinished, TimerStarted

from satellite.audio.tones import melody
from satellite.config import Config, Sounds, Timers
from satellite.core import actions as act
from satellite.core.hardware import Half
from satellite.core.say import NOWHERE, SayState
from satellite.core.state import State
from satellite.core.timers import Timer, TimerChange
from satellite.core.units import RATE_HZ, Millis
from satellite.mock.agent import keyword_agent
from satellite.ringer import LATEST_MS, Ringer
from tests.service.house import REPLY_TEXT, House, house, play, quiet_config

RING = melody("timer", RATE_HZ)


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
            assert finished == [Timer(TimerChange.FINISHED, "1", "eggs"), Timer(TimerChange.FINISHED, "2")]

    play(story())


def _ringing(**timers: object) -> Config:
    return msgspec.structs.replace(quiet_config(), sounds=Sounds(awake=None), timers=Timers(**timers))  # type: ignore[arg-type]


def _heard(place: House, since: int) -> bool:
    return place.has_sounded_like(RING, since)


def test_a_timer_rings_until_somebody_says_a_word() -> None:
    """Which is no command: the hub hears nothing of it but that it was interrupted."""

    async def story() -> None:
        async with house(keyword_agent({}, REPLY_TEXT), config=_ringing()) as place:
            await place.hub.send(TimerStarted("1", 90, "eggs").event())
            await place.hub.send(TimerFinished("1").event())
            await place.until_state(State.SPEAKING)
            await place.until_played(3.0)
            assert _heard(place, place.begin)
            place.say("tts_stop_joe")
            await place.until_state(State.HELD)
            await place.until_state(State.IDLE)
            assert place.journal.of("transcribe", direction="sent") == place.journal.of("detection") == []
            (told, *_) = place.journal.of("interrupt")
            assert told.data["reason"] == "speech"
            await place.works()

    play(story())


def test_a_timer_rings_by_itself_when_the_hub_has_gone() -> None:
    """And is stopped by a button, for there is nobody else."""

    async def story() -> None:
        async with house(keyword_agent({}, REPLY_TEXT), config=_ringing()) as place:
            await place.hub.send(TimerStarted("1", 2, "eggs").event())
            await place.until(lambda: place.seen.timers)
            await place.hub.stop()
            await place.until_state(State.OFFLINE)
            await place.until_state(State.SPEAKING)
            await place.until_played(1.0)
            assert place.seen.timers[-1] == Timer(TimerChange.FINISHED, "1", "eggs")
            place.service.hush()
            await place.until_state(State.OFFLINE)

    play(story())


def test_a_timer_that_runs_out_in_a_conversation_is_heard_beside_it_and_rings_after_it() -> None:
    """The answer is played whole."""

    async def story() -> None:
        async with house(keyword_agent({}, REPLY_TEXT), config=_ringing(times=1)) as place:
            await place.answer(into_s=0.2)
            await place.hub.send(TimerFinished("1").event())
            await place.until(lambda: len(place.seen.of(act.Play)) == 2)
            await place.until_over()
            assert [over.state for over in place.seen.of(act.SayOver)] == [SayState.PLAYED, SayState.PLAYED]

    play(story())


def test_the_hub_ends_a_ring() -> None:
    """Somebody has cancelled the timer in its app."""

    async def story() -> None:
        async with house(keyword_agent({}, REPLY_TEXT), config=_ringing()) as place:
            for id in ("1", "2"):
                await place.hub.send(TimerFinished(id).event())
            await place.until_played(0.5)
            await place.hub.send(TimerCancelled("1").event())
            await place.until(lambda: len(place.seen.timers) == 3)
            assert place.service.state is State.SPEAKING
            await place.hub.send(TimerCancelled("2").event())
            await place.until_state(State.IDLE)

    play(story())


def test_a_timer_rings_while_the_hub_has_muted_us() -> None:
    """Whoever set it is in the room; nobody can talk over it."""

    async def story() -> None:
        async with house(keyword_agent({}, REPLY_TEXT), config=_ringing(times=2)) as place:
            await place.hub.send(TimerStarted("1", 1).event())
            await place.until(lambda: place.seen.timers)
            await place.hub.pause()
            await place.until_state(State.MUTED)
            await place.until_state(State.SPEAKING)
            place.say("tts_stop_joe")
            await place.until_state(State.MUTED)
            assert place.seen.of(act.SendInterrupt) == []

    play(story())


@pytest.mark.parametrize("is_ringing", [True, False], ids=["while it rings", "before"])
def test_a_timer_that_nobody_could_hear_rings_when_there_is_a_speaker_again(is_ringing: bool) -> None:
    """It was not stopped by anybody, and eggs get hard."""

    async def story() -> None:
        async with house(keyword_agent({}, REPLY_TEXT), config=_ringing()) as place:
            if is_ringing:
                await place.hub.send(TimerFinished("1").event())
                await place.until_played(0.5)
            place.card.unplug(Half.SPEAKER)
            await place.until(lambda: not place.service.hardware.has(Half.SPEAKER))
            if not is_ringing:
                await place.hub.send(TimerFinished("1").event())
                await place.until(lambda: place.seen.timers)
            await place.until_state(State.IDLE)
            begin = place.room.end_frame
            place.card.plug(Half.SPEAKER)
            await place.until_state(State.SPEAKING)
            await place.until_played(1.5)
            assert _heard(place, begin)
            place.service.hush()
            await place.until_state(State.IDLE)
            await place.works()

    play(story())


def test_a_timer_that_nobody_could_hear_for_too_long_does_not_ring() -> None:
    """Nobody waits for it any more."""
    told: list[Timer] = []
    now = Millis(0)
    rings: list[int] = []

    async def story() -> None:
        nonlocal now
        ringer = Ringer(lambda: now, lambda: rings.append(1) or 1, lambda id: None, told.append)
        for wait, count in ((LATEST_MS, 1), (LATEST_MS + 1, 1)):
            ringer.on_speaker(False)
            ringer.on_timer(Timer(TimerChange.STARTED, "1", "eggs", 60))
            ringer.on_timer(Timer(TimerChange.FINISHED, "1"))
            assert len(rings) == count - (wait == LATEST_MS)
            now = Millis(now + wait)
            ringer.on_speaker(True)
            assert len(rings) == count
            ringer.on_action(act.SayOver(1, 1, SayState.INTERRUPTED, NOWHERE))
        ringer.stop()

    asyncio.run(story())
