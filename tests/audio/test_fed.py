"""A card that a program feeds, and that gives it what is to be played."""

import numpy as np
import pytest

from satellite.audio.card import Samples
from satellite.audio.fed import MOST_WAITING_S, FedMicrophone, GivenSpeaker
from satellite.audio.pair import PairedCard
from satellite.core.units import RATE_HZ
from satellite.simulate.clock import VirtualClock


def _ramp(start: int, count: int) -> Samples:
    return np.arange(start, start + count, dtype=np.int16)


def test_pieces_of_any_length_become_periods() -> None:
    """In order, none twice, none missing; what makes no whole period waits."""
    microphone, fed = FedMicrophone(), 0
    for count in (1, 159, 300, 7, 500, 33):
        microphone.feed(_ramp(fed, count))
        fed += count
    periods = []
    while (period := microphone.read()) is not None:
        periods.append(period)
    assert [len(period) for period in periods] == [160] * 6
    assert np.array_equal(np.concatenate(periods), _ramp(0, 960))


def test_what_was_fed_may_be_changed_afterwards() -> None:
    """A program uses its buffer again."""
    microphone, buffer = FedMicrophone(), _ramp(0, 160)
    microphone.feed(buffer)
    buffer[:] = 0
    period = microphone.read()
    assert period is not None and np.array_equal(period, _ramp(0, 160))


def test_a_program_that_feeds_faster_than_time_is_told_so() -> None:
    """And nothing of what is too much is taken."""
    microphone = FedMicrophone()
    microphone.feed(np.zeros(MOST_WAITING_S * RATE_HZ, np.int16))
    with pytest.raises(BufferError, match=r"5\.0 s of audio wait"):
        microphone.feed(np.zeros(1, np.int16))


def test_waiting_ends_when_there_is_a_period() -> None:
    """At once, if there is one already; without one it ends by itself."""
    microphone = FedMicrophone()
    card = PairedCard(microphone, GivenSpeaker(lambda samples: None, VirtualClock().now_s))
    assert not card.wait(0.0)
    microphone.feed(_ramp(0, 160))
    assert card.wait(0.0)


class _Listener:
    """Of a speaker on a clock of its own."""

    def __init__(self) -> None:
        self.clock = VirtualClock()
        self.given: list[Samples] = []
        self.speaker = GivenSpeaker(self.given.append, self.clock.now_s)

    def after(self, ms: float) -> Samples:
        """What has been given when so much time has passed."""
        self.clock.sleep_until(self.clock.now_s() + ms / 1000)
        self.speaker.queued()
        return np.concatenate([np.zeros(0, np.int16), *self.given])


def test_what_is_written_is_given_when_it_would_sound() -> None:
    """Neither sooner nor later, and all of it."""
    listener = _Listener()
    assert listener.speaker.write(_ramp(0, 480)) == 480
    assert len(listener.after(0)) == 0
    assert np.array_equal(listener.after(10), _ramp(0, 160))
    assert listener.speaker.queued() == 320
    assert np.array_equal(listener.after(20), _ramp(0, 480))


def test_it_takes_no_more_than_its_queue() -> None:
    """As a card does."""
    listener = _Listener()
    assert listener.speaker.write(_ramp(0, 1000)) == listener.speaker.capacity_frames == 480
    assert listener.speaker.write(_ramp(0, 10)) == 0


def test_what_is_dropped_is_given_to_nobody() -> None:
    """It never sounded; what is written next begins now."""
    listener = _Listener()
    listener.speaker.write(_ramp(0, 480))
    listener.after(10)
    listener.speaker.drop()
    assert listener.speaker.queued() == 0
    listener.after(50)
    listener.speaker.write(_ramp(5000, 160))
    assert np.array_equal(listener.after(10), np.concatenate((_ramp(0, 160), _ramp(5000, 160))))
    assert listener.speaker.underruns == 0


def test_a_queue_that_runs_empty_is_counted() -> None:
    """As an underrun, once."""
    listener = _Listener()
    listener.speaker.write(_ramp(0, 160))
    listener.after(30)
    listener.after(30)
    assert listener.speaker.underruns == 1
