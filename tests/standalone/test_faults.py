"""Any server may be missing, die, be slow, talk nonsense or never end: the user hears it, and the satellite is ready again."""

import logging

import pytest

from satellite.audio.tones import melody
from satellite.core import actions as act
from satellite.core import events as ev
from satellite.core.script import MOST_CHARACTERS
from satellite.core.state import State, Why
from satellite.core.units import RATE_HZ
from tests.service.house import play, undisturbed
from tests.standalone.faults import FAULTY, Fault, nobody
from tests.standalone.home import Home, home

KINDS = ("stt", "dialog", "tts")

# an answer that is only late is an answer
_ANSWERED_LATE = {("stt", Fault.SLOW), ("dialog", Fault.SLOW)}

# what they begin is spoken, as far as it goes
_BEGINS = {Fault.BREAKS_OFF, Fault.ENDLESS}

# it talks for as long as anybody listens, which is not its fault
_TALKATIVE = ("dialog", Fault.ENDLESS)

_CASES = [(kind, fault) for kind in KINDS for fault in Fault if (kind, fault) not in (*_ANSWERED_LATE, _TALKATIVE)]

# two that are silent, one after the other
_LONG_S = 70.0


@pytest.mark.parametrize(("kind", "fault"), _CASES, ids=lambda value: getattr(value, "name", value))
def test_a_fault_is_heard_and_the_satellite_is_ready_again(kind: str, fault: Fault) -> None:
    """The only server there is fails: one error sound, and rest; with the fault gone the next turn works."""

    async def story() -> None:
        async with FAULTY[kind](fault) as server, home(instead={kind: server}, config=undisturbed()) as place:
            await _fail(place)
            # over speech it is not to be told from it
            assert place.has_sounded_like(melody("error", RATE_HZ), place.begin) or fault in _BEGINS
            assert _failures(place, kind) >= 1
            server.fault = None
            await place.works()

    play(story())


async def _fail(place: Home) -> None:
    """A turn that fails, and has been heard to fail."""
    place.wake()
    place.say("tts_lights_heart")
    await place.until(lambda: len(place.seen.of(act.SoundError)) == 1, _LONG_S)
    await place.until_state(State.IDLE)
    await place.until_frame(place.room.end_frame + RATE_HZ)
    assert len(place.seen.of(act.SoundError)) == 1, "it failed once and was heard twice"


def _failures(place: Home, kind: str) -> int:
    return next(servers.failures for servers, name in zip(place.asked, KINDS, strict=True) if name == kind)


@pytest.mark.parametrize("kind", KINDS)
def test_a_server_that_is_missing_at_the_start_is_heard_when_it_is_needed(kind: str) -> None:
    """And known before: a warning, and no end of the service."""

    async def story() -> None:
        async with home(instead={kind: nobody()}, config=undisturbed()) as place:
            await _fail(place)

    play(story())


@pytest.mark.parametrize(("kind", "fault"), [case for case in _CASES if case[1] is not Fault.ENDLESS], ids=str)
def test_another_server_takes_over(kind: str, fault: Fault) -> None:
    """Once in a turn, and the turn is answered; nobody hears that something failed, unless it had begun to speak."""

    async def story() -> None:
        async with FAULTY[kind](fault) as server, home(before={kind: server}, config=undisturbed()) as place:
            place.wake()
            place.say("tts_lights_heart")
            await place.until(lambda: place.service.state is State.SPEAKING, _LONG_S)
            await place.until_over()
            is_cut = kind == "dialog" and fault in _BEGINS
            assert len(place.seen.of(act.SoundError)) == is_cut
            assert server.asked <= 1, "it was asked again after it had failed"
            assert place.seen.told(ev.AnswerComplete)

    play(story())


@pytest.mark.parametrize("kind", KINDS)
def test_a_server_that_is_missing_is_passed_by(kind: str) -> None:
    """It is known to be away before it is needed, so it costs no time."""

    async def story() -> None:
        async with home(before={kind: nobody()}, config=undisturbed()) as place:
            await place.works()
            assert [servers.failovers for servers in place.asked] == [0, 0, 0]

    play(story())


@pytest.mark.parametrize("kind", ["stt", "dialog"])
def test_a_slow_server_is_waited_for(kind: str) -> None:
    """Ten seconds for an answer are long, and less than no answer."""

    async def story() -> None:
        async with FAULTY[kind](Fault.SLOW) as server, home(instead={kind: server}, config=undisturbed()) as place:
            place.wake()
            place.say("tts_lights_heart")
            await place.until_over()
            assert place.seen.of(act.SoundError) == []

    play(story())


@pytest.mark.parametrize("kind", KINDS)
def test_a_server_that_dies_while_it_is_needed_and_comes_back_is_asked_again(kind: str) -> None:
    """Its death in the middle of a turn costs that turn, or not even that."""

    async def story() -> None:
        async with FAULTY[kind](Fault.DIES) as server, home(instead={kind: server}, config=undisturbed()) as place:
            server.fault = None
            await place.works()
            await place.until_over()
            server.fault = Fault.DIES
            await _fail(place)
            server.fault = None
            await place.works()

    play(story())


def test_an_answer_that_breaks_off_is_spoken_as_far_as_it_goes() -> None:
    """And then the user hears that it is not all."""

    async def story() -> None:
        async with FAULTY["dialog"](Fault.BREAKS_OFF) as server, home(instead={"dialog": server}, config=undisturbed()) as place:
            place.wake()
            place.say("tts_lights_heart")
            await place.until_over()
            assert len(place.tts.spoken) == 10 and len(place.seen.of(act.SoundError)) == 1
            assert place.seen.states[-1][2] is Why.FINISHED

    play(story())


def test_an_answer_without_end_can_be_talked_over() -> None:
    """As any other; and no more of it is kept than ten minutes."""

    async def story() -> None:
        async with FAULTY["dialog"](Fault.ENDLESS) as server, home(instead={"dialog": server}) as place:
            await place.answer(into_s=3.0)
            answer = place.peer._answer
            assert answer is not None
            place.say("tts_lights_heart")
            closed = len(server.closed_at_s)
            await place.until(lambda: server.asked == 2)
            assert len(server.closed_at_s) > closed, "it was left to talk on"
            assert len(answer.speech.script.text) <= MOST_CHARACTERS + 1000

    play(story())


def test_the_first_failure_is_a_warning_and_the_next_are_not(caplog: pytest.LogCaptureFixture) -> None:
    """Whoever is away all night fills no log; that it is back is said, with how long it was away."""

    async def story() -> None:
        caplog.set_level(logging.DEBUG)
        async with FAULTY["dialog"](Fault.DEAF) as server, home(instead={"dialog": server}) as place:
            await place.until(lambda: _failures(place, "dialog") >= 3, _LONG_S)
            server.fault = None
            await place.until_known()
            await place.until(lambda: any("well again after" in r.getMessage() for r in caplog.records))
        said = [r.levelno for r in caplog.records if "has failed" in r.getMessage()]
        assert said.count(logging.WARNING) == 1 and said.count(logging.DEBUG) >= 2

    play(story())
