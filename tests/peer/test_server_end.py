"""How sessions end, and how the server does."""

import asyncio
import socket
import struct

import pytest
from wyoming.event import Event

from satellite.peer.server import ServerRule
from tests.peer.house import INFO, SOON_S, house, play, warnings


@pytest.mark.parametrize(
    ("last_words", "why"),
    [(b"", "it closed the connection"), (b'{"type": "audio-chunk", ', "it closed the connection in the middle of an event")],
)
def test_a_hub_that_leaves_is_missed_at_once(last_words: bytes, why: str) -> None:
    """The end of its stream ends the session, and tells a cut from a close; another may come."""

    async def story() -> None:
        async with house() as here:
            hub = await here.hub()
            await hub.send(last_words)
            hub.half_close()
            await here.listener.until("opened", f"closed: {why}")
            assert await hub.is_cut_off()
            await here.hub()
            assert here.listener.is_open

    play(story())


def test_a_hub_that_vanishes_is_given_up() -> None:
    """A hub that says nothing, not even a ping, is gone, though its socket is open."""

    async def story() -> None:
        async with house(ServerRule(dead_s=0.2, goodbye_s=0.05)) as here:
            hub = await here.hub()
            await here.listener.until("opened", "closed: nothing came from it for 0.2 s")
            assert await hub.is_cut_off()

    play(story())


def test_stopping_lets_the_hub_notice_and_reads_on(caplog: pytest.LogCaptureFixture) -> None:
    """The hub sees the end of our half, may still ping, and ends the wait by closing; its words go nowhere."""

    async def story() -> None:
        async with house(ServerRule(goodbye_s=2 * SOON_S)) as here:
            hub, stranger = await here.hub(), await here.peer()
            assert await stranger.ask("describe") == INFO
            assert here.server.send(Event("played"))
            stop = asyncio.create_task(here.server.stop())
            assert await hub.hears() == Event("played")
            assert await hub.hears() is None
            assert await stranger.is_cut_off()
            await hub.say("ping", "describe", "transcript")
            await hub.send(b"garbage\n")
            _, waiting = await asyncio.wait({stop}, timeout=0.05)
            assert waiting
            assert not here.server.send(Event("played"))
            await hub.close()
            await stop
            assert here.listener.told == ["opened"]
            with pytest.raises(OSError):
                await here.peer()

    play(story())
    assert not warnings(caplog)


def test_stopping_does_not_wait_for_ever() -> None:
    """A hub that does not close its half is cut off when the grace is over."""

    async def story() -> None:
        async with house(ServerRule(goodbye_s=0.05)) as here:
            hub = await here.hub()
            await here.server.stop()
            assert await hub.is_cut_off()
            await here.server.stop()

    play(story())


def test_stopping_when_the_hub_has_just_gone() -> None:
    """A connection that was reset a moment ago, unseen yet, does not break the end."""

    async def story() -> None:
        async with house() as here:
            with socket.create_connection(("127.0.0.1", here.port)) as hub:
                hub.sendall(b'{"type": "run-satellite"}\n')
                await here.listener.until("opened")
                # closing resets the connection
                hub.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            await here.server.stop()

    play(story())


def test_a_muted_hub_gets_no_goodbye() -> None:
    """It does not read: waiting for it would be in vain."""

    async def story() -> None:
        async with house(ServerRule(goodbye_s=2 * SOON_S)) as here:
            hub = await here.hub()
            await hub.say("pause-satellite")
            await here.listener.until("opened", "pause-satellite")
            await here.server.stop()
            assert await hub.hears() is None

    play(story())
