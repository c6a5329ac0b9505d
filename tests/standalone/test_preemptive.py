"""A partial transcript that does not grow any more is answered before the user is known to have ended."""

import asyncio
from collections.abc import AsyncIterator

import msgspec
import numpy as np
import pytest

from satellite.audio.card import Samples
from satellite.config import Config, Listening
from satellite.core import actions as act
from satellite.core import events as ev
from satellite.core.preemptive import Preemptive
from satellite.core.units import RATE_HZ
from satellite.mock.agent import Agent
from satellite.mock.recordings import COMMAND, trimmed
from tests.service.house import REPLY_TEXT, play, undisturbed
from tests.standalone.home import Home, home

# of full scale 32768: above it somebody speaks
_LOUD = 300
_WORDS = COMMAND.removesuffix(".").split()
_LENGTH = len(trimmed("tts_lights_joe"))

# what a language model takes to begin
_THINKS_S = 0.4


def _words_at(samples: Samples) -> str:
    """As many of the command's words as have been spoken by then."""
    loud = np.flatnonzero(np.abs(samples) > _LOUD)
    spoken = 0 if len(loud) == 0 else (loud[-1] - loud[0]) / _LENGTH
    return " ".join(_WORDS[: int(spoken * len(_WORDS) + 0.8)])


def _patient() -> Config:
    """With the usual silence at the end of a command: a shorter one leaves nothing to win."""
    return msgspec.structs.replace(undisturbed(), listening=Listening())


def _agent(asked: list[str], thinks_s: float = _THINKS_S) -> Agent:
    async def answer(text: str) -> AsyncIterator[str]:
        asked.append(text)
        await asyncio.sleep(thinks_s)
        yield REPLY_TEXT

    return answer


async def _turn(place: Home, final: str | None = None) -> float:
    """A command and its answer; how long it takes from the end of speech to the first audio of the answer, in s."""
    place.stt._words_at = _words_at
    if final is not None:
        place.stt._recognise = lambda samples: final
    place.wake()
    said = place.say("tts_lights_joe", after_s=0.3)
    await place.until(lambda: place.seen.told(ev.AnswerAudio))
    first = place.seen.told(ev.AnswerAudio)[-1].at
    await place.until_over()
    end_ms = (said.start_frame + _LENGTH) * 1000 // RATE_HZ
    return (first - end_ms) / 1000


def _turn_with(strategy: str, final: str | None = None) -> tuple[float, list[str], int]:
    """How long the user waits, what the agent was asked, and how often it was let go."""
    asked: list[str] = []
    waits: list[float] = []
    abandoned: list[int] = []

    async def story() -> None:
        async with home(_agent(asked), config=_patient(), preemptive=Preemptive(strategy)) as place:
            waits.append(await _turn(place, final))
            abandoned.append(place.dialog.abandoned)
            assert len(place.seen.of(act.Play)) == 1

    play(story())
    return waits[0], asked, abandoned[0]


def test_without_it_nobody_is_asked_before_the_end() -> None:
    """One question, the whole command."""
    _, asked, _ = _turn_with("never")
    assert asked == [COMMAND]


@pytest.mark.parametrize("strategy", ["use-if-similar", "always"])
def test_an_early_answer_that_fits_is_the_answer(strategy: str) -> None:
    """It was thought of while the end of speech was waited for, so the user waits less."""
    late, _, _ = _turn_with("never")
    early, asked, abandoned = _turn_with(strategy)
    assert asked == [COMMAND.removesuffix(".")] and abandoned == 0
    print(f"\n{strategy}: the answer begins {early:.2f} s after the last word; asked at the end only, {late:.2f} s")
    assert late - early > 0.25


def test_an_early_answer_that_does_not_fit_is_thrown_away() -> None:
    """What was understood at last is something else; the agent is told that nothing of its first answer was heard."""
    other = "Turn off the kitchen lights and then tell me what the weather will be."
    asked: list[str] = []

    async def story() -> None:
        async with home(_agent(asked), config=_patient(), preemptive=Preemptive.USE_IF_SIMILAR) as place:
            place.stt.thinks_s = 0.1
            await _turn(place, other)
            assert asked == [COMMAND.removesuffix("."), other]
            assert [(data["reason"], data["text"]) for data in place.dialog.interrupts] == [("superseded", "")]
            assert len(place.seen.of(act.Play)) == 1

    play(story())


def test_an_early_answer_that_is_only_to_warm_the_server_up_is_never_spoken() -> None:
    """The whole command is asked again, and that is answered."""
    _, asked, _ = _turn_with("discard")
    assert asked == [COMMAND.removesuffix("."), COMMAND]


def test_an_early_answer_is_let_go_when_the_user_goes_on() -> None:
    """Of two early questions the first is closed, and the second is the one that counts."""
    asked: list[str] = []

    async def story() -> None:
        async with home(_agent(asked, thinks_s=2.0), config=_patient(), preemptive=Preemptive.USE_IF_SIMILAR) as place:
            place.stt._words_at, place.stt._recognise = _words_at, lambda samples: COMMAND
            place.wake()
            place.say(trimmed("tts_lights_joe")[: _LENGTH // 2], after_s=0.3)
            place.say(trimmed("tts_lights_joe")[_LENGTH // 2 :], after_s=0.3 + 0.5 * _LENGTH / RATE_HZ + 0.55)
            await place.until_over()
            assert len(asked) == 2 and len(asked[0]) < len(asked[1]) and COMMAND.startswith(asked[1])
            assert place.dialog.abandoned == 1

    play(story())
