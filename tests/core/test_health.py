"""What many self-tests say together, and that no number of them makes a satellite deaf."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from satellite.core.health import (
    GOAL_PER_HOUR,
    MOST_NEAR_END_DB,
    MOST_SOUND_RISE_DB,
    MOST_VOICE_RISE_DB,
    Health,
    Margin,
)
from satellite.core.reflex import ReflexRule, Verdict
from satellite.core.self_test import SelfTested
from satellite.core.sensitivity import PROFILES, Sensitivity
from satellite.core.units import Decibels, Millis
from tests.core.levels import Voice, listen, when

REPLY_S = 6
QUIET = SelfTested(Millis(REPLY_S * 1000), Decibels(38.0), Decibels(7.0), Decibels(-30.0), 0, 0, 0, True)

TESTS = st.builds(
    SelfTested,
    watched_ms=st.integers(2000, 600_000).map(Millis),
    erle_db=st.none() | st.floats(-10.0, 60.0).map(Decibels),
    residual_db=st.none() | st.floats(0.0, 255.0).map(Decibels),
    leak_db=st.floats(-90.0, 90.0).map(Decibels),
    false_sounds=st.integers(0, 1000),
    false_voices=st.integers(0, 1000),
    false_stops=st.integers(0, 100),
    is_undisturbed=st.booleans(),
)
RULES = st.sampled_from(Sensitivity).map(lambda s: PROFILES[s].reflex) | st.builds(ReflexRule, near_end_db=st.floats(8.0, 40.0))


def _after(tests: list[SelfTested], health: Health | None = None) -> Health:
    health = health or Health()
    for test in tests:
        health = health.after(test)
    return health


# ---- the bounds


@given(st.lists(TESTS, max_size=60), RULES)
def test_a_threshold_stays_within_its_bounds(tests: list[SelfTested], rule: ReflexRule) -> None:
    """Whatever was tested: from the profile's number to where a user 15 dB below his echo is still heard."""
    health = _after(tests)
    tuned = health.tuned(rule)
    assert health.is_possible
    assert rule.near_end_db <= tuned.near_end_db <= rule.near_end_db + MOST_SOUND_RISE_DB
    assert tuned.near_end_db <= max(MOST_NEAR_END_DB, rule.near_end_db)
    assert rule.duck_margin_db <= tuned.duck_margin_db <= rule.duck_margin_db + MOST_VOICE_RISE_DB
    assert replace(tuned, near_end_db=rule.near_end_db, duck_margin_db=rule.duck_margin_db) == rule


@pytest.mark.parametrize("ser_db", [0.0, -10.0, -15.0])
@pytest.mark.parametrize("sensitivity", Sensitivity)
def test_at_its_worst_a_user_is_held_all_the_same(sensitivity: Sensitivity, ser_db: float) -> None:
    """Also one of whom the canceller leaves nothing."""
    worst = _after([replace(QUIET, false_sounds=9, false_voices=9)] * 60)
    assert (worst.sound.raised_db, worst.voice.raised_db) == (MOST_SOUND_RISE_DB, MOST_VOICE_RISE_DB)
    for probability in (0.9, 0.02):
        story = listen(3000, Voice(2000, 1000, ser_db, probability), rule=worst.tuned(PROFILES[sensitivity].reflex))
        (duck,), (held,) = when(story, Verdict.DUCK), when(story, Verdict.HOLD)
        assert 2000 < duck <= 2100 and held - duck <= 250


# ---- which way it goes


@given(st.lists(st.tuples(TESTS, st.integers(0, 20), st.integers(0, 20)), max_size=60))
def test_more_false_dips_never_make_it_more_sensitive(story: list[tuple[SelfTested, int, int]]) -> None:
    """Reply by reply, of either kind, for all that follows."""
    fewer, more = Health(), Health()
    for test, sounds, voices in story:
        fewer = fewer.after(test)
        more = more.after(
            replace(test, false_sounds=test.false_sounds + sounds, false_voices=test.false_voices + voices),
        )
        assert more.sound.raised_db >= fewer.sound.raised_db and more.voice.raised_db >= fewer.voice.raised_db


@given(st.lists(TESTS, max_size=30), TESTS)
def test_one_reply_moves_it_a_little(tests: list[SelfTested], test: SelfTested) -> None:
    """Up by two decibels at most, down with the minutes."""
    before = _after(tests)
    after, minutes = before.after(test), test.watched_ms / 60_000
    for old, new in ((before.sound, after.sound), (before.voice, after.voice)):
        assert -0.1 * minutes - 1e-9 <= new.raised_db - old.raised_db <= 2.0


