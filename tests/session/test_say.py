"""What a program can have said, and how it is told what became of it."""

import logging
from collections.abc import Callable

import pytest

from satellite import SayHandle, SessionState, VoiceSession
from satellite.config import BargeIn
from satellite.core import actions as act
from satellite.core import events as ev
from satellite.core.say import Allow, SayState
from satellite.core.says import MOST_SAYS
from satellite.core.state import State, Why
from satellite.errors import SatelliteError
from satellite.mock.agent import keyword_agent
from satellite.mock.recordings import COMMAND
from tests.service.house import LONG, LONG_TEXT, REPLY, REPLY_TEXT, as_played, play, undisturbed
from tests.standalone.faults import FAULTY, Fault
from tests.standalone.home import SECOND, SECOND_VOICE, home


async def _ends(*handles: SayHandle) -> list[SayState]:
    return [(await handle.wait_for_playout()).state for handle in handles]


def test_several_are_said_in_their_order_and_announcements_first() -> None:
    """Each from its first sample to its last."""

    async def story() -> None:
        async with home(config=undisturbed()) as place:
            say = place.session.say
            first, second = await say(REPLY_TEXT), await say(SECOND)
            third = await say(LONG_TEXT, announcement=True)
            assert await _ends(first, third, second) == [SayState.PLAYED] * 3
            assert [over.id for over in place.seen.of(act.SayOver)] == [first.id, third.id, second.id]
            assert place.has_sounded_like(as_played(REPLY), place.begin)

    play(story())


def test_voice_and_volume_are_its_own() -> None:
    """The voice is asked of the server, the volume is made here."""

    async def story() -> None:
        async with home(config=undisturbed()) as place:
            loud = await place.session.say(REPLY_TEXT)
            await loud.wait_for_playout()
            soft = await place.session.say(SECOND, voice="another", volume=0.5)
            await soft.wait_for_playout()
            await place.until_recorded()
            assert place.has_played(as_played(REPLY), place.begin)
            assert place.has_played((as_played(SECOND_VOICE) * 0.5).astype("int16"), place.begin)
            assert [voice and voice["name"] for _, voice in place.tts.spoken] == ["recordings", "another"]

    play(story())


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"speed": 1.2}, "Wyoming has no field for the speed"),
        ({"volume": 1.1}, "volume is 1.1; it has to be from 0 to 1"),
        ({"volume": -0.1}, "from 0 to 1"),
        ({"text": "  "}, "it has to be 1 to 10000"),
        ({"text": "x" * 10_001}, "of 10001 characters"),
        ({"allow_interruptions": "shouting"}, "one of speech, wake-word, stop-word, none"),
    ],
)
def test_what_cannot_be_said_is_refused_with_a_reason(arguments: dict[str, object], words: str) -> None:
    """At once, and nothing is queued."""

    async def story() -> None:
        async with home() as place:
            with pytest.raises(ValueError, match=words):
                await place.session.say(**{"text": REPLY_TEXT, **arguments})  # type: ignore[arg-type]
            assert place.seen.told(ev.SayAsked) == []

    play(story())


def test_more_than_anybody_listens_to_is_refused() -> None:
    """What waits already is said."""

    async def story() -> None:
        async with home() as place:
            for _ in range(MOST_SAYS + 1):
                await place.session.say(REPLY_TEXT)
            with pytest.raises(SatelliteError, match="50 utterances wait already"):
                await place.session.say(REPLY_TEXT)

    play(story())


def test_what_waits_or_is_being_made_can_be_cancelled() -> None:
    """It is not heard, and the server that made it is let go."""

    async def story() -> None:
        async with home(config=undisturbed()) as place:
            place.tts.thinks_s = 1.0
            making, waiting = await place.session.say(REPLY_TEXT), await place.session.say(SECOND)
            await place.until(lambda: place.tts.spoken)
            closed = len(place.tts.closed_at_s)
            waiting.cancel()
            making.cancel()
            assert await _ends(making, waiting) == [SayState.CANCELLED] * 2
            await place.until(lambda: len(place.tts.closed_at_s) > closed)
            await place.until_frame(place.room.end_frame + 32_000)
            assert place.is_silent(place.begin)

    play(story())


def test_an_utterance_that_nothing_may_interrupt_goes_on() -> None:
    """Whatever is said over it; and the next one may be interrupted as always."""

    async def story() -> None:
        async with home() as place:
            handle = await place.session.say(LONG_TEXT, allow_interruptions=False)
            await place.until_played(0.6)
            place.say("tts_lights_heart")
            assert await _ends(handle) == [SayState.PLAYED]
            await place.until_recorded()
            assert place.has_sounded_like(as_played(LONG), place.begin)

    play(story())


