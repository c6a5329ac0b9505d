"""Words that are found by their models, over a reply and in it: the stop word, and what our own reply says."""

import logging
from pathlib import Path

import msgspec
import numpy as np
import pymicro_wakeword
import pytest

from satellite import ears
from satellite.audio.card import Samples
from satellite.config import BargeIn, Config, SpokenWord, Wake
from satellite.core import actions as act
from satellite.core import events as ev
from satellite.core.burst import BurstRule
from satellite.core.say import Allow
from satellite.core.state import State
from satellite.core.units import RATE_HZ, Millis, frames
from satellite.mock.agent import keyword_agent
from satellite.mock.recordings import STOP, recording
from tests.service.house import House, house, play, quiet_config

# a word that there is a model of, which stands in for a stop word's under another name
WORD = "tts_alexa_joe"
MODEL = Path(pymicro_wakeword.__file__).parent / "models" / "alexa.json"

OWN_NAME = "You may call me Alexa."
# and some silence, so that it still plays when the word is found
SAYS_WORD = np.concatenate((recording(WORD), np.zeros(RATE_HZ // 2, np.int16)))


class NoCanceller:
    """Has not learnt the room yet: what it is given is what it gives."""

    def process(self, near: Samples, far: Samples) -> Samples:
        return near


def stopping(allow: Allow) -> Config:
    """The word stops, and another one wakes."""
    stops = (SpokenWord(name="stop", model=str(MODEL)),)
    return msgspec.structs.replace(quiet_config(), barge_in=BargeIn(allow=allow, stop_words=stops))


def waking() -> Config:
    """The word wakes, and nothing else interrupts."""
    barge_in = BargeIn(allow=Allow.WAKE_WORD)
    return msgspec.structs.replace(quiet_config(), wake=Wake(words=("alexa",)), barge_in=barge_in)


async def until_word_is_past(place: House) -> None:
    """Waits until whatever was said last has been found, if it ever will be."""
    await place.until_frame(place.room.end_frame + frames(1500))


# ---- the stop word


@pytest.mark.parametrize("allow", [Allow.STOP_WORD, Allow.WAKE_WORD])
def test_the_stop_word_over_the_reply_stops_it_and_nobody_listens(allow: Allow) -> None:
    """The hub is told why, and hears nothing; the next wake word works."""

    async def story() -> None:
        async with house(config=stopping(allow)) as place:
            await place.answer(into_s=0.4)
            place.say(WORD)
            await place.until_state(State.IDLE)
            silent = place.room.end_frame + frames(100)
            await until_word_is_past(place)
            assert place.is_silent(silent)
            assert place.order("detection", "played", "interrupt", "run-asr") == ["detection", "run-asr", "interrupt", "played"]
            (told,) = place.journal.of("interrupt")
            assert (told.data["phase"], told.data["reason"]) == ("confirmed", "stop-word")
            (heard,) = place.seen.told(ev.StopWordHeard)
            assert heard.position is not None and told.data["played_ms"] == heard.position.played
            assert len(place.seen.told(ev.WakeHeard)) == 1
            await place.works()

    play(story())


def test_where_speech_interrupts_too_the_stop_word_ends_the_hold_and_nobody_listens() -> None:
    """It is held for a voice first, and ends as the stop word's; no word of it stays with the hub."""

    async def story() -> None:
        async with house(config=stopping(Allow.SPEECH)) as place:
            await place.answer(into_s=0.4)
            place.say(WORD)
            await place.until_state(State.HELD)
            await place.until_state(State.IDLE)
            silent = place.room.end_frame
            await until_word_is_past(place)
            assert place.service.state is State.IDLE and place.is_silent(silent)
            assert place.interrupts() == [("#1", "provisional"), ("#1", "confirmed")]
            assert place.words() == [STOP]
            await place.works()

    play(story())


def test_a_stop_word_that_is_taken_for_words_first_ends_their_turn() -> None:
    """By a rule that is quicker than its model: the run that was asked for is cancelled, and nothing is understood."""

    async def story() -> None:
        async with house(config=stopping(Allow.SPEECH), burst=BurstRule(commit_ms=Millis(200))) as place:
            await place.answer(into_s=0.4)
            place.say(WORD)
            await place.until_state(State.LISTENING)
            await place.until_state(State.IDLE)
            await until_word_is_past(place)
            assert place.service.state is State.IDLE
            assert place.words() == [STOP]
            assert place.interrupts() == [("#1", "provisional"), ("#1", "confirmed")]
            await place.works()

    play(story())


def test_a_stop_word_in_the_quiet_wakes_nobody_and_is_no_wake_word_to_the_hub() -> None:
    """Nothing is sent, and `info` does not list it."""

    async def story() -> None:
        async with house(config=stopping(Allow.SPEECH)) as place:
            place.say(WORD)
            await until_word_is_past(place)
            assert [e.name for e in place.seen.told(ev.StopWordHeard)] == ["stop"]
            assert place.seen.of(act.BeginTurn) == []
            assert place.service.state is State.IDLE
            (info,) = place.journal.of("info")
            assert info.data["satellite"]["active_wake_words"] == ["okay_nabu"]

    play(story())


def test_stop_words_are_found_here_also_where_others_find_the_wake_word() -> None:
    """A hub that listens for the wake word does not listen over a reply."""
    config = msgspec.structs.replace(stopping(Allow.STOP_WORD), wake=Wake(uri="tcp://127.0.0.1:1"))

    async def story() -> None:
        async with house(config=config) as place:
            await place.answer(into_s=0.4)
            place.say(WORD)
            await place.until_state(State.IDLE)
            assert [e.name for e in place.seen.told(ev.StopWordHeard)] == ["stop"]

    play(story())


# ---- what our own reply says


@pytest.mark.parametrize(("config", "name"), [(waking(), "alexa"), (stopping(Allow.STOP_WORD), "stop")], ids=["wakes", "stops"])
def test_a_word_that_our_own_reply_says_is_nothing(
    config: Config, name: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Even if the whole of its echo is heard; the log says so once, and the reply is played to its end."""
    monkeypatch.setattr(ears, "canceller_for", lambda audio: NoCanceller())
    caplog.set_level(logging.INFO, "satellite.detect.wake")

    async def story() -> None:
        async with house(keyword_agent({}, OWN_NAME), {OWN_NAME: SAYS_WORD}, config=config) as place:
            await place.answer()
            await place.until_over()
            assert [e.name for e in place.seen.told(ev.WakeHeard)] == ["word 1"]
            assert place.seen.told(ev.StopWordHeard) == [] and place.interrupts() == []

    play(story())
    logged = [record.getMessage() for record in caplog.records if record.name == "satellite.detect.wake"]
    assert logged == [f"heard {name!r}, which was our own reply"]


def test_the_echo_of_that_reply_would_wake_without_the_twin(monkeypatch: pytest.MonkeyPatch) -> None:
    """So the test above proves something: the same, said by a loudspeaker that nobody told us of."""
    monkeypatch.setattr(ears, "canceller_for", lambda audio: NoCanceller())

    async def story() -> None:
        async with house(keyword_agent({}, OWN_NAME), {OWN_NAME: np.zeros_like(SAYS_WORD)}, config=waking()) as place:
            await place.answer()
            place.room.say(place.room.echo_of(SAYS_WORD.astype(np.float32)).astype(np.int16))
            await place.until_state(State.LISTENING)
            assert [e.name for e in place.seen.told(ev.WakeHeard)] == ["word 1", "alexa"]

    play(story())


def test_a_word_that_the_user_says_over_another_reply_is_heard() -> None:
    """With the canceller that the satellite has; the reply stops, and it listens."""

    async def story() -> None:
        async with house(config=waking()) as place:
            await place.answer(into_s=0.4)
            place.say(WORD)
            await place.until_state(State.LISTENING)
            assert [e.name for e in place.seen.told(ev.WakeHeard)] == ["word 1", "alexa"]

    play(story())


def test_a_user_who_says_it_soon_after_us_is_heard() -> None:
    """What we said is forgotten when what is heard can no longer be its echo."""

    async def story() -> None:
        reply = np.concatenate((SAYS_WORD, np.zeros(3 * RATE_HZ, np.int16)))
        async with house(keyword_agent({}, OWN_NAME), {OWN_NAME: reply}, config=waking()) as place:
            await place.answer(into_s=2.0)
            place.say(WORD)
            await place.until_state(State.LISTENING)
            assert [e.name for e in place.seen.told(ev.WakeHeard)] == ["word 1", "alexa"]

    play(story())
