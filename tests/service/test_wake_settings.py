"""What may be set for the wake words reaches whom it concerns."""

import sys
from pathlib import Path

import msgspec
import pytest

from satellite.config import Config, Wake, WakeEngine, WakeWord
from satellite.core import events as ev
from satellite.core.state import State
from satellite.errors import ConfigError
from satellite.service import Service
from tests.service.house import House, house, play, quiet_config


def test_the_word_that_opens_a_turn_chooses_the_pipeline() -> None:
    """Also of the turn that interrupts its answer; a word without one leaves the choice to the hub."""
    words = ("alexa", WakeWord(name="okay_nabu", pipeline="Kitchen"))

    async def story() -> None:
        async with house(config=msgspec.structs.replace(quiet_config(), wake=Wake(words=words))) as place:
            await _answer(place, "okay_nabu")
            place.say("tts_lights_heart")
            await place.until_understood(2)
            await _answer(place, "alexa")
            runs = place.journal.of("run-pipeline", start_stage="asr")
            assert [run.data.get("name") for run in runs] == [
                "Kitchen",
                "Kitchen",
                None,
            ]

    play(story())


async def _answer(place: House, word: str) -> None:
    """A whole command after this word, until its answer has begun."""
    await place.until_state(State.IDLE, State.SPEAKING)
    place.service.handle(ev.WakeHeard(place.service.engine.now(), word, place.service.engine.frame))
    place.say("tts_stop_joe")
    await place.until_state(State.PROCESSING)
    await place.until_state(State.SPEAKING)
    await place.until_played(0.4)


def _refused(wake: Wake) -> str:
    with pytest.raises(ConfigError) as caught:
        Service(Config(wake=wake), lambda: pytest.fail("no card is opened"))
    return str(caught.value)


def test_a_model_or_an_engine_that_cannot_be_used_stops_the_start(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """By one line that says what is wrong, before anything listens."""
    path = tmp_path / "computer.json"
    path.write_text("not a model")
    assert f"'computer': {path}" in _refused(Wake(words=(WakeWord(name="computer", model=str(path)),)))
    monkeypatch.setitem(sys.modules, "pyopen_wakeword", None)
    assert "pip install" in _refused(Wake(engine=WakeEngine.OPEN))
