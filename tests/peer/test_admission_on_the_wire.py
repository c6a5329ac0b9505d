"""Who is let in, who may be the hub, and what the operator is told of it; on real sockets, from several addresses of loopback."""

import logging
import socket
from ipaddress import IPv4Address

import pytest
from wyoming.event import Event

from satellite.core.admission import Admission, AdmissionRule
from satellite.core.networks import Address, networks
from satellite.peer.door import Door
from satellite.peer.pinned_name import PinnedName
from satellite.peer.server import ServerRule
from satellite.simulate.virtual_time import run_virtually
from tests.peer.house import INFO, House, house, play, until_s, warnings

_HERE, _THERE = "127.0.0.1", "127.0.0.2"


async def _is_refused(here: House, host: str) -> bool:
    """Whether a hub at this address is sent away."""
    peer = await here.peer(host)
    await peer.say("run-satellite")
    return await peer.is_cut_off()


def test_who_is_not_allowed_is_cut_off_at_once(caplog: pytest.LogCaptureFixture) -> None:
    """Before it has said a word, and without an answer; the log names it and the key, once."""

    async def story() -> None:
        async with house(door=Door(Admission(AdmissionRule(allow=networks(_THERE))))) as here:
            for _ in range(3):
                assert await (await here.peer(_HERE)).rest() == b""
            assert await (await here.peer(_THERE)).ask("describe") == INFO
            assert here.server.presence.refused == 3

    play(story())
    (warning,) = warnings(caplog)
    assert _HERE in warning and "hub.allow" in warning


def test_the_first_of_two_hubs_stays(caplog: pytest.LogCaptureFixture) -> None:
    """However often the other one tries: nothing flaps. When the first is gone the other is let in. One warning."""

    async def story() -> None:
        async with house() as here:
            first = await here.hub(_HERE)
            for _ in range(5):
                assert await _is_refused(here, _THERE)
            assert await first.ask("ping") == Event("pong")
            assert here.listener.told == ["opened"]
            await first.close()
            await here.listener.until("opened", "closed: it closed the connection")
            await here.hub(_THERE)
            assert here.server.presence.hub.startswith(f"{_THERE}:")

    play(story())
    (warning,) = warnings(caplog)
    assert _THERE in warning and f"the hub at {_HERE} is here" in warning


def test_a_hub_with_a_new_address_waits_until_the_old_one_has_been_silent() -> None:
    """Home Assistant after its machine got another address: its next try but a few is taken."""

    async def story() -> None:
        async with house(ServerRule(dead_s=10.0, goodbye_s=0.05), within_s=60.0) as here:
            silent = await here.hub(_HERE)
            await until_s(9.0)
            assert await _is_refused(here, _THERE)
            await until_s(2.0)
            assert await silent.is_cut_off()
            await here.hub(_THERE)
            assert here.listener.told == ["opened", "closed: nothing came from it for 10 s", "opened"]

    run_virtually(story())


def test_a_muted_satellite_is_not_stolen() -> None:
    """Its hub says nothing for an hour; only at its own address may one begin anew."""

    async def story() -> None:
        async with house(within_s=100.0) as here:
            hub = await here.hub(_HERE)
            await hub.say("pause-satellite")
            await here.listener.until("opened", "pause-satellite")
            await until_s(60.0)
            assert await _is_refused(here, _THERE)
            await here.hub(_HERE)
            assert await hub.is_cut_off()

    run_virtually(story())


def test_the_system_finds_out_whether_a_muted_hub_is_alive() -> None:
    """One whose machine was switched off would otherwise keep everybody else out for ever."""

    async def story() -> None:
        async with house() as here:
            await here.hub()
            (session,) = here.server._connections
            sock = session._transport.get_extra_info("socket")
            assert sock.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE) == 1
            # half a minute without Wi-Fi is no loss
            assert 30_000 < sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT) <= 60_000

    play(story())


def test_only_the_pinned_may_be_the_hub(caplog: pytest.LogCaptureFixture) -> None:
    """Others may ask who we are, pinned or not."""

    async def story() -> None:
        async with house(door=Door(Admission(AdmissionRule(only=_THERE), networks(_THERE)))) as here:
            assert await _is_refused(here, _HERE)
            assert await (await here.peer(_HERE)).ask("describe") == INFO
            await here.hub(_THERE)

    play(story())
    (warning,) = warnings(caplog)
    assert _HERE in warning and f"only {_THERE} may be the hub (hub.only)" in warning


def test_a_pinned_name_is_looked_up(caplog: pytest.LogCaptureFixture) -> None:
    """Nobody is the hub before it is found; when it has moved, the next try but one is taken."""
    where: list[str] = []

    async def look_up(name: str) -> list[str]:
        assert name == "hub.test"
        if not where:
            raise OSError(None, "Name or service not known")
        return where

    async def story() -> None:
        door = Door(Admission(AdmissionRule(only="hub.test")), PinnedName("hub.test", look_up=look_up))
        async with house(door=door) as here:
            assert await _is_refused(here, _HERE)
            where.append(_HERE)
            await until_s(3.0)
            hub = await here.hub(_HERE)
            await hub.close()
            where[:] = [_THERE]
            assert await _is_refused(here, _THERE)
            await until_s(3.0)
            await here.hub(_THERE)

    run_virtually(story())
    assert "hub.only: hub.test cannot be found (Name or service not known): nobody can be the hub" in warnings(caplog)


def test_the_first_hub_is_remembered(caplog: pytest.LogCaptureFixture) -> None:
    """Others are refused also when it is away, by a line with the command that ends it; and then the next is the first."""
    kept: list[Address | None] = []

    async def story() -> None:
        async with house(door=Door(Admission(AdmissionRule(remembers=True)), keep=kept.append)) as here:
            hub = await here.hub(_HERE)
            assert kept == [IPv4Address(_HERE)]
            await hub.close()
            await here.listener.until("opened", "closed...")
            assert await _is_refused(here, _THERE)
            assert here.server.door.forget() == IPv4Address(_HERE)
            assert here.server.door.forget() is None
            await here.hub(_THERE)
            assert kept == [IPv4Address(_HERE), None, IPv4Address(_THERE)]

    play(story())
    (warning,) = warnings(caplog)
    assert _HERE in warning and _THERE in warning and warning.endswith("satellite ctl forget-hub")


def test_the_session_is_closed_to_strangers_ears(caplog: pytest.LogCaptureFixture) -> None:
    """Whatever is sent to the hub, whoever is refused or only asks gets nothing of it."""

    async def story() -> None:
        async with house() as here:
            hub, asker = await here.hub(_HERE), await here.peer(_THERE)
            refused = await here.peer(_THERE)
            await refused.say("run-satellite")
            assert await asker.ask("describe") == INFO
            for _ in range(10):
                assert here.server.send(Event("audio-chunk", {}, b"speech"))
            assert await refused.rest() == b""
            await asker.say("run-satellite")
            assert await asker.rest() == b""
            assert (await hub.hears()) == Event("audio-chunk", {}, b"speech")

    caplog.set_level(logging.DEBUG)
    play(story())
