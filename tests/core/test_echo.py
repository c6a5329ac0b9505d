"""How loud our echo should be: the arithmetic of levels."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from satellite.core.echo import Average, Coupling, Floor, Leftovers, RoomRule, Smear, decibels, margin_db, power
from satellite.core.units import PERIOD_MS, SILENCE_DB

ROOM = RoomRule()


@given(st.floats(-110.0, 20.0))
def test_a_level_survives_the_way_to_power_and_back(level_db: float) -> None:
    """Sums are made of powers, decisions of levels."""
    assert decibels(power(level_db)) == pytest.approx(level_db)


def test_no_power_is_silence_and_not_an_error() -> None:
    """The logarithm of nothing."""
    assert decibels(0.0) == SILENCE_DB


def test_a_sound_is_predicted_at_its_own_level_and_then_dies_away() -> None:
    """60 dB in the room's reverberation time, from the tail's first period on."""
    smear = Smear().add(-20.0, ROOM)
    assert smear.level_db == pytest.approx(-20.0)
    levels = []
    for _ in range(1 + int(ROOM.rt60_ms) // PERIOD_MS):
        smear = smear.add(SILENCE_DB, ROOM)
        levels.append(smear.level_db)
    assert levels == sorted(levels, reverse=True)
    assert levels[0] == pytest.approx(-20.0 + ROOM.tail_db - 60.0 * PERIOD_MS / ROOM.rt60_ms, abs=0.1)
    assert levels[-1] == pytest.approx(levels[0] - 60.0, abs=0.1)


def test_a_duck_shows_in_the_prediction_as_soon_as_the_tail_allows() -> None:
    """The probe compares the microphone with this: 20 dB less of the reply must be nearly 20 dB less echo in 100 ms."""
    smear = Smear()
    for _ in range(100):
        smear = smear.add(-20.0, ROOM)
    before = smear.level_db
    for _ in range(10):
        smear = smear.add(-40.0, ROOM)
    assert before - smear.level_db >= 14.0


def test_an_average_is_of_three_periods() -> None:
    """One loud period is a pitch pulse; three are a sound."""
    average = Average().add(-20.0)
    assert average.level_db == pytest.approx(-24.77, abs=0.01)
    for _ in range(2):
        average = average.add(-20.0)
    assert average.level_db == pytest.approx(-20.0)


def test_a_floor_falls_at_once_and_rises_slowly() -> None:
    """Speech does not lift it; a fan that starts does, in time."""
    floor = Floor(-40.0).add(-70.0)
    assert floor.level_db == -70.0
    for _ in range(100):
        floor = floor.add(-20.0)
    assert floor.level_db == pytest.approx(-67.0)


@given(st.lists(st.floats(-200.0, 0.0), max_size=50))
def test_a_floor_is_never_above_what_was_just_heard(levels: list[float]) -> None:
    """Except that nothing is below silence."""
    floor = Floor()
    for level in levels:
        floor = floor.add(level)
        assert SILENCE_DB <= floor.level_db <= max(level, SILENCE_DB)


def test_a_coupling_takes_the_first_it_sees_and_then_learns() -> None:
    """From the first period of the first reply there is an expectation."""
    assert Coupling().add(-30.0, near_end=False).level_db == -30.0


def test_a_coupling_stands_near_the_95th_percentile() -> None:
    """It rises nineteen times as fast as it falls, so that one period in twenty is above it."""
    coupling = Coupling().add(-30.0, near_end=False)
    above = 0
    for n in range(20_000):
        excess = -30.0 + (n * 7919 % 1000) / 100.0
        above += excess > coupling.level_db
        coupling = coupling.add(excess, near_end=False)
    assert above / 20_000 == pytest.approx(0.05, abs=0.01)


def test_a_coupling_is_slow_to_believe_what_may_be_the_user() -> None:
    """Otherwise a long sentence would teach it that users are echo."""
    start = Coupling(-30.0, 100)
    doubtful, sure = start.add(-10.0, near_end=True), start.add(-10.0, near_end=False)
    assert start.level_db < doubtful.level_db < sure.level_db
    assert doubtful.level_db - start.level_db < (sure.level_db - start.level_db) / 5


def test_a_coupling_can_be_raised_and_not_lowered_at_once() -> None:
    """By what a failed probe has proved to be echo."""
    assert Coupling(-30.0, 5).at_least(-20.0).level_db == -20.0
    assert Coupling(-30.0, 5).at_least(-40.0).level_db == -30.0


def test_a_margin_is_above_echo_and_noise_together() -> None:
    """The louder of the two decides; where they are equal, both count."""
    assert margin_db(-20.0, -60.0, Floor(-30.0)) == pytest.approx(8.5, abs=0.1)
    assert margin_db(-20.0, -30.0, Floor(-80.0)) == pytest.approx(10.0, abs=0.1)
    assert margin_db(-20.0, -30.0, Floor(-31.5)) == pytest.approx(7.0, abs=0.1)


def _replied(periods: int, left_db: float) -> Leftovers:
    """After some noise, a reply of which the canceller leaves so much."""
    leftovers = Leftovers()
    for _ in range(50):
        leftovers = leftovers.add(SILENCE_DB, -70.0, somebody=False, rule=ROOM)
    for _ in range(periods):
        leftovers = leftovers.add(-20.0, left_db, somebody=False, rule=ROOM)
    return leftovers


def test_what_the_canceller_always_leaves_is_no_margin() -> None:
    """It is learnt while the reply plays, and the noise while it does not."""
    leftovers = _replied(200, -55.0)
    assert leftovers.is_audible and abs(leftovers.margin_db()) < 1.5
    assert leftovers.add(-20.0, -35.0, somebody=True, rule=ROOM).margin_db() > 10.0
    assert not Leftovers().is_audible


def test_a_probe_teaches_at_most_6_db() -> None:
    """What was soft and failed must not make the next one inaudible."""
    loud = _replied(200, -55.0)
    for _ in range(3):
        loud = loud.add(-20.0, -35.0, somebody=True, rule=ROOM)
    assert loud.taught().leak.level_db == pytest.approx(loud.leak.level_db + 6.0)
    assert _replied(200, -55.0).taught().leak.level_db == pytest.approx(_replied(200, -55.0).leak.level_db, abs=0.5)
