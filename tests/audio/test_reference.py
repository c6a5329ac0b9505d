"""The reference: samples, levels and gains of one moment are found together, at every rate and whoever tells them."""

import numpy as np
import pytest

from satellite.audio.card import Samples
from satellite.audio.reference import Reference
from satellite.audio.resample import DELAY_FRAMES
from satellite.core.units import PERIOD_FRAMES, RATE_HZ, SILENCE_DB

RATES_HZ = (16_000, 44_100, 48_000)

LOUD, SOFT = 8000, 800

# what is written now is taken two periods later
LAG = 2


def tone(period: int, rate_hz: int, amplitude: int = LOUD) -> Samples:
    """A period of 400 Hz, four whole waves."""
    count = rate_hz // 100
    return np.rint(amplitude * np.sin(2 * np.pi * 400 * (period * count + np.arange(count)) / rate_hz)).astype(np.int16)


def db(amplitude: int) -> float:
    return float(20 * np.log10(amplitude / 32768) - 3.01)


@pytest.mark.parametrize("rate_hz", RATES_HZ)
def test_samples_levels_and_gains_stay_together(rate_hz: int) -> None:
    """A duck that is written in the n-th period is taken two periods later: its samples, its level and its gain at once."""
    reference = Reference(rate_hz)
    for period in range(30):
        taken = reference.take()
        ducked = 10 <= period - LAG < 20
        if period > LAG and period - LAG not in (10, 20):  # of these the first millisecond is the period before
            assert reference.level_db(0) == pytest.approx(db(SOFT if ducked else LOUD), abs=0.2)
            assert np.abs(taken).max() == pytest.approx(SOFT if ducked else LOUD, rel=0.02)
        assert reference.is_ducked(0) is ducked
        soft = 10 <= period < 20
        reference.wrote(tone(period, rate_hz, SOFT if soft else LOUD), 0.1 if soft else 1.0)
    assert reference.settled_frames == 0


@pytest.mark.parametrize("rate_hz", RATES_HZ)
def test_the_delay_is_a_constant_that_is_known(rate_hz: int) -> None:
    """An impulse comes out two periods and the resampler's delay behind where it was written, at every rate."""
    reference = Reference(rate_hz)
    out = []
    for period in range(12):
        out.append(reference.take())
        written = np.zeros(rate_hz // 100, np.int16)
        if period == 5:
            written[0] = 30_000
        reference.wrote(written, 1.0)
    at = (5 + LAG) * PERIOD_FRAMES + (DELAY_FRAMES if rate_hz != RATE_HZ else 0)
    assert int(np.argmax(np.abs(np.concatenate(out)))) == at


def test_a_speaker_that_runs_ahead_takes_its_gains_along() -> None:
    """What is dropped because the speaker's clock is faster is dropped with its gain."""
    reference = Reference(RATE_HZ)
    for period in range(20):
        reference.wrote(tone(period, RATE_HZ, SOFT if period == 19 else LOUD), 0.1 if period == 19 else 1.0)
    for _ in range(3):
        reference.take()
        assert not reference.is_ducked(0)
    assert np.abs(reference.take()).max() <= SOFT
    assert reference.is_ducked(0)


def test_silence_brings_the_queue_back_to_its_cushion() -> None:
    """However far the clocks have drifted, after a silence what is written is taken as late as ever."""
    reference = Reference(RATE_HZ)
    for period in range(3):
        reference.wrote(tone(period, RATE_HZ), 1.0)
    for _ in range(16):
        reference.take()
        reference.wrote(np.zeros(PERIOD_FRAMES, np.int16), 1.0)
    taken = []
    for value in (7, 0, 0, 0):
        taken.append(int(reference.take()[0]))
        reference.wrote(np.full(PERIOD_FRAMES, value, np.int16), 1.0)
    assert taken == [0, 0, 7, 0]


def _lag(reference: Reference) -> int:
    """How many periods after it was written a sound is taken; as in the engine, each period is taken and then one written."""
    for n in range(12):
        if reference.take()[0] == 9:
            return n
        reference.wrote(np.full(PERIOD_FRAMES, 9 if n == 0 else 1, np.int16), 1.0)
    raise AssertionError("what was written is never taken")


def test_a_write_that_comes_a_period_late_moves_nothing() -> None:
    """None in one period and two in the next: that is no drift."""
    reference = Reference(RATE_HZ)
    reference.take()
    for n in range(40):
        reference.take()
        for _ in range((1, 1, 2, 0)[n % 4]):
            reference.wrote(np.zeros(PERIOD_FRAMES, np.int16), 1.0)
    assert reference.settled_frames == 0


@pytest.mark.parametrize("more_written", [2, -1])
def test_it_tells_what_it_took_out_or_put_in_when_it_settled(more_written: int) -> None:
    """By as much the lead over the echo has jumped; afterwards what is written is taken as late as before."""
    reference, undisturbed = Reference(RATE_HZ), Reference(RATE_HZ)
    for _ in range(more_written):
        reference.wrote(np.zeros(PERIOD_FRAMES, np.int16), 1.0)
    for _ in range(-more_written):
        reference.take()
    for _ in range(16):
        reference.take()
        reference.wrote(np.zeros(PERIOD_FRAMES, np.int16), 1.0)
    assert reference.settled_frames == more_written * PERIOD_FRAMES
    assert _lag(reference) == _lag(undisturbed)


def test_what_is_struck_is_neither_given_nor_expected() -> None:
    """Samples that were dropped unplayed are silence in what is still to be taken, and count no more in the levels."""
    reference = Reference(RATE_HZ)
    for period in range(6):
        reference.take()
        reference.wrote(tone(period, RATE_HZ), 1.0)
    reference.strike(2 * PERIOD_FRAMES + PERIOD_FRAMES // 2)
    assert reference.level_db(0) == pytest.approx(db(LOUD) - 3.01, abs=0.1)
    assert not reference.take().any()
    assert not reference.take().any()
    assert reference.level_db(0) == SILENCE_DB


def test_a_device_that_tells_what_it_plays_is_believed() -> None:
    """Its own channel is the reference and gives the level, at once; whether it was ducked is known from what was written."""
    reference = Reference(RATE_HZ)
    told = np.full(PERIOD_FRAMES, 3000, np.int16)
    for period in range(6):
        assert np.array_equal(reference.take(told), told)
        reference.wrote(tone(period, RATE_HZ, SOFT), 0.1)
    assert np.array_equal(reference.written, tone(3, RATE_HZ, SOFT))
    far_behind = 3 * PERIOD_FRAMES
    assert reference.level_db(far_behind) == pytest.approx(20 * np.log10(3000 / 32768), abs=0.1)
    assert reference.is_ducked(far_behind) is True
    assert reference.is_ducked(far_behind + PERIOD_FRAMES) is False


def test_what_a_device_told_is_not_struck() -> None:
    """It tells what it played, so what was dropped was never in it."""
    reference = Reference(RATE_HZ)
    told = np.full(PERIOD_FRAMES, 3000, np.int16)
    for period in range(6):
        reference.take(told)
        reference.wrote(tone(period, RATE_HZ), 1.0)
    reference.strike(5 * PERIOD_FRAMES)
    assert reference.level_db(0) == pytest.approx(20 * np.log10(3000 / 32768), abs=0.1)
    reference.take(told)
    assert not reference.written.any()
