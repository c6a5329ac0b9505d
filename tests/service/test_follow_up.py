"""An answer that asks something is answered without the wake word."""

from collections.abc import AsyncIterator, Mapping

import msgspec

from satellite.audio.card import Samples
from satellite.config import Config
from satellite.core.say import FollowUp
from satellite.core.state import State, Why
from satellite.mock.agent import Agent
from satellite.mock.recordings import COMMAND, STOP
from tests.service.house import REPLY, REPLY_TEXT, house, play, quiet_config

_QUESTION = "Which light do you mean?"
_TEXTS: Mapping[str, Samples] = {_QUESTION: REPLY}


def _asks_back() -> Agent:
    answers = iter((_QUESTION, REPLY_TEXT))

    async def agent(text: str) -> AsyncIterator[str]:
        yield next(answers)

    return agent


def _config(**listening: object) -> Config:
    quiet = quiet_config()
    return msgspec.structs.replace(quiet, listening=msgspec.structs.replace(quiet.listening, **listening))


def test_a_question_is_answered_without_the_wake_word() -> None:
    """It is played to its end, the hub is told, and what the user then says is heard whole by a run of its own."""

    async def story() -> None:
        async with house(_asks_back(), _TEXTS) as place:
            await place.answer()
            await place.until(lambda: place.seen.states[-1][2] is Why.FOLLOW_UP)
            place.say("tts_lights_heart", after_s=0.3)
            await place.until_understood(2)
            assert place.words() == [STOP, COMMAND]
            assert place.heard_live()
            await place.until_over(2)
            expected = ["detection", "run-asr", "played", "run-asr", "played"]
            assert place.order("detection", "run-asr", "played", "interrupt") == expected

    play(story())


def test_a_question_that_nobody_answers_ends_the_conversation() -> None:
    """The run is cancelled when the time is over, and the wake word works again."""

    async def story() -> None:
        async with house(_asks_back(), _TEXTS, config=_config(follow_up_ms=1000)) as place:
            await place.answer()
            await place.until(lambda: place.seen.states[-1][2] is Why.NOTHING_SAID)
            await place.works()

    play(story())


def test_a_question_is_an_answer_like_any_other_if_that_is_wished() -> None:
    """Nothing is sent after it."""

    async def story() -> None:
        async with house(_asks_back(), _TEXTS, config=_config(follow_up=FollowUp.NEVER)) as place:
            await place.answer()
            await place.until_over()
            assert place.service.state is State.IDLE
            assert place.order("run-asr") == ["run-asr"]

    play(story())
