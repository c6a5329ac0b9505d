"""Virtual time itself: that it costs none, that it waits for what is on its way, and that it is the same each time."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import cast

import pytest

from satellite.core.state import State
from satellite.core.units import Millis
from satellite.simulate.virtual_time import START_S, run_virtually
from tests.service.house import MURMUR, PATIENT, House, house, play

# more than a socket's buffers hold
_MANY = 8 * 1024 * 1024
_HANG_UP = b"hang up"


def test_an_hour_passes_at_once() -> None:
    """A timer is reached at its time and not a moment later."""
    times = []

    async def story() -> None:
        loop = asyncio.get_running_loop()
        await asyncio.sleep(3600)
        times.append(loop.time())
        await asyncio.sleep(0.25)
        times.append(loop.time())

    run_virtually(story(), story_s=4000)
    assert times == [START_S + 3600, START_S + 3600.25]


def test_no_time_passes_while_something_is_on_its_way() -> None:
    """Connecting, megabytes there and back, a goodbye, and a connection that is cut: all are as fast as a timer of nothing."""

    async def story() -> None:
        begin_s = asyncio.get_running_loop().time()
        async with _echo_server() as port:
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(bytes(_MANY))
            assert len(await reader.readexactly(_MANY)) == _MANY
            writer.write_eof()
            assert await reader.read() == b""
            writer.close()
            await writer.wait_closed()
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(_HANG_UP)
            assert await reader.read() == b""
            writer.close()
            await writer.wait_closed()
        assert asyncio.get_running_loop().time() == begin_s

    run_virtually(story())


def test_time_passes_while_somebody_does_not_read() -> None:
    """What he leaves waits in the system, the goodbye behind it too, and is there when he goes on."""

    async def story() -> None:
        loop = asyncio.get_running_loop()
        async with _echo_server() as port:
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            transport = cast(asyncio.Transport, writer.transport)
            transport.pause_reading()
            writer.write(bytes(_MANY))
            writer.write_eof()
            begin_s = loop.time()
            await asyncio.wait({loop.create_future()}, timeout=60)
            assert loop.time() == begin_s + 60
            transport.resume_reading()
            assert len(await reader.read()) == _MANY
            writer.close()
            await writer.wait_closed()

    run_virtually(story())


def test_a_story_without_an_end_fails_and_says_so() -> None:
    """In virtual time, and what it held is given back."""
    held = []

    async def story() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            await asyncio.sleep(1)
            held.append("given back")

    with pytest.raises(TimeoutError, match="not come to its end in 5 s of virtual time"):
        run_virtually(story(), story_s=5)
    assert held == ["given back"]


def test_a_story_that_takes_too_long_in_earnest_fails_and_says_so() -> None:
    """Whoever does too much in too little virtual time."""

    async def story() -> None:
        while True:
            await asyncio.sleep(1e-6)

    with pytest.raises(RuntimeError, match=r"0\.05 s of real time were not enough"):
        run_virtually(story(), patience_s=0.05)


def test_a_timeout_of_the_storys_own_is_its_own() -> None:
    """It is not taken for the story's."""

    async def story() -> None:
        async with asyncio.timeout(1):
            await asyncio.Event().wait()

    with pytest.raises(TimeoutError) as caught:
        run_virtually(story())
    assert str(caught.value) == ""


def test_one_story_played_twice_is_the_same_to_the_sample() -> None:
    """Events, verdicts and actions with their times, every sample heard and played, and every byte on the wire."""
    first, second = _told(), _told()
    assert len(first) == len(second)
    assert [a for a, b in zip(first, second, strict=True) if a != b] == []


def _told() -> list[object]:
    """What there is to tell of a story in which a reply is resumed, interrupted and outlives its hub."""
    told: list[object] = []

    async def story() -> None:
        async with house(burst=replace(PATIENT, commit_ms=Millis(1200))) as place:
            await place.answer(into_s=0.4)
            place.say(MURMUR)
            await place.until_state(State.HELD)
            await place.until_state(State.SPEAKING)
            place.say("tts_lights_heart", after_s=0.5)
            await place.until_understood(2)
            await place.until_state(State.SPEAKING)
            place.wake()
            place.say("tts_stop_joe", after_s=0.2)
            await place.until_understood(3)
            await place.until_state(State.SPEAKING)
            await place.until_played(0.3)
            place.hub.vanish()
            await place.until_back()
        told.extend(_everything(place))

    play(story())
    return told


def _everything(place: House) -> list[object]:
    seen, room = place.seen, place.room
    journal = [(e.at_s, e.direction, e.type, e.data, e.payload) for e in place.journal.entries]
    tapes = [tape.between(0, room.end_frame).tobytes() for tape in (room.cone, room.near, room.heard)]
    return [*seen.states, *seen.events, *seen.windows, *seen.actions, *seen.ducked, *seen.heard.items(), *journal, *tapes]


@asynccontextmanager
async def _echo_server() -> AsyncIterator[int]:
    """Sends back whatever it gets until the other end has said all, and hangs up on whoever says `hang up`."""

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while pcm := await reader.read(65_536):
            if pcm == _HANG_UP:
                writer.transport.abort()
                return
            writer.write(pcm)
            await writer.drain()
        writer.close()

    server = await asyncio.start_server(talk, "127.0.0.1", 0)
    async with server:
        yield server.sockets[0].getsockname()[1]
