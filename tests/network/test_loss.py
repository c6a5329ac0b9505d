"""The network is gone for a while, in each state of the conversation; in virtual time, over real TCP.

The hub gives a silent connection up after 5 s and looks for the satellite 3 s later; the satellite gives up after 10 s.
"""

import logging

import pytest

from satellite.core import actions as act
from satellite.core import events as ev
from satellite.core.state import State
from satellite.mock.recordings import COMMAND, STOP
from tests.network.place import STATE, Doing, far_house, is_quiet, play, told
from tests.service.house import REPLY, as_played

# shorter than anybody's patience; longer than the hub's; longer than everybody's
BLINK_S, GAP_S, LOSS_S = 3.0, 7.0, 30.0


@pytest.mark.parametrize("doing", Doing)
def test_half_a_minute_without_a_network(doing: Doing, caplog: pytest.LogCaptureFixture) -> None:
    """The satellite is there when the hub looks for it; what was going on is over; a reply that had come is played whole."""

    async def story() -> None:
        async with far_house() as far:
            place = far.place
            await far.come_to(doing)
            far.relay.lose()
            await far.pass_time(LOSS_S)
            # bears it; or knows, and a timer rings on
            rests = {Doing.MUTED: State.MUTED, Doing.RINGING: State.SPEAKING}.get(doing, State.OFFLINE)
            assert place.service.state is rests
            silent_from = place.room.end_frame
            await far.relay.restore()
            await far.until_back(doing, sessions=2)
            # of what the hub sent before it knew nothing sounds late
            assert doing is Doing.RINGING or place.is_silent(silent_from)
            assert doing is not Doing.SPEAKING or place.has_played(as_played(REPLY))
            assert far.is_told_at_most_twice()
            await place.works()
            assert far.connections == 1
            assert len(place.seen.told(ev.HubOpened)) == 2
            assert len(told(caplog, logging.WARNING, "the hub is gone")) == 1
            [back] = told(caplog, logging.INFO, "is here after")[1:]
            assert back.endswith("after 0.0 s") is (doing is Doing.MUTED)

    play(story)
    assert is_quiet(caplog)


@pytest.mark.parametrize("doing", Doing)
def test_a_moment_without_a_network_costs_nothing(doing: Doing, caplog: pytest.LogCaptureFixture) -> None:
    """Nobody gives up, everything comes later, and the turn that was going on is finished."""

    async def story() -> None:
        async with far_house() as far:
            place = far.place
            await far.come_to(doing)
            far.relay.lose()
            await far.pass_time(BLINK_S)
            await far.relay.restore()
            match doing:
                case Doing.LISTENING | Doing.PROCESSING | Doing.SPEAKING:
                    await place.until_over()
                    assert place.words() == [STOP]
                    assert place.has_sounded_like(REPLY, place.begin)
                case Doing.HELD:
                    await place.until_understood(2)
                    assert place.words() == [STOP, COMMAND]
                    assert place.interrupts() == [("#1", "provisional"), ("#1", "confirmed")]
                case _:
                    assert place.service.state is STATE[doing]
            await far.until_back(doing, sessions=2 if doing is Doing.MUTED else 1)
            await place.works()
            assert far.connections == 1
            assert doing is Doing.MUTED or told(caplog, logging.WARNING, "the hub is gone") == []

    play(story)


@pytest.mark.parametrize("doing", [Doing.IDLE, Doing.LISTENING, Doing.PROCESSING, Doing.SPEAKING, Doing.HELD])
def test_a_network_that_is_back_when_only_the_hub_has_given_up(doing: Doing, caplog: pytest.LogCaptureFixture) -> None:
    """The new connection comes while the old one is still there, with all that was said on it."""

    async def story() -> None:
        async with far_house() as far:
            place = far.place
            await far.come_to(doing)
            far.relay.lose()
            await far.pass_time(GAP_S)
            assert place.service.state is not State.OFFLINE
            await far.relay.restore()
            await far.until_back(doing, sessions=2)
            await place.works()
            assert far.is_told_at_most_twice()
            assert far.connections == 1
            assert len(place.seen.of(act.Play)) <= 2

    play(story)
    assert is_quiet(caplog)


@pytest.mark.parametrize("doing", [doing for doing in Doing if doing is not Doing.MUTED])
def test_a_hub_whose_machine_is_gone_is_missed(doing: Doing, caplog: pytest.LogCaptureFixture) -> None:
    """No word of it ever comes; after 10 s the satellite knows, and the next hub finds it at rest. (Muted: `test_sockets`.)"""

    async def story() -> None:
        async with far_house(reconnect_s=20.0) as far:
            place = far.place
            await far.come_to(doing)
            far.relay.forget()
            await place.until(lambda: place.seen.told(ev.HubClosed))
            await far.until_back(doing, sessions=2)
            await place.works()
            assert far.is_told_at_most_twice()
            assert far.connections == 1
            [why] = told(caplog, logging.WARNING, "the hub is gone")
            assert why.endswith("nothing came from it for 10 s")

    play(story)
    assert is_quiet(caplog)
