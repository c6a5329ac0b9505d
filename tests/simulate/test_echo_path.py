"""An echo path that changes, against plain convolution."""

import threading

import numpy as np
import pytest

from satellite.simulate.echo_path import FADE_FRAMES
from satellite.simulate.loudspeaker import SoftClip
from satellite.simulate.room import Room
from satellite.simulate.signals import Signal, signal
from tests.simulate.recordings import SILENCE, corpus_room, impulse, recording

FRAMES = 32_000


def reply() -> Signal:
    return signal(recording("heart_medium_67966")[:FRAMES] // 4)


def first_ir() -> Signal:
    return signal(recording("sim7_spk8cm"))


def other_ir() -> Signal:
    """Another room, and a longer one."""
    ir = np.zeros(7000, np.float32)
    ir[100:] = np.random.default_rng(4).standard_normal(6900) * np.exp(-np.arange(6900) / 1200) * 0.1
    return ir


def share(at_frame: int) -> Signal:
    """Of the new path in what is heard."""
    return np.clip((np.arange(FRAMES) - at_frame) / FADE_FRAMES, 0, 1).astype(np.float32)


def through(ir: Signal) -> Signal:
    return np.convolve(reply(), ir)[:FRAMES].astype(np.float32)


def heard(room: Room) -> Signal:
    return room.heard.between(0, FRAMES).astype(np.float32)


@pytest.mark.parametrize("at_frame", [0, 1, 8000, 12_345])
def test_another_response_is_heard_as_if_it_had_always_been_there(at_frame: int) -> None:
    """Before, the old one to the rounding; after 10 ms, the new one with the whole tail of what was before."""
    room = corpus_room()
    room.change_path(at_frame, ir=other_ir())
    room.advance(reply())
    expected = through(first_ir()) + share(at_frame) * (through(other_ir()) - through(first_ir()))
    assert np.abs(heard(room) - 32768 * expected).max() < 0.6


@pytest.mark.parametrize("gain_db", [-10.0, 6.0])
def test_a_gain_changes_the_level_and_nothing_else(gain_db: float) -> None:
    """A knob is turned: by exactly so much, within 10 ms, without a click."""
    room = Room(impulse(), impulse(), SILENCE)
    room.change_path(1000, gain_db)
    room.advance(np.full(FRAMES, 0.1, np.float32))
    gain = 10 ** (gain_db / 20)
    out = heard(room) / 32768
    assert out[:1001] == pytest.approx(0.1, abs=2e-5)
    assert out[1000 + FADE_FRAMES :] == pytest.approx(0.1 * gain, abs=2e-5)
    assert np.abs(np.diff(out)).max() == pytest.approx(0.1 * abs(gain - 1) / FADE_FRAMES, abs=4e-5)


def test_changes_follow_each_other() -> None:
    """In the order of their frames however they were asked for; gains add up, and fades may overlap."""
    room = corpus_room()
    room.change_path(20_000, -20.0)
    room.change_path(9000, 10.0)
    room.change_path(9100, 0.0, other_ir())
    room.change_path(15_000, 10.0)
    room.advance(reply())
    old, new = through(first_ir()), through(other_ir())
    expected = old
    for at_frame, path in ((9000, old * 10**0.5), (9100, new), (15_000, new * 10**0.5), (20_000, new * 10**-0.5)):
        expected = expected + share(at_frame) * (path - expected)
    assert np.abs(heard(room) - 32768 * expected).max() < 0.6


def test_a_change_asked_for_late_begins_at_once() -> None:
    """From the first frame that is not computed yet, with its whole fade."""
    room = corpus_room()
    room.advance(reply()[:5000])
    room.change_path(3000, ir=other_ir())
    room.advance(reply()[5000:])
    expected = through(first_ir()) + share(5000) * (through(other_ir()) - through(first_ir()))
    assert np.abs(heard(room) - 32768 * expected).max() < 0.6


def test_the_tail_is_that_of_a_distorted_cone_too() -> None:
    """What the new response makes of before is what the cone did, not what the loudspeaker was given."""
    room = corpus_room(loudspeaker=SoftClip(0.1))
    room.change_path(8000, ir=other_ir())
    room.advance(4 * reply())
    clipped = SoftClip(0.1).emit(4 * reply())
    old, new = (np.convolve(clipped, ir)[:FRAMES] for ir in (first_ir(), other_ir()))
    assert np.abs(heard(room) - 32768 * (old + share(8000) * (new - old))).max() < 2


def test_what_is_heard_does_not_depend_on_the_blocks() -> None:
    """A change within a block is where it is, whatever the block."""
    rooms = [corpus_room() for _ in range(2)]
    for room, length in zip(rooms, (160, 37), strict=True):
        room.change_path(12_345, 6.0, other_ir())
        for at in range(0, FRAMES, length):
            room.advance(reply()[at : at + length])
    assert np.abs(heard(rooms[0]) - heard(rooms[1])).max() <= 1


def test_changes_from_other_threads_are_not_lost() -> None:
    """Each of a hundred half steps comes, while the room goes on."""
    room = Room(impulse(), impulse(), SILENCE)

    def turn(step_db: float) -> None:
        for _ in range(50):
            room.change_path(0, step_db)

    turning = [threading.Thread(target=turn, args=(step_db,)) for step_db in (0.25, -0.5)]
    for thread in turning:
        thread.start()
    while any(thread.is_alive() for thread in turning):
        room.advance(np.zeros(160, np.float32))
    room.advance(np.zeros(2 * FADE_FRAMES, np.float32))
    room.advance(np.full(160, 0.5, np.float32))
    assert room.heard.between(room.end_frame - 160, room.end_frame) == pytest.approx(16_384 * 10 ** (-12.5 / 20), abs=1)
