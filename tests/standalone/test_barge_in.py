"""The user talks over an answer that servers make."""

import asyncio

from satellite.core import actions as act
from satellite.core import events as ev
from satellite.core.say import SayState
from satellite.core.state import State
from satellite.core.units import frames
from satellite.mock.agent import keyword_agent, piecewise, slow
from satellite.mock.recordings import COMMAND, STOP
from tests.service.house import LONG, MURMUR, REPLY_TEXT, as_played, play
from tests.standalone.home import FIRST, SECOND, home


def test_words_over_the_answer_stop_it_and_are_the_next_command() -> None:
    """The dialog server is told in both phases what was heard of its answer, cut at a word; nothing of the user's is lost."""

    async def story() -> None:
        async with home() as place:
            await place.answer(into_s=0.6)
            place.say("tts_lights_heart")
            await place.until(lambda: len(place.dialog.requests) == 2)
            assert place.questions() == [STOP, COMMAND]
            (one, words), (two, same) = place.interrupts()
            assert (one, two) == ("provisional", "confirmed") and words == same
            assert FIRST.startswith(words) and 0 < len(words) < len(FIRST) and FIRST[len(words)] == " "
            heard = place.stt.requests[-1].tobytes()
            first = place.seen.of(act.StreamMic)[-1].first
            assert heard == place.seen.heard_from(first, len(heard) // 2)
            assert first == place.seen.told(ev.Held)[-1].onset - frames(300)

    play(story())


def test_an_agent_knows_which_conversation_was_interrupted_and_where() -> None:
    """The id is that of the question; the position is that of the speaker."""

    async def story() -> None:
        async with home() as place:
            await place.answer(into_s=0.6)
            place.say("tts_lights_heart")
            await place.until(lambda: len(place.dialog.interrupts) == 2)
            told, held = place.dialog.interrupts[0], place.seen.told(ev.Held)[-1]
            assert told["context"] == {"conversation_id": place.dialog.requests[0].context["conversation_id"]}
            assert (told["played_ms"], told["heard_ms"]) == (held.position.played, held.position.heard)
            assert told["text_offset"] == len(told["text"])

    play(story())


def test_a_second_sentence_that_was_interrupted_was_heard_after_the_first() -> None:
    """The text that was heard begins with all of the first."""

    async def story() -> None:
        async with home(piecewise(f"{FIRST} {SECOND}")) as place:
            await place.answer(into_s=2.2)
            place.say("tts_lights_heart")
            await place.until(lambda: len(place.dialog.interrupts) == 2)
            words = place.interrupts()[-1][1]
            assert words.startswith(f"{FIRST} The first") and len(words) < len(f"{FIRST} {SECOND}")

    play(story())


def test_the_server_that_speaks_is_let_go_at_once() -> None:
    """Its connection is closed in the moment of the decision, after a last word."""

    async def story() -> None:
        async with home() as place:
            place.tts._pace = 1.0
            await place.answer(into_s=0.6)
            place.say("tts_lights_heart")
            await place.until(lambda: len(place.seen.of(act.SendInterrupt)) == 2)
            closed = len(place.tts.closed_at_s)
            confirmed_s = asyncio.get_running_loop().time()
            await place.until(lambda: len(place.tts.closed_at_s) > closed)
            # in virtual time nothing passes but what is waited for; `python -m tests.standalone.latency` measures the other
            assert place.tts.closed_at_s[-1] == confirmed_s
            assert [entry.data["phase"] for entry in place.tts.journal.of("interrupt")] == ["provisional", "confirmed"]

    play(story())


def test_an_agent_that_still_thinks_of_the_end_is_let_go() -> None:
    """What it would have said is not waited for, and never heard."""

    async def story() -> None:
        never = asyncio.Event()
        async with home(piecewise(f"{FIRST} The", " first one takes.", last=never), streams=True) as place:
            await place.answer(into_s=0.6)
            place.say("tts_lights_heart")
            await place.until(lambda: len(place.dialog.requests) == 2)
            assert place.dialog.abandoned == 1
            assert place.interrupts()[0][0] == "provisional"

    play(story())


def test_a_false_alarm_lets_the_answer_go_on() -> None:
    """A murmur holds it, and it is played to its end; the dialog server is told that, too."""

    async def story() -> None:
        async with home(keyword_agent({}, REPLY_TEXT)) as place:
            place.service._conversation = _patient(place.service._conversation)
            await place.answer(into_s=0.4)
            place.say(MURMUR)
            await place.until_state(State.HELD)
            await place.until_state(State.SPEAKING)
            await place.until_over()
            assert [phase for phase, _ in place.interrupts()] == ["provisional", "cancelled"]

    play(story())


def test_an_interruption_without_words_takes_the_answer_up_again() -> None:
    """Speech-to-text found nothing in it."""

    async def story() -> None:
        async with home() as place:
            await place.answer(into_s=0.6)
            # all of it is there, so it can go on
            await place.until(lambda: len(place.seen.told(ev.AnswerComplete)) == 1)
            place.stt._recognise = lambda samples: ""
            place.say("tts_lights_heart")
            await place.until(lambda: len(place.interrupts()) == 3)
            assert [phase for phase, _ in place.interrupts()] == ["provisional", "confirmed", "cancelled"]
            await place.until_over()
            assert [over.state for over in place.seen.of(act.SayOver)] == [SayState.INTERRUPTED, SayState.PLAYED]

    play(story())


def test_the_wake_word_over_the_answer_stops_it_and_listens() -> None:
    """At once, and the reason is told."""

    async def story() -> None:
        async with home() as place:
            await place.answer(into_s=0.4)
            place.wake()
            assert place.service.state is State.LISTENING
            place.say("tts_stop_joe", after_s=0.2)
            await place.until(lambda: len(place.dialog.requests) == 2)
            assert [data["reason"] for data in place.dialog.interrupts] == ["wake-word"]

    play(story())


def test_words_while_the_agent_thinks_cancel_its_thought() -> None:
    """It is told, its connection is closed, and the words that were added are a turn of their own."""

    async def story() -> None:
        async with home(slow(keyword_agent({}, REPLY_TEXT), 30.0)) as place:
            await place.command()
            await place.until(lambda: len(place.dialog.requests) == 1)
            place.say("tts_lights_heart", after_s=0.2)
            await place.until(lambda: len(place.dialog.requests) == 2)
            assert place.questions() == [STOP, COMMAND]
            assert place.dialog.abandoned == 1
            assert place.interrupts() == [("confirmed", "")]

    play(story())


def test_of_an_interrupted_answer_not_one_sample_is_heard_later() -> None:
    """Whatever its server had still on the way."""

    async def story() -> None:
        async with home(keyword_agent({"lights": REPLY_TEXT}, f"{FIRST} {SECOND}")) as place:
            await place.answer(into_s=0.6)
            place.say("tts_lights_heart")
            await place.until(lambda: len(place.seen.of(act.Play)) == 2)
            since = place.room.end_frame
            await place.until_over()
            assert place.has_not_played(as_played(LONG)[24_000:], since)

    play(story())


def _patient(conversation):  # type: ignore[no-untyped-def]
    from dataclasses import replace

    from tests.service.house import PATIENT

    return replace(conversation, rule=replace(conversation.rule, burst=PATIENT))
