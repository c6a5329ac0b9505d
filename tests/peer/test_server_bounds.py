"""What a bad peer may do to the server: say what it did, and lose its connection."""

import asyncio
from contextlib import suppress

import pytest
from wyoming.event import Event

from satellite.core.admission import Admission, AdmissionRule
from satellite.errors import PeerError
from satellite.peer.door import Door
from satellite.peer.server import ServerRule
from satellite.simulate.virtual_time import run_virtually
from tests.peer.house import INFO, house, play, until_s, warnings


def test_garbage_ends_its_own_connection_only(caplog: pytest.LogCaptureFixture) -> None:
    """One warning says what was wrong; the same peer's next garbage is no news; the hub stays."""

    async def story() -> None:
        async with house() as here:
            hub = await here.hub()
            for _ in range(3):
                bad = await here.peer()
                await bad.send(b"GET / HTTP/1.1\r\n")
                assert await bad.is_cut_off()
            assert await hub.ask("ping") == Event("pong")

    play(story())
    (warning,) = warnings(caplog)
    assert "127.0.0.1" in warning
    assert "a header that is not JSON" in warning


def test_an_oversized_payload_is_refused_when_it_is_announced(caplog: pytest.LogCaptureFixture) -> None:
    """Nobody waits for 10 GB, nor makes room for it; the session is over and the listener knows why."""

    async def story() -> None:
        async with house() as here:
            hub = await here.hub()
            await hub.send(b'{"type": "audio-chunk", "payload_length": 10000000000}\n')
            assert await hub.is_cut_off()
            await here.listener.until(
                "opened", "closed: it sent 'audio-chunk': payload_length is 10000000000; at most 16777216..."
            )
            assert not here.server.send(Event("played"))

    play(story())
    assert len(warnings(caplog)) == 1


def test_only_the_hub_may_send_much_at_once() -> None:
    """What is taken from the hub would let eight strangers fill a small machine's memory."""

    async def story() -> None:
        async with house() as here:
            chunk = b'{"type": "audio-chunk", "payload_length": 900000}\n' + bytes(900_000)
            hub, stranger = await here.hub(), await here.peer()
            await hub.send(chunk)
            await here.listener.until("opened", "audio-chunk")
            with suppress(ConnectionError):
                await stranger.send(chunk)
            assert await stranger.is_cut_off()
            assert await hub.ask("ping") == Event("pong")

    play(story())


def test_a_listener_may_refuse_an_event(caplog: pytest.LogCaptureFixture) -> None:
    """A PeerError from above closes the connection like one from below."""

    def refuse(event: Event) -> None:
        raise PeerError(f"{event.type} without sense")

    async def story() -> None:
        async with house() as here:
            here.listener.on_event = refuse
            hub = await here.hub()
            await hub.say("audio-chunk", "transcript")
            assert await hub.is_cut_off()
            await here.listener.until("opened", "audio-chunk", "closed: it sent audio-chunk without sense")

    play(story())
    assert "audio-chunk without sense" in warnings(caplog)[0]


def test_half_a_character_in_a_ping_is_answered() -> None:
    """Text that cannot be written back as it came breaks nothing."""

    async def story() -> None:
        async with house() as here:
            peer = await here.peer()
            await peer.send(rb'{"type": "ping", "data": {"text": "\ud83d"}}' + b"\n")
            assert await peer.hears() == Event("pong", {"text": "?"})
            await peer.send(rb'{"type": "ping", "data": {"text": [[[[[[[[1]]]]]]]]}}' + b"\n")
            assert await peer.hears() == Event("pong")

    play(story())


def test_idle_strangers_are_sent_away() -> None:
    """A connection that asks nothing does not keep its place; the hub keeps its own."""

    async def story() -> None:
        async with house(ServerRule(idle_s=0.2, goodbye_s=0.05)) as here:
            hub, stranger = await here.hub(), await here.peer()
            assert await stranger.ask("describe") == INFO
            assert await stranger.is_cut_off()
            assert await hub.ask("ping") == Event("pong")

    play(story())


