"""A card that is away, busy, deaf, too loud, or another one."""

import numpy as np
import pytest

from satellite.audio.card import Samples
from satellite.chaos.card import Socket
from satellite.core.units import RATE_HZ
from satellite.errors import DeviceError
from satellite.simulate.clock import VirtualClock
from satellite.simulate.room import Room

_NOISE = (np.random.default_rng(1).standard_normal(RATE_HZ) * 0.1).astype(np.float32)


@pytest.fixture
def clock() -> VirtualClock:
    """Of the machine."""
    return VirtualClock(100.0)


@pytest.fixture
def socket(clock: VirtualClock) -> Socket:
    """With a card in a room that is never silent."""
    return Socket(Room(np.ones(1, np.float32), np.ones(1, np.float32), _NOISE, record_s=30), clock)


def _heard(socket: Socket) -> Samples:
    """A period of the card that is open."""
    assert socket.card.wait(1.0)
    period = socket.card.microphone.read()
    assert period is not None
    return period


def test_a_card_that_is_away_or_busy_cannot_be_opened(socket: Socket) -> None:
    """And says which."""
    socket.open()
    socket.unplug()
    with pytest.raises(DeviceError, match="gone"):
        socket.card.microphone.read()
    with pytest.raises(DeviceError, match="not plugged in"):
        socket.open()
    socket.plug()
    socket.is_busy = True
    with pytest.raises(DeviceError, match="busy"):
        socket.open()
    socket.is_busy = False
    assert _heard(socket).any() and socket.open() is socket.card


def test_another_card_in_its_place_has_its_own_rate_and_the_same_time(socket: Socket, clock: VirtualClock) -> None:
    """The room has gone on meanwhile."""
    first = socket.open()
    clock.sleep_until(101.0)
    socket.unplug()
    clock.sleep_until(103.0)
    socket.plug(48_000)
    card = socket.open()
    assert card is not first and card.microphone.rate_hz == card.speaker.rate_hz == 48_000
    assert socket.frame() == 3 * RATE_HZ
    assert len(_heard(socket)) == 480


def test_a_converter_that_gives_zeros_or_clips(socket: Socket) -> None:
    """Until it works again; also of a card that was plugged in meanwhile."""
    socket.open()
    socket.deafen()
    assert not _heard(socket).any()
    socket.plug(48_000)
    socket.open()
    assert not _heard(socket).any()
    socket.clip()
    assert np.abs(_heard(socket).astype(int)).max() >= 32767
    socket.hear_again()
    assert 0 < np.abs(_heard(socket).astype(int)).max() < 32767
