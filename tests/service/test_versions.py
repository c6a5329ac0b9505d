"""Home Assistant as it was, year by year."""

from collections.abc import AsyncIterator

import pytest

from satellite.mock.agent import keyword_agent
from satellite.mock.hub import HubRule
from satellite.mock.pipeline import PipelineRule
from satellite.mock.recordings import COMMAND, STOP
from tests.service.house import LONG_TEXT, REPLY, REPLY_TEXT, house, play, quiet_config, undisturbed

_VERSIONS = ("2024.3", "2025.1", "2025.4", "2025.9", "2025.12", "2026.3", "2026.11")


@pytest.mark.parametrize("version", _VERSIONS)
def test_an_answer_is_heard_whole_and_the_next_one_talked_over(version: str) -> None:
    """Whatever its speech is cut into, its times count, its rate is; and whether it acknowledges aborts."""

    async def story() -> None:
        answers = iter((REPLY_TEXT, LONG_TEXT, REPLY_TEXT))

        async def agent(text: str) -> AsyncIterator[str]:
            yield next(answers)

        async with house(agent, pipeline=HubRule.like(version).pipeline, config=undisturbed()) as place:
            await place.answer()
            await place.until_over()
            assert place.has_sounded_like(REPLY)
            place.service.reconfigure(quiet_config())
            await place.answer(into_s=0.6)
            place.say("tts_lights_heart")
            await place.until_over(3)
            assert place.words() == [STOP, STOP, COMMAND]
            assert place.interrupts() == [("#1", "provisional"), ("#1", "confirmed")]
            assert place.heard_live()
            runs = [e.data for e in place.journal.of("run-pipeline")]
            assert all(run["end_stage"] == "tts" and not run["restart_on_end"] for run in runs)

    play(story())


def test_what_the_versions_say_differs_as_it_should() -> None:
    """What the stories above are told by; the facts are in Home Assistant's own history."""
    chunks, ends, rates = {}, {}, {}

    async def story(version: str) -> None:
        async with house(keyword_agent({}, REPLY_TEXT), pipeline=HubRule.like(version).pipeline) as place:
            await place.answer()
            await place.until_over()
            sent = place.journal.of("audio-chunk", "sent")
            chunks[version], rates[version] = len(sent), sent[0].data["rate"]
            ends[version] = type(place.journal.of("audio-stop", "sent")[0].data["timestamp"])

    for version in ("2025.1", "2025.9", "2026.11"):
        play(story(version))
    assert chunks["2025.9"] == 1 < chunks["2025.1"] < chunks["2026.11"]
    assert rates == {"2025.1": 16_000, "2025.9": 22_050, "2026.11": 22_050}
    assert ends == {"2025.1": float, "2025.9": int, "2026.11": int}


def test_the_utterance_ends_here_if_the_hub_does_not_find_its_end() -> None:
    """Since 2026.11 speech-to-text may have a detector of its own: the hub then tells of no voice, and waits for our end."""

    async def story() -> None:
        async with house(keyword_agent({}, REPLY_TEXT), pipeline=PipelineRule(finds_end=False)) as place:
            await place.works()
            assert place.journal.of("voice-stopped", "sent") == []
            assert place.order("run-asr", "audio-stop") == ["run-asr", "audio-stop"]

    play(story())
