"""Hubs that read or write slowly, that take the satellite from each other, or that have a new kind of address."""

import logging
import socket

import msgspec
import pytest
from wyoming.timer import TimerUpdated

from satellite.config import Listen
from satellite.core import events as ev
from satellite.core.state import State
from satellite.mock.agent import keyword_agent
from satellite.mock.hub import HubRule, MockHub
from satellite.mock.recordings import STOP
from tests.network.place import STATE, STORY_S, Doing, far_house, is_quiet, play, ringing, told
from tests.service.house import REPLY_TEXT, house, play_live, quiet_config


@pytest.mark.parametrize("doing", [Doing.IDLE, Doing.LISTENING, Doing.PROCESSING, Doing.SPEAKING, Doing.RINGING])
def test_a_hub_that_writes_a_byte_at_a_time_is_understood(doing: Doing) -> None:
    """Its words come late and whole. (Speech as slow as that is another test.)"""

    async def story() -> None:
        async with far_house() as far:
            place = far.place
            await far.come_to(doing)
            await far.pass_time(1.0)
            far.relay.trickle(1, 0.002)
            await place.hub.send(TimerUpdated("none that runs", True, 90).event())
            await far.pass_time(2.0)
            far.relay.trickle(0, 0.0)
            await far.until_back(doing, sessions=1)
            await place.works()
            assert len(place.seen.told(ev.HubOpened)) == 1

    play(story)


def test_a_reply_that_comes_more_slowly_than_it_is_played_ends() -> None:
    """With gaps; the hub is told that it was played, and the next turn works."""

    async def story() -> None:
        async with far_house() as far:
            place = far.place
            await far.come_to(Doing.PROCESSING)
            # two thirds of what 22 kHz need
            far.relay.trickle(300, 0.01)
            await place.until_over()
            assert place.words() == [STOP]
            far.relay.trickle(0, 0.0)
            await place.works()
            assert len(place.seen.told(ev.HubOpened)) == 1

    play(story)


def test_a_hub_that_reads_more_slowly_than_we_hear_is_given_up_and_taken_back(caplog: pytest.LogCaptureFixture) -> None:
    """The microphone is sent to it all the time; our pongs wait behind that, and so it is dead before much waits."""

    async def story() -> None:
        always = msgspec.structs.replace(quiet_config().wake, listen=Listen.ALWAYS)
        async with far_house(msgspec.structs.replace(ringing(), wake=always)) as far:
            place = far.place
            await place.journal.wait_for("audio-chunk")
            # half of what is said
            far.relay.trickle(1024, 0.0625, to_hub=True)
            await place.until(lambda: place.seen.told(ev.HubClosed), STORY_S)
            assert len(told(caplog, logging.WARNING, "the hub is gone")) == 1
            assert place.service.state is State.OFFLINE
            far.relay.trickle(0, 0.0)
            await far.until_back(Doing.IDLE, sessions=2)
            await place.journal.wait_for("audio-chunk")
            assert far.connections == 1

    play(story)
    assert is_quiet(caplog)


@pytest.mark.parametrize("doing", Doing)
def test_two_hubs_that_take_the_satellite_from_each_other(doing: Doing, caplog: pytest.LogCaptureFixture) -> None:
    """Whoever comes last has it for three seconds, and the log tells it twice; when one of them leaves the other's turns work."""

    async def story() -> None:
        async with far_house() as far:
            place = far.place
            await far.come_to(doing)
            rule = HubRule(describe_s=None)
            other = MockHub("127.0.0.1", place.port, place.stt.uri, place.tts.uri, keyword_agent({}, REPLY_TEXT), rule)
            async with other:
                await far.pass_time(20.0)
                assert place.service.state in (State.IDLE, State.OFFLINE, STATE[doing])
                assert far.connections <= 2
                fights = len(place.seen.told(ev.HubOpened))
                assert fights >= 3 or doing is Doing.MUTED
            await far.until_back(doing, sessions=fights + 1)
            assert far.is_told_at_most_twice()
            await place.works()

    play(story)
    assert is_quiet(caplog)


@pytest.mark.parametrize("listens_on", ["", "::1", "::"])
def test_a_hub_by_ipv6(listens_on: str) -> None:
    """In real time: virtual time knows IPv4 only."""
    with socket.create_server(("::1", 0), family=socket.AF_INET6) as free:
        port = free.getsockname()[1]
    config = quiet_config()
    config = msgspec.structs.replace(config, hub=msgspec.structs.replace(config.hub, host=listens_on, port=port))

    async def story() -> None:
        async with house(keyword_agent({}, REPLY_TEXT), config=config, stay_away=True) as place:
            place.hub._host = "::1"
            await place.hub.start()
            await place.until_ready()
            await place.works()
            await place.until_over()

    play_live(story())
