"""A whole turn without a hub: from the wake word to the last sample of the answer."""

import asyncio
from collections.abc import AsyncIterator

from satellite.core import actions as act
from satellite.core import events as ev
from satellite.core.say import SayState
from satellite.core.state import State, Why
from satellite.mock.agent import keyword_agent
from satellite.mock.dialog import MockIntent
from satellite.mock.recordings import COMMAND, STOP
from tests.service.house import REPLY, REPLY_TEXT, as_played, play, undisturbed
from tests.standalone.home import Home, home


def test_a_command_is_understood_answered_and_spoken() -> None:
    """Each server is asked once, in its own words, and the answer is played to the sample."""

    async def story() -> None:
        async with home(keyword_agent({"lights": REPLY_TEXT}), config=undisturbed()) as place:
            await place.command("tts_lights_joe")
            await place.until_over()
            assert place.questions() == [COMMAND]
            assert place.has_played(as_played(REPLY), place.begin)
            assert [(state, why) for _, state, why in place.seen.states[1:]] == [
                (State.LISTENING, Why.WAKE_WORD),
                (State.PROCESSING, Why.END_OF_SPEECH),
                (State.SPEAKING, Why.ANSWER),
                (State.IDLE, Why.FINISHED),
            ]

    play(story())


def test_the_command_goes_out_whole_from_the_wake_word_on() -> None:
    """Speech-to-text gets what the microphone gave, and is told where it ends; language and voice are the operator's."""

    async def story() -> None:
        async with home() as place:
            await place.answer()
            heard = place.stt.requests[-1].tobytes()
            assert heard == place.seen.heard_from(place.seen.of(act.StreamMic)[-1].first, len(heard) // 2)
            assert place.stt.journal.of("transcribe")[-1].data == {"language": "en"}
            assert place.dialog.requests[-1].language == "en"
            assert {voice["name"] for _, voice in place.tts.spoken if voice} == {"recordings"}

    play(story())


def test_nothing_is_sent_before_the_wake_word() -> None:
    """A voice in the room opens a connection, so that it is there when it is needed, and sends no sample on it."""

    async def story() -> None:
        async with home() as place:
            asked = place.stt.connections
            place.say("tts_lights_heart")
            await place.until(lambda: place.stt.connections > asked)
            await place.until_frame(place.room.end_frame + 40_000)
            assert place.stt.connections == asked + 1
            assert place.stt.journal.of("audio-chunk") == place.stt.journal.of("transcribe") == []
            await place.works()
            assert place.stt.connections == asked + 1, "the connection that was open was not used"

    play(story())


def test_a_connection_that_nobody_needed_is_closed() -> None:
    """A server does not wait for ever for a command that was none."""

    async def story() -> None:
        async with home() as place:
            closed, opened = len(place.stt.closed_at_s), place.stt.connections
            place.say("tts_stop_joe")
            await place.until(lambda: place.stt.connections > opened)
            await place.until(lambda: len(place.stt.closed_at_s) > closed)
            await place.works()

    play(story())


def test_turns_of_one_conversation_have_one_id() -> None:
    """So that an agent remembers; after a while of silence it is another."""

    async def story() -> None:
        async with home(config=undisturbed(), forget_after_s=10) as place:
            for times in (1, 2):
                await place.command()
                await place.until_over(times)
            later = asyncio.get_running_loop().time() + 11
            await place.until(lambda: asyncio.get_running_loop().time() > later)
            await place.command()
            await place.until_over(3)
            first, second, third = (asked.context["conversation_id"] for asked in place.dialog.requests)
            assert first == second != third

    play(story())


def test_a_command_without_words_is_forgotten() -> None:
    """Nobody is asked, and no sound says that something went wrong: nothing did."""

    async def story() -> None:
        async with home() as place:
            place.stt._recognise = lambda samples: "  "
            await place.command()
            await place.until_state(State.IDLE)
            assert place.questions() == [] and place.seen.of(act.SoundError) == []
            assert place.seen.states[-1][2] is Why.HUB_ERROR

    play(story())


def test_a_command_that_is_carried_out_without_a_word_ends_the_turn() -> None:
    """At once, and the next works."""

    async def story() -> None:
        async with home(keyword_agent({"lights": ""}, REPLY_TEXT)) as place:
            await place.command("tts_lights_joe")
            await place.until_state(State.IDLE)
            assert place.seen.states[-1][2] is Why.NO_ANSWER and place.seen.of(act.SoundError) == []
            await place.works()

    play(story())


def test_what_an_intent_server_recognises_is_carried_out() -> None:
    """And what it does not is answered as it was said."""

    async def story() -> None:
        async with MockIntent({"lights": "HassTurnOff"}) as intent, home(config=undisturbed(), intent=intent.uri) as place:
            await place.command("tts_lights_joe")
            await place.until_over(1)
            await place.command("tts_stop_joe")
            await place.until_over(2)
            assert place.questions() == ["HassTurnOff", STOP]
            first, second = (asked.context["conversation_id"] for asked in place.dialog.requests)
            assert first == second

    play(story())


def test_an_intent_server_that_is_away_is_passed_by() -> None:
    """The dialog server gets the words."""

    async def story() -> None:
        async with MockIntent({"lights": "HassTurnOff"}) as intent:
            gone = intent.uri
        async with home(config=undisturbed(), intent=gone) as place:
            await place.command("tts_lights_joe")
            await place.until_over()
            assert place.questions() == [COMMAND]

    # a server that is away is worth a warning, and nothing more
    play(story())


def test_a_question_is_answered_without_the_wake_word() -> None:
    """What the dialog server asks is heard to its end, and then the user."""
    answers = iter(("Which light do you mean?", REPLY_TEXT))

    async def agent(text: str) -> AsyncIterator[str]:
        yield next(answers)

    async def story() -> None:
        async with home(agent, texts={"Which light do you mean?": REPLY}) as place:
            await place.answer()
            await place.until(lambda: place.seen.states[-1][2] is Why.FOLLOW_UP)
            place.say("tts_lights_heart", after_s=0.3)
            await place.until(lambda: len(place.dialog.requests) == 2)
            assert place.questions() == [STOP, COMMAND]
            await place.until_over(2)

    play(story())


async def _until_spoken(place: Home, count: int) -> None:
    await place.until(lambda: len(place.tts.spoken) >= count)


def test_the_service_ends_in_the_middle_of_an_answer() -> None:
    """Its connections are closed, the servers are told, and whoever waits for the utterance knows."""

    async def story() -> None:
        async with home() as place:
            await place.answer(into_s=0.3)
        assert [over.state for over in place.seen.of(act.SayOver)] == [SayState.CANCELLED]
        assert place.interrupts()[-1][0] == "confirmed"
        assert place.seen.told(ev.ShuttingDown)

    play(story())