def test_an_announcement_has_the_policy_of_announcements() -> None:
    """If it has none of its own."""

    async def story() -> None:
        config = BargeIn(announcement_allow=Allow.NONE)
        async with home(config=_with(config)) as place:
            await place.session.say(LONG_TEXT, announcement=True)
            await place.until_played(0.1)
            assert place.seen.of(act.Play)[-1].allow_interruptions is Allow.NONE

    play(story())


def _with(barge_in: BargeIn):  # type: ignore[no-untyped-def]
    import msgspec

    from tests.service.house import quiet_config

    return msgspec.structs.replace(quiet_config(), barge_in=barge_in)


def test_an_answer_has_a_handle_too() -> None:
    """It can be cancelled, and the dialog server learns how far it was heard."""

    async def story() -> None:
        async with home() as place:
            await place.answer(into_s=0.6)
            answer = place.session.speaking
            assert answer is not None and answer.text == LONG_TEXT
            answer.cancel()
            playout = await answer.wait_for_playout()
            assert playout.state is SayState.CANCELLED and playout.played_ms >= 600
            await place.until(lambda: place.dialog.interrupts)
            (told,) = place.dialog.interrupts
            assert (told["reason"], told["played_ms"]) == ("button", playout.played_ms)
            assert place.service.state is State.IDLE

    play(story())


def test_speech_that_cannot_be_made_is_an_end_like_another() -> None:
    """The user hears that, the program learns it, and the session goes on."""

    async def story() -> None:
        async with FAULTY["tts"](Fault.DIES) as server, home(instead={"tts": server}, config=undisturbed()) as place:
            handle = await place.session.say(REPLY_TEXT)
            assert await _ends(handle) == [SayState.CANCELLED]
            assert len(place.seen.of(act.SoundError)) == 1
            server.fault = None
            assert await _ends(await place.session.say(REPLY_TEXT)) == [SayState.PLAYED]

    play(story())


def test_a_session_that_ends_leaves_nobody_waiting() -> None:
    """What plays and what waits are cancelled."""
    handles: list[SayHandle] = []

    async def story() -> None:
        async with home() as place:
            handles.append(await place.session.say(LONG_TEXT))
            handles.append(await place.session.say(SECOND))
            await place.until_played(0.3)
        assert await _ends(*handles) == [SayState.CANCELLED] * 2

    play(story())


def test_a_program_opens_a_turn() -> None:
    """No wake word is needed, and none of what was said before is sent."""

    async def story() -> None:
        async with home(keyword_agent({"lights": REPLY_TEXT})) as place:
            place.session.listen()
            assert place.session.state is SessionState.LISTENING
            place.say("tts_lights_heart", after_s=0.2)
            await place.until_over()
            assert place.questions() == [COMMAND]

    play(story())


def test_a_callback_that_fails_is_logged_and_ends_nothing(caplog: pytest.LogCaptureFixture) -> None:
    """It is the program's mistake, and told as one; and a callback can be taken away again."""
    calls: list[SessionState] = []

    def fail(old: SessionState, new: SessionState, why: Why) -> None:
        calls.append(new)
        raise RuntimeError("the program's own")

    async def story() -> None:
        async with home(config=undisturbed()) as place:
            forget: Callable[[], None] = place.session.on_state_changed(fail)
            await (await place.session.say(REPLY_TEXT)).wait_for_playout()
            forget()
            await (await place.session.say(REPLY_TEXT)).wait_for_playout()
        assert calls == [SessionState.SPEAKING, SessionState.IDLE]
        failed = [r for r in caplog.records if r.levelno >= logging.ERROR]
        assert len(failed) == 2 and all("callback" in r.getMessage() for r in failed)
        caplog.clear()

    play(story())


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"stt": "http://host:1"}, "has to be discover, or tcp://HOST:PORT"),
        ({"speaker": None}, "who gets what is played has to feed the microphone"),
        ({"retries": 9}, "retries"),
        ({"follow_up": "maybe"}, "follow_up"),
        ({"preemptive": "maybe"}, "preemptive"),
    ],
)
def test_a_session_that_cannot_be_is_refused(arguments: dict[str, object], words: str) -> None:
    """As the daemon refuses its configuration."""
    with pytest.raises(SatelliteError, match=words):
        VoiceSession(**arguments)  # type: ignore[arg-type]


def test_what_is_asked_for_while_the_user_has_the_floor_waits() -> None:
    """It waits for the answer's end, and is then said."""

    async def story() -> None:
        async with home(keyword_agent({}, REPLY_TEXT), config=undisturbed()) as place:
            await place.command()
            handle = await place.session.say(SECOND)
            assert await _ends(handle) == [SayState.PLAYED]
            assert [over.id for over in place.seen.of(act.SayOver)] == [None, handle.id]

    play(story())
