"""The voice session tutorial's five verification steps, and its loop of a conversation."""

from satellite import SayHandle, SessionState
from satellite.core import actions as act
from satellite.core.say import SayState
from satellite.core.state import Why
from satellite.mock.agent import keyword_agent
from satellite.mock.recordings import COMMAND
from tests.service.house import LONG, LONG_TEXT, REPLY, REPLY_TEXT, as_played, play
from tests.standalone.home import Home, home

Change = tuple[SessionState, SessionState, Why]
IDLE, LISTENING, PROCESSING, SPEAKING = SessionState


def _changes(place: Home) -> list[Change]:
    """What a program is told from now on."""
    seen: list[Change] = []

    def note(*change: SessionState | Why) -> None:
        seen.append(change)  # type: ignore[arg-type]
        place.seen.note()

    place.session.on_state_changed(note)
    return seen


async def _greet(place: Home, into_s: float = 0.6) -> SayHandle:
    """Step 1: the session says something that may be interrupted."""
    handle = await place.session.say(LONG_TEXT, allow_interruptions=True)
    await place.until_played(into_s)
    return handle


def test_1_a_session_says_something_that_may_be_interrupted() -> None:
    """It is heard whole, and whoever waits is told that it was."""

    async def story() -> None:
        async with home() as place:
            handle = await _greet(place)
            assert (place.session.state, handle.state) == (SPEAKING, SayState.PLAYING)
            assert place.session.speaking is handle
            playout = await handle.wait_for_playout()
            assert (playout.state, playout.was_interrupted) == (SayState.PLAYED, False)
            assert playout.played_ms == playout.total_ms == len(as_played(LONG)) // 16
            assert place.session.state is IDLE and place.session.speaking is None

    play(story())


def test_2_the_user_speaks_meanwhile_and_it_stops() -> None:
    """Waiting for it raises nothing: an interruption is an end, with a position."""

    async def story() -> None:
        async with home() as place:
            handle = await _greet(place)
            place.say("tts_lights_heart")
            playout = await handle.wait_for_playout()
            assert playout.was_interrupted and 600 < playout.played_ms < 1200
            assert playout.heard_ms <= playout.played_ms and handle.state is SayState.INTERRUPTED

    play(story())


def test_3_the_callback_is_told_of_listening() -> None:
    """Speaking, then listening, because of an interruption; a hold in between is still speaking."""

    async def story() -> None:
        async with home() as place:
            changes = _changes(place)
            await _greet(place)
            place.say("tts_lights_heart")
            await place.until(lambda: len(changes) >= 2)
            assert changes[:2] == [(IDLE, SPEAKING, Why.SAY), (SPEAKING, LISTENING, Why.INTERRUPTED)]

    play(story())


def test_4_cancel_stops_it_at_once() -> None:
    """Within a period and the fade not a sample of it is heard, its connection is closed, and it may be asked for twice."""

    async def story() -> None:
        async with home() as place:
            place.tts._pace = 1.0
            handle = await _greet(place)
            closed, at = len(place.tts.closed_at_s), place.room.end_frame
            handle.cancel()
            handle.cancel()
            assert (await handle.wait_for_playout()).state is SayState.CANCELLED
            await place.until_frame(at + 16_000)
            # a period of 10 ms until the thread obeys, 8 ms of fade, and the simulated converters' way
            assert place.is_silent(at + 16 * (10 + 8 + 12))
            assert len(place.tts.closed_at_s) == closed + 1
            # the server that speaks is told before, as far as it listens; the one that answers has nothing to do with it
            assert [entry.data["reason"] for entry in place.tts.journal.of("interrupt")] == ["button"]
            assert place.dialog.interrupts == []

    play(story())


def test_5_the_new_input_is_processed() -> None:
    """What interrupted is understood, answered, and the session goes through its states to rest."""

    async def story() -> None:
        async with home(keyword_agent({"lights": REPLY_TEXT})) as place:
            changes, words = _changes(place), []
            place.session.on_transcript(words.append)
            await _greet(place)
            place.say("tts_lights_heart")
            await place.until_over()
            await place.until(lambda: changes[-1][1] is IDLE)
            assert [new for _, new, _ in changes] == [SPEAKING, LISTENING, PROCESSING, SPEAKING, IDLE]
            assert words == place.questions() == [COMMAND]
            assert place.has_sounded_like(as_played(REPLY), place.begin)

    play(story())


def test_a_callback_that_cancels_what_it_interrupts_does_no_harm() -> None:
    """As the tutorial has it: the handle has ended by then, and to cancel it once more is nothing."""

    async def story() -> None:
        async with home() as place:
            handle = await _greet(place)

            async def cancel(old: SessionState, new: SessionState, why: Why) -> None:
                if new is LISTENING:
                    handle.cancel()
                    await place.session.say(REPLY_TEXT)

            place.session.on_state_changed(cancel)
            place.say("tts_lights_heart")
            assert (await handle.wait_for_playout()).was_interrupted
            # the answer to what interrupted, and then what the callback wanted said
            await place.until_over(2)
            assert len(place.seen.of(act.Play)) == 3

    play(story())
