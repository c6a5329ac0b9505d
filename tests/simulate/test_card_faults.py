"""What a simulated card does when it is served too late, stalls, is unplugged or has an xrun; to the sample."""

from collections.abc import Callable

import numpy as np
import pytest

from satellite.audio.card import Card
from satellite.errors import DeviceError
from tests.simulate.card_contract import tone
from tests.simulate.virtual import START_S, let_pass, loud, opened, read_all


def test_overrun_loses_the_oldest() -> None:
    """What is more than 200 ms behind is lost in whole periods, counted once; the rest comes unbroken."""
    room, clock, card = opened()
    room.say(loud(16_000))
    let_pass(clock, 506)
    periods = read_all(card)
    assert (len(periods), card.microphone.overruns) == (20, 1)
    assert np.array_equal(np.concatenate(periods), room.heard.between(4800, 8000))


def test_as_late_as_the_buffer_allows_is_no_overrun() -> None:
    """200 ms unread are all there."""
    _, clock, card = opened()
    let_pass(clock, 206)
    assert (len(read_all(card)), card.microphone.overruns) == (20, 0)


def test_short_stall_delays_and_loses_nothing() -> None:
    """While the microphone stalls nothing is readable and the speaker plays on; then all of it comes."""
    room, clock, card = opened()
    room.say(loud(16_000))
    card.stall(150)
    card.speaker.write(loud(160))
    assert not card.wait(0.149)
    assert card.microphone.read() is None
    assert card.speaker.queued() == 0
    assert card.wait(1.0)
    assert clock.now_s() == pytest.approx(START_S + 0.15, abs=1e-9)
    periods = read_all(card)
    assert (len(periods), card.microphone.overruns) == (14, 0)
    assert np.array_equal(np.concatenate(periods), room.heard.between(0, 14 * 160))


def test_long_stall_is_an_overrun() -> None:
    """A stall longer than the buffer loses the oldest and is counted."""
    _, clock, card = opened()
    card.stall(300)
    let_pass(clock, 306)
    assert (len(read_all(card)), card.microphone.overruns) == (20, 1)


CALLS: dict[str, Callable[[Card], object]] = {
    "wait": lambda card: card.wait(0.1),
    "read": lambda card: card.microphone.read(),
    "queued": lambda card: card.speaker.queued(),
    "write": lambda card: card.speaker.write(tone(160)),
}


@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS.keys())
def test_unplugged_card_fails(call: Callable[[Card], object]) -> None:
    """Every call that can notice says that the device is gone; `drop` and `close` do not mind."""
    _, clock, card = opened()
    let_pass(clock, 30)
    card.unplug()
    with pytest.raises(DeviceError):
        call(card)
    card.speaker.drop()
    card.close()
    with pytest.raises(DeviceError):
        call(card)


def test_plugged_again_it_works_from_now_on() -> None:
    """What was queued when the plug was pulled never sounds, nothing of the time without is heard, all after is."""
    room, clock, card = opened()
    room.say(loud(16_000))
    card.speaker.write(loud(480))
    let_pass(clock, 20)
    card.unplug()
    let_pass(clock, 30)
    card.plug()
    assert card.speaker.queued() == 0
    let_pass(clock, 26)
    periods = read_all(card)
    assert np.array_equal(np.concatenate(periods), room.heard.between(800, 1120))
    assert np.flatnonzero(room.cone.between(0, room.end_frame)).tolist() == list(range(16, 336))


def test_closed_card_reopens_unless_unplugged() -> None:
    """A card comes back in the same room at the right time, once there is one."""
    room, clock, card = opened()
    room.say(loud(32_000))
    card.close()
    card.unplug()
    with pytest.raises(DeviceError):
        card.reopen()
    card.plug()
    with pytest.raises(DeviceError):
        card.microphone.read()
    let_pass(clock, 1000)
    card.reopen()
    let_pass(clock, 16)
    assert np.array_equal(np.concatenate(read_all(card)), room.heard.between(16_000, 16_160))


def test_injected_xruns_lose_what_waits_and_are_counted() -> None:
    """An xrun stops the speaker and empties the buffer of the microphone; both go on."""
    room, clock, card = opened()
    room.say(loud(16_000))
    card.inject_xrun("speaker")
    assert card.speaker.underruns == 0
    card.speaker.write(loud(480))
    let_pass(clock, 10)
    card.inject_xrun("speaker")
    card.inject_xrun("mic")
    assert (card.speaker.queued(), card.speaker.underruns, card.microphone.overruns) == (0, 1, 1)
    let_pass(clock, 16)
    assert np.array_equal(np.concatenate(read_all(card)), room.heard.between(160, 320))
    assert np.count_nonzero(room.cone.between(0, room.end_frame)) == 160