def test_strangers_cannot_crowd_out_the_hub_nor_newcomers() -> None:
    """Of too many connections the oldest goes that is not the hub's, however fast they come."""

    async def story() -> None:
        async with house(ServerRule(connections=4, goodbye_s=0.05)) as here:
            hub = await here.hub()
            strangers = [await here.peer() for _ in range(12)]
            for stranger in strangers[:-3]:
                assert await stranger.is_cut_off()
            for stranger in strangers[-3:]:
                assert await stranger.ask("describe") == INFO
            assert await hub.ask("ping") == Event("pong")
            assert here.listener.told == ["opened"]

    play(story())


def test_a_hub_that_does_not_read_is_dropped(caplog: pytest.LogCaptureFixture) -> None:
    """`send` never waits: when too much is unread the session ends, with a warning, and the buffer is given back."""

    async def story() -> None:
        async with house(ServerRule(unread_bytes=256 * 1024, goodbye_s=0.05)) as here:
            hub = await here.hub()
            chunk = Event("audio-chunk", {}, bytes(64 * 1024))
            sent = 0
            while here.server.send(chunk):
                sent += 1
                assert sent < 10_000
            assert sent >= 4
            await here.listener.until("opened", "closed: it has left...")
            assert not here.server.send(chunk)
            assert await hub.is_cut_off()

    play(story())
    assert "bytes unread" in warnings(caplog)[0]


def test_a_stranger_that_asks_and_does_not_read_is_dropped() -> None:
    """A small question with a large answer, asked over and over, does not fill our memory."""

    async def story() -> None:
        async with house(ServerRule(unread_bytes=128 * 1024, goodbye_s=0.05), Event("info", {"x": "x" * 60_000})) as here:
            stranger = await here.peer()
            with suppress(ConnectionError):
                await stranger.send(b'{"type": "describe"}\n' * 2000)
            assert await stranger.is_cut_off()
            assert await (await here.peer("127.0.0.2")).ask("ping") == Event("pong")

    play(story())


def test_a_stranger_that_asks_without_end_is_dropped(caplog: pytest.LogCaptureFixture) -> None:
    """Though it reads; nor does it help to connect again. Others are answered, and what a hub says is not counted."""

    async def story() -> None:
        async with house(door=Door(Admission(AdmissionRule(asks_burst=20, asks_hz=0.001)))) as here:
            hub, stranger = await here.hub("127.0.0.2"), await here.peer()
            for _ in range(20):
                assert await stranger.ask("describe") == INFO
            await stranger.say("describe")
            assert await stranger.is_cut_off()
            again = await here.peer()
            await again.say("ping")
            assert await again.is_cut_off()
            for _ in range(50):
                assert await hub.ask("ping") == Event("pong")
            assert here.server.presence.refused == 2

    play(story())
    assert ["it asks more than" in warning for warning in warnings(caplog)] == [True]


def test_a_byte_now_and_then_is_no_word(caplog: pytest.LogCaptureFixture) -> None:
    """A stranger that trickles its first event is as idle as one that says nothing; a hub may be slow."""

    async def story() -> None:
        async with house(ServerRule(idle_s=5.0, dead_s=3.0, goodbye_s=0.05), within_s=60.0) as here:
            hub, stranger = await here.hub(), await here.peer()
            event = b'{"type": "made-up", "data": {"text": "slow"}}\n'
            for count, byte in enumerate(event[:-1]):
                await hub.send(bytes([byte]))
                if count < 10:
                    await stranger.send(bytes([byte]))
                await until_s(0.5)
            await hub.send(b"\n")
            await here.listener.until("opened", "made-up")
            assert await stranger.is_cut_off()

    run_virtually(story())
    assert any("no whole event came from it for 5 s" in r.getMessage() for r in caplog.records)


