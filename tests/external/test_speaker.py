"""What is written is handed over when it sounds; what is not taken in time never is."""

import numpy as np
import pytest

from satellite.audio.card import Samples
from satellite.errors import DeviceError
from satellite.external.speaker import LATE_MS, STUCK_S, ExternalSpeaker
from satellite.simulate.clock import VirtualClock
from tests.external.virtual import Listener, pass_time

_PERIOD_BYTES = 320


def _ramp(start: int, count: int) -> Samples:
    return np.arange(start, start + count, dtype=np.int16)


class _Stage:
    def __init__(self, rate_hz: int = 16_000, room_bytes: int = 10**9) -> None:
        self.clock = VirtualClock(5.0)
        self.listener = Listener(rate_hz, room_bytes)
        self.speaker = ExternalSpeaker(self.listener, 30, self.clock.now_s)
        self.written = 0

    def play(self, periods: int) -> None:
        """As the engine does: the queue stays full while time passes."""
        count = self.speaker.rate_hz // 100
        for _ in range(periods):
            while self.speaker.queued() + count <= self.speaker.capacity_frames:
                self.written += self.speaker.write(_ramp(self.written % 30_000, count))
            pass_time(self.clock, 0.01)


def test_all_of_it_in_order_and_at_its_time() -> None:
    """A second of playing is a second of samples."""
    stage = _Stage()
    stage.play(100)
    stage.speaker.queued()
    heard = stage.listener.heard
    assert np.array_equal(heard, _ramp(0, len(heard))) and len(heard) == pytest.approx(16_000, abs=2)
    assert stage.speaker.underruns == 0


def test_a_drop_takes_back_what_has_not_been_taken() -> None:
    """What the listener has is begun and finished, to the whole piece; nothing behind it."""
    stage = _Stage(room_bytes=5 * _PERIOD_BYTES + 101)
    stage.play(10)
    stage.speaker.drop()
    assert stage.speaker.queued() == 0
    stage.listener.room_bytes = 10**9
    stage.speaker.write(np.full(160, -7, np.int16))
    pass_time(stage.clock, 0.02)
    stage.speaker.queued()
    heard = stage.listener.heard
    end = int(np.argmax(heard == -7))
    assert end == pytest.approx(6 * 160, abs=2) and np.array_equal(heard[:end], _ramp(0, end))
    assert (heard[end:] == -7).all()


def test_what_is_late_is_lost_and_counted_once() -> None:
    """The newest fifth of a second waits; what was begun is finished, so that no sample is torn."""
    stage = _Stage(room_bytes=3 * _PERIOD_BYTES + 1)
    stage.play(60)
    assert stage.speaker.underruns == 1
    stage.listener.room_bytes = 10**9
    stage.play(10)
    stage.speaker.queued()
    heard = stage.listener.heard
    (gap,) = np.flatnonzero(np.diff(heard) != 1) + 1
    assert gap == pytest.approx(4 * 160, abs=2)
    assert heard[gap] == pytest.approx(60 * 160 - LATE_MS * 16, abs=161)
    stage.listener.room_bytes = 0
    stage.play(60)
    assert stage.speaker.underruns == 2


def test_a_listener_that_takes_an_eighth_of_a_second_at_once_loses_nothing() -> None:
    """As aplay does, with a pipe that holds less."""
    stage = _Stage(room_bytes=4096)
    for _ in range(20):
        stage.play(12)
        stage.listener.room_bytes = 4096
        stage.speaker.queued()
    assert stage.speaker.underruns == 0
    assert np.array_equal(stage.listener.heard[:30_000], _ramp(0, 30_000))


def test_a_listener_that_takes_nothing_for_long_is_dead() -> None:
    """It is started again then; and not while there was nothing to take."""
    stage = _Stage(room_bytes=0)
    pass_time(stage.clock, STUCK_S + 1)
    stage.play(int(STUCK_S * 100) - 10)
    with pytest.raises(DeviceError, match="the listener takes no sound"):
        stage.play(30)


def test_one_that_is_gone_is_told() -> None:
    """With the next sound."""
    stage = _Stage()
    stage.play(2)
    stage.listener.is_gone = True
    with pytest.raises(DeviceError, match="is gone"):
        stage.play(2)


def test_a_rate_that_no_card_has_is_made_of_one() -> None:
    """A second at 22100 Hz is one at 22050."""
    stage = _Stage(22_050)
    assert stage.speaker.rate_hz == 22_100
    stage.play(200)
    assert 0.95 * 44_100 < len(stage.listener.heard) <= 44_100