@given(st.lists(TESTS, max_size=30), TESTS)
def test_a_reply_that_somebody_held_teaches_nothing_of_our_echo(tests: list[SelfTested], test: SelfTested) -> None:
    """It is counted, and what it was stopped for."""
    before = _after(tests)
    after = before.after(replace(test, is_undisturbed=False))
    assert (after.replies, after.false_stops) == (before.replies + 1, before.false_stops + test.false_stops)
    assert replace(after, replies=before.replies, minutes=before.minutes, false_stops=before.false_stops) == before


@given(st.lists(TESTS, max_size=60))
def test_in_quiet_it_comes_back_to_the_profile(tests: list[SelfTested]) -> None:
    """Whatever was before, given time: for the rate to be forgotten, and for the way back."""
    health = _after([replace(test, false_sounds=min(test.false_sounds, 20)) for test in tests])
    health = _after([replace(QUIET, watched_ms=Millis(60_000))] * 600, health)
    assert health.tuned(ReflexRule()) == ReflexRule()


def test_a_few_dips_now_and_then_change_nothing() -> None:
    """A dropped spoon on the first day; later, one dip in ten minutes of reply, which is below the goal."""
    assert _after([replace(QUIET, false_sounds=1)] * 3).sound.raised_db == 0.0
    often = [replace(QUIET, false_sounds=1), *[QUIET] * (10 * 60 // REPLY_S - 1)]
    assert _after(often * 30).sound.raised_db == 0.0


def test_a_threshold_that_is_raised_stays_while_the_rate_is_between_goal_and_half_of_it() -> None:
    """So that it does not swing about the goal."""
    margin = Margin(raised_db=5.0, dips=7.5 * 0.7, minutes=0.7 * 60.0)
    assert GOAL_PER_HOUR / 4 < margin.per_hour < GOAL_PER_HOUR / 2
    assert margin.after(0, 0.1, 12.0).raised_db == 5.0
    assert margin.after(3, 0.1, 12.0).raised_db == 7.0
    assert margin.after(0, 30.0, 12.0).raised_db == 2.0


@pytest.mark.parametrize("at_profile_per_hour", [30.0, 120.0, 600.0])
def test_it_converges_on_the_goal(at_profile_per_hour: float) -> None:
    """Where each 3 decibels halve the dips: after some hours of reply there are no more than the goal, and little is wasted."""
    health, owed, dips, raised = Health(), 0.0, 0, []
    hours = 60
    for n in range(hours * 3600 // REPLY_S):
        owed += at_profile_per_hour * REPLY_S / 3600 * 0.5 ** (health.sound.raised_db / 3.0)
        falls = int(owed)
        owed -= falls
        health = health.after(replace(QUIET, false_sounds=falls))
        if n * REPLY_S >= 20 * 3600:
            dips += falls
            raised.append(health.sound.raised_db)
    assert dips / (hours - 20) <= GOAL_PER_HOUR / 2 + 1.0 or min(raised) == MOST_SOUND_RISE_DB
    # of the few decibels that are needed, or that are allowed, hardly more are taken
    assert max(raised) - min(raised) <= 4.0
    assert health.tuned(ReflexRule()).near_end_db == 20.0 + health.sound.raised_db


# ---- what is shown


def test_levels_are_slow_averages() -> None:
    """The first is taken as it is; one that a reply could not tell changes nothing."""
    health = Health().after(QUIET)
    assert (health.erle_db, health.residual_db, health.leak_db) == (38.0, 7.0, -30.0)
    worse = health.after(replace(QUIET, erle_db=Decibels(28.0), residual_db=None))
    assert (worse.erle_db, worse.residual_db) == (pytest.approx(37.0), 7.0)


def test_it_can_be_read_in_a_log() -> None:
    """A line for each reply."""
    health = _after([QUIET] * 1999 + [replace(QUIET, false_sounds=4, false_voices=2, false_stops=1)])
    assert str(health) == "8 per hour over 3.3 h, 1 false stops"
    assert (health.replies, round(health.minutes)) == (2000, 200)


@pytest.mark.parametrize(
    "wrong",
    [
        Health(replies=-1),
        Health(minutes=-0.1),
        Health(false_stops=-1),
        Health(sound=Margin(raised_db=12.5)),
        Health(sound=Margin(raised_db=-1.0)),
        Health(voice=Margin(raised_db=4.5)),
        Health(voice=Margin(dips=-1.0)),
        Health(voice=Margin(minutes=-1.0)),
    ],
)
def test_what_no_self_test_finds_is_told(wrong: Health) -> None:
    """Somebody else has written it."""
    assert Health().is_possible and not wrong.is_possible
