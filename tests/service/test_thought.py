"""The user goes on talking while the hub thinks."""

from collections.abc import AsyncIterator
from dataclasses import replace

from satellite.core import actions as act
from satellite.core.conversation import TimeLimits
from satellite.core.state import State
from satellite.core.units import Millis
from satellite.mock.agent import Agent, keyword_agent, slow
from satellite.mock.pipeline import PipelineRule
from satellite.mock.recordings import COMMAND, STOP
from tests.service.house import REPLY_TEXT, House, house, play

# nobody in these stories waits for the end of it
_LONG_THOUGHT_S = 30.0
# a language model that is in the middle of a request
_STUBBORN_S = 1.0


def test_words_while_the_hub_thinks_abort_its_run_and_are_heard_whole() -> None:
    """The old run is cancelled first, and the new one asked for when the hub says that it is dead."""

    async def story() -> None:
        async with house(_thinks(dying_s=0.0)) as place:
            await _talk_on(place)
            await place.until_understood(2)
            _assert_aborted_first(place)
            assert _acks_before_last_run(place) == 2
            # and nothing else is answered
            await place.until_over()
            assert len(place.journal.of("synthesize", "sent")) == len(place.seen.of(act.Play)) == 1

    play(story())


def test_a_stubborn_agent_is_waited_for() -> None:
    """The hub acknowledges when the agent has died, a second later; not a word is lost meanwhile."""

    async def story() -> None:
        async with house(_thinks(_STUBBORN_S)) as place:
            await _talk_on(place)
            await place.until_understood(2)
            _assert_aborted_first(place)
            assert _acks_before_last_run(place) == 2
            assert len(place.seen.of(act.SendRun)) == 2

    play(story())


def test_a_hub_that_never_acknowledges_is_asked_all_the_same() -> None:
    """Older hubs say nothing when a run has been cancelled."""

    async def story() -> None:
        async with house(_thinks(dying_s=0.0), pipeline=PipelineRule(acks_abort=False)) as place:
            await _talk_on(place)
            await place.until_understood(2)
            _assert_aborted_first(place)

    play(story())


def test_a_deaf_hub_is_asked_once_more() -> None:
    """A stubborn agent at a hub that acknowledges nothing makes the new run deaf: the utterance is sent again, whole."""

    async def story() -> None:
        limits = replace(TimeLimits(), transcript=Millis(500))
        async with house(_thinks(_STUBBORN_S), pipeline=PipelineRule(acks_abort=False), limits=limits) as place:
            await _talk_on(place)
            await place.until_understood(2)
            assert place.words() == [STOP, COMMAND]
            assert len(place.seen.of(act.SendRun)) == 3
            assert place.heard_live()

    play(story())


def _thinks(dying_s: float) -> Agent:
    thought, answer = slow(keyword_agent({}), _LONG_THOUGHT_S, dying_s), keyword_agent({}, REPLY_TEXT)

    async def agent(text: str) -> AsyncIterator[str]:
        async for piece in (thought if text == STOP else answer)(text):
            yield piece

    return agent


async def _talk_on(place: House) -> None:
    await place.command()
    await place.until_understood(1)
    place.say("tts_lights_heart")
    await place.until_state(State.LISTENING)


def _assert_aborted_first(place: House) -> None:
    assert place.words() == [STOP, COMMAND]
    # the first abort is how it finds out whether this hub acknowledges them
    expected = ["run-tts", "run-asr", "interrupt", "run-tts", "run-asr"]
    assert place.order("run-tts", "run-asr", "interrupt", "played") == expected
    assert place.interrupts() == [("#1", "confirmed")]
    assert place.heard_live()


def _acks_before_last_run(place: House) -> int:
    entries = list(place.journal.entries)
    last = max(i for i, e in enumerate(entries) if e.type == "run-pipeline" and e.data["start_stage"] == "asr")
    return len([e for e in entries[:last] if e.type == "error" and e.data.get("code") == "validation-error"])
