"""The user talks over the answer, or coughs, or says the wake word."""

import asyncio
from collections.abc import AsyncIterator

from satellite.audio.card import Samples
from satellite.core import actions as act
from satellite.core import events as ev
from satellite.core.reflex import ReflexRule
from satellite.core.state import State, Why
from satellite.core.units import RATE_HZ, Millis, frames
from satellite.mock.agent import keyword_agent
from satellite.mock.recordings import COMMAND, STOP
from tests.service.house import MURMUR, PATIENT, REPLY, REPLY_TEXT, as_played, house, play


def test_words_over_the_reply_stop_it_and_are_the_next_command() -> None:
    """A provisional interrupt, the same confirmed, `played`, a new run, and the words that interrupted, whole."""

    async def story() -> None:
        async with house() as place:
            await place.answer(into_s=0.6)
            place.say("tts_lights_heart")
            await place.until_understood(2)
            assert place.words() == [STOP, COMMAND]
            assert place.interrupts() == [("#1", "provisional"), ("#1", "confirmed")]
            expected = ["detection", "run-asr", "interrupt", "interrupt", "played", "run-asr"]
            assert place.order("interrupt", "played", "run-asr", "detection") == expected
            assert place.heard_live()
            assert place.seen.of(act.StreamMic)[-1].first == place.seen.told(ev.Held)[-1].onset - frames(300)

    play(story())


def test_every_answer_can_be_talked_over() -> None:
    """Two barge-ins in a row have two ids, and each is confirmed once."""

    async def story() -> None:
        async with house() as place:
            await place.answer(into_s=0.3)
            place.say("tts_lights_heart")
            await place.until(lambda: len(place.seen.of(act.Play)) == 2)
            await place.until_played(0.3)
            place.say("tts_lights_heart")
            await place.until_understood(3)
            assert place.words() == [STOP, COMMAND, COMMAND]
            assert place.interrupts() == [
                ("#1", "provisional"),
                ("#1", "confirmed"),
                ("#2", "provisional"),
                ("#2", "confirmed"),
            ]
            assert place.order("played") == ["played", "played"]

    play(story())


def test_a_false_alarm_over_the_reply_lets_it_go_on_to_its_end() -> None:
    """The hold is taken back, the reply goes on 200 ms before where it stopped, and is played once."""

    async def story() -> None:
        async with house(keyword_agent({}, REPLY_TEXT), burst=PATIENT) as place:
            await place.answer(into_s=0.4)
            place.say(MURMUR)
            await place.until_state(State.HELD)
            await place.until_state(State.SPEAKING)
            resumed = place.room.end_frame
            await place.until_over()
            assert place.interrupts() == [("#1", "provisional"), ("#1", "cancelled")]
            assert place.order("played", "run-asr") == ["run-asr", "played"]
            assert place.seen.told(ev.ReplyEnded)[-1].position.played == Millis(len(REPLY) * 1000 // RATE_HZ)
            # in ms of the reply, and not before: the first 30 ms of it rise
            again = place.seen.told(ev.Held)[-1].position.played - 200
            assert place.has_played(_part(again + 40, again + 240), since=resumed)
            assert place.has_not_played(_part(again - 250, again - 50), since=resumed)

    play(story())


def test_the_wake_word_over_the_reply_stops_it_and_listens_at_once() -> None:
    """The hub is told of an interruption, not of a wake word, or it would take us for two satellites."""

    async def story() -> None:
        async with house() as place:
            await place.answer(into_s=0.4)
            place.wake()
            assert place.service.state is State.LISTENING
            silent = place.room.end_frame + frames(100)
            said = place.say("tts_stop_joe", after_s=0.2)
            await place.until_understood(2)
            assert place.words() == [STOP, STOP]
            assert place.order("detection", "played", "interrupt", "run-asr") == [
                "detection",
                "run-asr",
                "interrupt",
                "played",
                "run-asr",
            ]
            told = place.journal.of("interrupt")[0].data
            assert (told["phase"], told["reason"]) == ("confirmed", "wake-word")
            assert place.is_silent(silent, said.start_frame + frames(500))
            assert place.heard_live()

    play(story())


def test_words_over_the_beginning_of_the_reply_are_not_answered_with_a_blip() -> None:
    """A reply that arrives while the user speaks waits, and is interrupted before its first sample."""
    may_answer = asyncio.Event()

    async def agent(text: str) -> AsyncIterator[str]:
        await may_answer.wait()
        yield REPLY_TEXT

    async def story() -> None:
        async with house(agent) as place:
            await place.command()
            await place.until_understood(1)
            # or the pre-roll would reach back into the last command
            place.say("tts_lights_heart", after_s=0.6)
            engine = place.service.engine
            await place.until(lambda: not engine.reflex.is_live(engine.frame, ReflexRule()))
            await place.until(lambda: engine.reflex.is_live(engine.frame, ReflexRule()))
            may_answer.set()
            await place.journal.wait_for("interrupt", phase="confirmed")
            assert place.is_silent(since=place.begin)
            await place.until_understood(2)
            assert place.words() == [STOP, COMMAND]
            assert [e.data["played_ms"] for e in place.journal.of("interrupt")] == [0, 0]
            assert place.heard_live()

    play(story())


def test_words_over_the_last_instant_of_the_reply_are_a_new_turn_and_no_interruption() -> None:
    """The reply ends as played, and the turn that follows begins with the pre-roll."""

    async def story() -> None:
        async with house(keyword_agent({}, REPLY_TEXT)) as place:
            await place.answer(into_s=0.8)
            played_s = place.service.engine.player.position.played / 1000
            place.say("tts_lights_joe", after_s=len(REPLY) / RATE_HZ - played_s - 0.08)
            await place.until_understood(2)
            assert place.words() == [STOP, COMMAND]
            assert place.interrupts() == []
            assert place.order("played", "run-asr") == ["run-asr", "played", "run-asr"]
            assert place.seen.told(ev.ReplyEnded)[0].overlap is not None
            assert (State.SPEAKING, State.HELD, Why.VOICE) in place.seen.states
            assert place.heard_live()

    play(story())


def test_a_microphone_that_stalls_while_the_reply_is_held_lets_it_go_on() -> None:
    """A dead microphone must not silence the speaker."""

    async def story() -> None:
        async with house(keyword_agent({}, REPLY_TEXT), burst=PATIENT) as place:
            await place.answer(into_s=0.4)
            place.say(MURMUR)
            await place.until_state(State.HELD)
            # longer than the murmur
            place.card.stall(1200)
            await place.until_state(State.SPEAKING)
            assert place.seen.told(ev.MicrophoneStalled)
            await place.until_over()
            assert place.interrupts() == [("#1", "provisional"), ("#1", "cancelled")]
            assert place.order("played") == ["played"]
            assert place.seen.told(ev.ReplyEnded)[-1].position.played == Millis(len(REPLY) * 1000 // RATE_HZ)

    play(story())


def _part(begin_ms: int, end_ms: int) -> Samples:
    return as_played(REPLY)[frames(begin_ms) : frames(end_ms)]
