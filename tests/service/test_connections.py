"""Hubs that vanish, that come in pairs, and that talk nonsense."""

import asyncio
from contextlib import suppress

import pytest
from wyoming.event import Event, async_read_event, async_write_event

from satellite.core import events as ev
from satellite.core.state import State, Why
from satellite.mock.agent import keyword_agent, slow
from satellite.mock.hub import HubRule, MockHub
from satellite.mock.recordings import COMMAND, STOP
from tests.service.house import REPLY, REPLY_TEXT, SOON_S, House, as_played, house, play, undisturbed

_NONSENSE = (
    b"GET / HTTP/1.1\r\n\r\n",
    b"\x00" * 4096 + b"\n",
    b'{"type": "audio-chunk", "payload_length": 99999999999}\n',
    b"{" * 100_000,
)


@pytest.mark.parametrize("state", [State.IDLE, State.LISTENING, State.PROCESSING, State.SPEAKING])
def test_a_hub_that_vanishes_is_taken_back(state: State) -> None:
    """Whatever was going on when the connection broke, the next turn works; a reply is played to its end before."""

    async def story() -> None:
        agent = slow(keyword_agent({}, REPLY_TEXT), 0.3)
        async with house(agent) as place:
            await _come_to(place, state)
            place.hub.vanish()
            await place.until_back()
            # all of it had come
            assert state is not State.SPEAKING or place.has_played(as_played(REPLY))
            await place.works()

    play(story())


@pytest.mark.parametrize("mutes_at_end", [True, False])
def test_a_hub_that_is_restarted_is_taken_back(mutes_at_end: bool) -> None:
    """In the middle of a reply. It mutes the satellite before it goes, which is offline then, not muted."""

    async def story() -> None:
        rule = HubRule(reconnect_s=0.2, mutes_at_end=mutes_at_end)
        async with house(keyword_agent({}, REPLY_TEXT), hub_rule=rule, config=undisturbed()) as place:
            await place.answer(into_s=0.3)
            await place.hub.stop()
            await place.until_state(State.OFFLINE)
            await place.until_recorded()
            assert place.has_sounded_like(REPLY) is not mutes_at_end
            await place.hub.start()
            await place.until_back()
            await place.works()

    play(story())


def test_an_interrupt_that_the_hub_missed_is_sent_once_more() -> None:
    """The connection breaks while the reply is held; what was confirmed meanwhile is told when a hub is back, same id."""

    async def story() -> None:
        async with house(hub_rule=HubRule(reconnect_s=1.4)) as place:
            await place.answer(into_s=0.4)
            place.say("tts_lights_heart")
            await place.until_state(State.HELD)
            await place.journal.wait_for("interrupt")
            place.hub.vanish()
            await place.until_back()
            assert (State.HELD, State.OFFLINE, Why.INTERRUPTED) in place.seen.states
            await place.works()
            assert place.interrupts() == [("#1", "provisional"), ("#1", "confirmed")]

    play(story())


def test_a_hub_that_is_back_before_the_words_are_over_hears_all_of_them() -> None:
    """A connection that breaks for an instant while the reply is held costs nothing."""

    async def story() -> None:
        async with house(hub_rule=HubRule(reconnect_s=0.01)) as place:
            await place.answer(into_s=0.4)
            place.say("tts_lights_heart")
            await place.until_state(State.HELD)
            place.hub.vanish()
            await place.until_understood(2)
            assert place.words() == [STOP, COMMAND]
            assert len(place.seen.told(ev.HubOpened)) == 2
            assert place.interrupts()[-1] == ("#1", "confirmed")
            assert place.heard_live()

    play(story())


def test_a_second_hub_takes_over() -> None:
    """Whoever chooses the satellite last is its hub, and the other one is told by the end of its connection."""

    async def story() -> None:
        # the first one does not come back within this story
        async with house(keyword_agent({}, REPLY_TEXT), hub_rule=HubRule(reconnect_s=60.0)) as place:
            first = place.hub
            second = MockHub("127.0.0.1", place.port, place.stt.uri, place.tts.uri, keyword_agent({}, REPLY_TEXT))
            async with second:
                await place.until_back()
                place.hub = second
                await place.works()
                assert first.journal.of("detection") == []
            place.hub = first

    play(story())


def test_somebody_who_only_asks_changes_nothing() -> None:
    """A second connection that wants to know who we are is answered at once, in the middle of a reply."""

    async def story() -> None:
        async with house(keyword_agent({}, REPLY_TEXT)) as place:
            await place.answer(into_s=0.3)
            info = await _ask(place.port)
            assert info is not None and info.data["satellite"]["supports_interrupt"] is True
            assert place.service.state is State.SPEAKING
            assert len(place.seen.told(ev.HubOpened)) == 1
            assert place.seen.told(ev.HubClosed) == []

    play(story())


def test_nonsense_from_strangers_changes_nothing() -> None:
    """They are cut off; the hub's session and its turn go on."""

    async def story() -> None:
        async with house(keyword_agent({}, REPLY_TEXT)) as place:
            for nonsense in _NONSENSE:
                await _is_cut_off(place.port, nonsense)
            assert len(place.seen.told(ev.HubOpened)) == 1
            await place.works()

    play(story())


def test_nonsense_from_the_hub_ends_the_session_and_the_next_one_works() -> None:
    """It is cut off, and may come back."""

    async def story() -> None:
        async with house(keyword_agent({}, REPLY_TEXT)) as place:
            for times, nonsense in enumerate(_NONSENSE, start=2):
                assert place.hub._writer is not None
                place.hub._writer.write(nonsense)
                await place.until_back(times)
            await place.works()

    play(story())


async def _come_to(place: House, state: State) -> None:
    match state:
        case State.LISTENING:
            place.wake()
            await place.journal.wait_for("transcribe", direction="sent")
        case State.PROCESSING:
            await place.command()
            await place.until_understood(1)
        case State.SPEAKING:
            await place.answer(into_s=0.3)
    assert place.service.state is state


async def _ask(port: int) -> Event | None:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    await async_write_event(Event("describe"), writer)
    async with asyncio.timeout(SOON_S):
        info = await async_read_event(reader)
    writer.close()
    await writer.wait_closed()
    return info


async def _is_cut_off(port: int, nonsense: bytes) -> None:
    """Returns when the other end has closed."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(nonsense)
    async with asyncio.timeout(SOON_S):
        with suppress(ConnectionResetError):
            await reader.read(-1)
    writer.close()
    with suppress(OSError):
        await writer.wait_closed()
