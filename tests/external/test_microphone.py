"""Periods of whatever comes, at the times at which they were spoken."""

from collections.abc import Callable

import numpy as np
import pytest

from satellite.errors import DeviceError
from satellite.external.microphone import ExternalMicrophone
from satellite.simulate.clock import VirtualClock
from tests.external.virtual import microphone, paired, pass_time
from tests.simulate.card_contract import CONTRACT, Factory, Subject, a_wait_ends_with_a_period_of_ten_ms

_START_S = 1000.0


@pytest.mark.parametrize("rate_hz", [16_000, 48_000])
@pytest.mark.parametrize("check", CONTRACT, ids=lambda check: check.__name__)
def test_contract(check: Callable[[Factory], None], rate_hz: int) -> None:
    """A talker and a listener make a card."""

    def make() -> Subject:
        clock = VirtualClock(_START_S)
        return Subject(paired(clock, rate_hz), lambda seconds: pass_time(clock, seconds))

    check(make)


def _read(clock: VirtualClock, heard: ExternalMicrophone, count: int) -> tuple[list[float], list[int]]:
    """When each of so many periods was given, and its first sample."""
    times, firsts = [], []
    while len(times) < count:
        assert heard.wait(1.0)
        while (period := heard.read()) is not None:
            times.append(clock.now_s() - _START_S)
            firsts.append(int(period[0]))
    return times[:count], firsts[:count]


def test_pieces_of_an_eighth_of_a_second_are_given_period_by_period() -> None:
    """As arecord sends them; the canceller's reference would not follow a dozen periods at once."""
    clock = VirtualClock(_START_S)
    heard, _ = microphone(clock, piece_s=0.125)
    times, firsts = _read(clock, heard, 100)
    assert firsts == [160 * n for n in range(100)]
    # in the middle of the fourth piece there is one that has to wait for the next; no more after that
    assert np.diff(times[20:]).max() == pytest.approx(0.01, abs=0.002)
    assert heard.overruns == 0


def test_what_comes_late_makes_all_as_late_and_none_uneven() -> None:
    """After the latest piece there is time enough for all others."""
    clock = VirtualClock(_START_S)
    heard, _ = microphone(clock, late_s=(0.0, 0.004, 0.03, 0.001, 0.0))
    times, _ = _read(clock, heard, 300)
    assert np.diff(times[50:]).max() < 0.0115


def test_a_talker_whose_clock_is_ahead_does_not_lag() -> None:
    """A thousandth too fast for two minutes, without a loss, and less than three periods wait."""
    clock = VirtualClock(_START_S)
    heard, _ = microphone(clock, pace=1.001)
    _, firsts = _read(clock, heard, 12_000)
    lag_s = (clock.now_s() - _START_S) * 1.001 - len(firsts) * 0.01
    assert lag_s < 0.04
    assert heard.overruns == 0


def test_a_flood_neither_drowns_nor_lags() -> None:
    """Ten times as much as there is time for: a period each 10 ms, the newest there are, and it is counted."""
    clock = VirtualClock(_START_S)
    heard, _ = microphone(clock, pace=10.0)
    times, _ = _read(clock, heard, 100)
    assert times[-1] >= 0.95
    assert heard.overruns > 5


def test_a_microphone_left_alone_goes_on_with_what_is_new() -> None:
    """What is older than a fifth of a second is gone, and counted once."""
    clock = VirtualClock(_START_S)
    heard, _ = microphone(clock)
    _read(clock, heard, 10)
    pass_time(clock, 1.0)
    _, firsts = _read(clock, heard, 1)
    assert heard.overruns == 1
    assert firsts[0] == 17_600 - 3200


def test_one_that_gives_nothing_is_dead() -> None:
    """Not before two seconds have passed."""
    clock = VirtualClock(_START_S)
    heard, talker = microphone(clock)
    _read(clock, heard, 10)
    talker.is_silent = True
    assert not heard.wait(1.9)
    with pytest.raises(DeviceError, match="the talker gives nothing"):
        heard.wait(1.0)


@pytest.mark.parametrize(("rate_hz", "given_hz"), [(8000, 16_000), (22_050, 22_100)])
def test_a_rate_that_no_card_has_becomes_one(rate_hz: int, given_hz: int) -> None:
    """And its periods are 10 ms long."""
    clock = VirtualClock(_START_S)
    heard, _ = microphone(clock, rate_hz=rate_hz)
    assert heard.rate_hz == given_hz
    times, _ = _read(clock, heard, 200)
    assert times[-1] == pytest.approx(2.0, abs=0.15)


def test_the_loopback_belongs_to_its_period() -> None:
    """The second row."""
    clock = VirtualClock(_START_S)
    heard, _ = microphone(clock, rows=2)
    assert heard.wait(1.0)
    period = heard.read()
    assert period is not None and heard.loopback is not None and np.array_equal(period, heard.loopback)
    assert heard.every_channel is None


def test_contract_of_a_bursty_one() -> None:
    """It is waited for, too."""
    clock = VirtualClock(_START_S)
    card = paired(clock, 16_000)
    card._waited_for = card.microphone = microphone(clock, piece_s=0.125)[0]  # type: ignore[assignment]
    while not card.wait(1.0):
        pass
    a_wait_ends_with_a_period_of_ten_ms(lambda: Subject(card, lambda seconds: pass_time(clock, seconds)))
