"""What the system is asked to do about a machine that vanishes; that it does so is seen in `tests.network.loss`."""

import socket

import pytest

from satellite.peer.server import ServerRule
from satellite.peer.sockets import never_wait_long, notice_loss
from tests.peer.house import house, play


def _asks(sock: socket.socket) -> tuple[bool, int, int, int]:
    """Whether it asks, after how many seconds, how often, and after how many milliseconds it gives up."""
    names = (socket.TCP_KEEPIDLE, socket.TCP_KEEPINTVL, socket.TCP_USER_TIMEOUT)
    idle_s, interval_s, lost_ms = (sock.getsockopt(socket.IPPROTO_TCP, name) for name in names)
    return bool(sock.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE)), idle_s, interval_s, lost_ms


@pytest.mark.parametrize(("lost_s", "ask_s", "asks"), [(50.0, 10.0, (True, 10, 10, 50_000)), (0.5, 0.25, (True, 1, 1, 500))])
def test_a_silent_peer_is_asked_and_given_up(lost_s: float, ask_s: float, asks: tuple[bool, int, int, int]) -> None:
    """In the whole seconds that the system counts, and never not at all."""
    with socket.socket() as sock:
        notice_loss(sock, lost_s, ask_s)
        assert _asks(sock) == asks


def test_whoever_is_told_all_the_time_is_given_up_in_the_time_that_was_said() -> None:
    """The second question is the last."""
    with socket.socket() as sock:
        never_wait_long(sock, 10.0, 64 * 1024)
        assert _asks(sock) == (True, 5, 5, 10_000)


def test_a_hub_that_mutes_us_and_vanishes_is_noticed_by_the_system() -> None:
    """No limit of ours runs for it; and bad Wi-Fi of half a minute is no loss."""

    async def story() -> None:
        async with house() as here:
            hub = await here.hub()
            await hub.say("pause-satellite")
            await here.listener.until("opened", "pause-satellite")
            (ours,) = here.server._connections
            is_asked, idle_s, interval_s, lost_ms = _asks(ours._transport.get_extra_info("socket"))
            assert is_asked and lost_ms == ServerRule().lost_s * 1000
            # the first question after the loss, or the one before it, and three more go unanswered
            assert lost_ms / 1000 - idle_s > 30 and idle_s == interval_s

    play(story())
