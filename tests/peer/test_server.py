"""Who is the hub, and what the others may ask; on real sockets."""

import asyncio
import socket

import pytest
from wyoming.event import Event

from satellite.peer.server import HubServer, ServerRule
from tests.peer.house import INFO, Listener, Peer, house, play


def test_anybody_may_ask_who_we_are_while_a_hub_is_on() -> None:
    """The hub's own second connection that asks every 30 s is answered, and disturbs nothing."""

    async def story() -> None:
        async with house() as here:
            hub, asker = await here.hub(), await here.peer()
            assert await asker.ask("describe") == INFO
            assert await asker.ask("ping", text="7") == Event("pong", {"text": "7"})
            await asker.say("audio-start", "transcript", "pause-satellite")
            assert await asker.ask("ping") == Event("pong")
            await asker.close()
            assert await hub.ask("ping") == Event("pong")
            assert here.listener.told == ["opened"]

    play(story())


def test_the_hub_is_answered_here_and_heard_there() -> None:
    """Ping and describe on the session do not reach the listener; everything else does, in order."""

    async def story() -> None:
        async with house() as here:
            hub = await here.hub()
            await hub.say("transcribe", "ping", "describe", "run-satellite", "timer-started", "made-up")
            await here.listener.until("opened", "transcribe", "timer-started", "made-up")
            assert [await hub.hears(), await hub.hears()] == [Event("pong"), INFO]
            assert here.server.send(Event("run-pipeline", {"start_stage": "asr"}))
            assert await hub.hears() == Event("run-pipeline", {"start_stage": "asr"})
            assert here.listener.peers[0].startswith("127.0.0.1:")

    play(story())


def test_the_newest_hub_wins() -> None:
    """A second `run-satellite` takes over; the first connection is closed, and gets nothing more."""

    async def story() -> None:
        async with house() as here:
            first = await here.hub()
            second = await here.hub()
            assert await first.hears() is None
            assert here.server.send(Event("played"))
            assert await second.hears() == Event("played")
            first_port, second_port = (peer.rpartition(":")[2] for peer in here.listener.peers)
            assert first_port != second_port
            await here.listener.until("opened", f"closed: 127.0.0.1:{second_port} has taken over", "opened")

    play(story())


def test_nothing_is_sent_without_a_hub() -> None:
    """Strangers get no events, and the caller learns that nobody did."""

    async def story() -> None:
        async with house() as here:
            stranger = await here.peer()
            assert await stranger.ask("describe") == INFO
            assert not here.server.send(Event("played"))
            assert await stranger.ask("ping") == Event("pong")

    play(story())


def test_a_muted_satellite_waits_for_ever_and_is_silent() -> None:
    """After `pause-satellite` no limit runs and nothing is sent, whatever else comes; the next connection takes over."""

    async def story() -> None:
        async with house(ServerRule(dead_s=0.2, idle_s=0.5, goodbye_s=0.05)) as here:
            hub = await here.hub()
            # a timer that ends, or an announcement: Home Assistant sends them, though it does not read
            await hub.say("pause-satellite", "timer-finished")
            await here.listener.until("opened", "pause-satellite", "timer-finished")
            idler = await here.peer()
            assert await idler.is_cut_off()
            assert here.listener.told == ["opened", "pause-satellite", "timer-finished"]
            assert not here.server.send(Event("run-pipeline"))
            new = await here.hub()
            assert await hub.hears() is None
            assert here.server.send(Event("played"))
            assert await new.hears() == Event("played")

    play(story())


def test_a_hub_may_come_back_on_the_connection_it_muted() -> None:
    """`run-satellite` after `pause-satellite` opens the session anew."""

    async def story() -> None:
        async with house() as here:
            hub = await here.hub()
            await hub.say("pause-satellite", "run-satellite")
            await here.listener.until("opened", "pause-satellite", "opened")
            assert here.server.send(Event("played"))
            assert await hub.hears() == Event("played")

    play(story())


def test_listens_on_a_socket_that_the_system_hands_over() -> None:
    """With a socket that was bound before us, hubs that come while we start are not refused."""

    async def story() -> None:
        with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as sock:
            sock.bind(("127.0.0.1", 0))
            sock.listen()
            port = sock.getsockname()[1]
            early = Peer(*await asyncio.open_connection("127.0.0.1", port))
            server = HubServer(lambda: INFO, Listener())
            assert await server.start(socks=[sock]) == port
            assert await early.ask("describe") == INFO
            await early.close()
            await server.stop()

    play(story())


def test_a_port_that_is_taken_is_an_error() -> None:
    """Whoever starts us twice learns it at once."""

    async def story() -> None:
        async with house() as here:
            with pytest.raises(OSError):
                await HubServer(lambda: INFO, Listener()).start("127.0.0.1", here.port)

    play(story())