def test_a_byte_now_and_then_wins_no_time() -> None:
    """However long it is gone on with."""

    async def story() -> None:
        async with house(ServerRule(idle_s=5.0, goodbye_s=0.05), within_s=60.0) as here:
            stranger = await here.peer()
            gone = asyncio.create_task(stranger.is_cut_off())
            for _ in range(20):
                with suppress(OSError):
                    await stranger.send(b"{")
                await until_s(0.5)
            assert gone.done()
            gone.result()

    run_virtually(story())


def test_who_connects_without_end_is_not_let_in(caplog: pytest.LogCaptureFixture) -> None:
    """Its connections are closed as they come; the hub keeps its session, and others are let in."""

    async def story() -> None:
        async with house(door=Door(Admission(AdmissionRule(connects_burst=10, connects_hz=0.001)))) as here:
            hub = await here.hub("127.0.0.2")
            for _ in range(200):
                await here.peer()
            late = await here.peer()
            assert await late.is_cut_off()
            assert await (await here.peer("127.0.0.3")).ask("describe") == INFO
            assert await hub.ask("ping") == Event("pong")
            assert here.listener.told == ["opened"]
            assert here.server.presence.refused == 191

    play(story())
    (warning,) = warnings(caplog)
    assert "127.0.0.1" in warning and "it connects more than" in warning


def test_one_address_has_a_few_places() -> None:
    """Of its connections the oldest goes; those of others stay."""

    async def story() -> None:
        async with house(ServerRule(connections_each=2, goodbye_s=0.05)) as here:
            other = await here.peer("127.0.0.2")
            many = [await here.peer() for _ in range(4)]
            assert await many[0].is_cut_off() and await many[1].is_cut_off()
            for peer in (other, *many[2:]):
                assert await peer.ask("ping") == Event("pong")

    play(story())


def test_of_too_many_those_go_who_have_most() -> None:
    """Whoever asks once keeps its place, though it is the oldest."""

    async def story() -> None:
        async with house(ServerRule(connections=4, connections_each=3, goodbye_s=0.05)) as here:
            asker = await here.peer("127.0.0.9")
            many = [await here.peer(f"127.0.0.{n}") for n in (1, 1, 2, 2)]
            assert await many[0].is_cut_off()
            for peer in (asker, *many[1:]):
                assert await peer.ask("ping") == Event("pong")

    play(story())


def test_a_listener_may_answer_at_once_and_lose_the_hub_by_it() -> None:
    """An answer sent from inside an event may end the session; what else came with that event is not passed on."""

    async def story() -> None:
        async with house(ServerRule(unread_bytes=1000, goodbye_s=0.05)) as here:
            huge = Event("audio-chunk", {}, bytes(32 * 1024 * 1024))
            here.listener.on_event = lambda event: here.server.send(huge)
            hub = await here.hub()
            await hub.send(b'{"type": "transcribe"}\n{"type": "transcript"}\n')
            await here.listener.until("opened", "transcribe", "closed: it has left...")
            assert await hub.is_cut_off()

    play(story())


def test_the_log_shows_words_but_no_speech(caplog: pytest.LogCaptureFixture) -> None:
    """Both ways at debug level, one short line each, whatever the peer puts in."""

    async def story() -> None:
        async with house() as here:
            hub = await here.hub()
            await hub.send(b'{"type": "tran\\nscript", "data": {"text": "' + b"x" * 50_000 + b'"}}\n')
            await hub.send(b'{"type": "deep", "data": ' + b'{"a":' * 200 + b"1" + b"}" * 201 + b"\n")
            await hub.say("audio-chunk", payload=b"speech")
            await here.listener.until("opened", "tran\nscript", "deep", "audio-chunk")
            here.server.send(Event("audio-chunk", {}, b"speech"))

    play(story())
    lines = [r.getMessage() for r in caplog.records if r.name == "satellite.peer.server"]
    assert any("< 'run-satellite'" in line for line in lines)
    assert any("> 'info' {'satellite'" in line for line in lines)
    assert any(r"< 'tran\nscript'" in line for line in lines)
    assert all(line.isprintable() and len(line) < 500 and "audio-chunk" not in line for line in lines)
