"""The duck as a probe: trackers, margins, the guard window, hits, what a failure teaches; both forms against echo and user."""

from collections.abc import Iterable
from dataclasses import replace
from math import log10

import pytest
from hypothesis import given
from hypothesis import strategies as st

from satellite.bench.probe import (
    PLAIN,
    SELF_CALIBRATING,
    Mode,
    Probe,
    ProbeRule,
    Verdict,
    Window,
    expected_db,
    step,
)

# no reverberation to speak of: what is played is what is expected, before the leak
DRY = replace(PLAIN, rt60_ms=32.0)
DRY_SELF_CALIBRATING = replace(SELF_CALIBRATING, rt60_ms=32.0)

# a reply at -20 dB has been playing for a while, and its echo at -50 is known; the room's noise is at -90
KNOWN = Probe(leak_db=-30.0, leak_windows=1000, noise_db=-90.0)
REFERENCE_DB, ECHO_DB = -20.0, -50.0


# what the rule's duck takes from the reference
DUCK_DB = -20.0


def window(probability: float, level_db: float, reference_db: float = REFERENCE_DB, *, ducked: bool = False) -> Window:
    return Window(probability, level_db, reference_db + (DUCK_DB if ducked else 0.0), ducked, is_playing=True)


def play(windows: Iterable[Window], probe: Probe = KNOWN, rule: ProbeRule = DRY) -> tuple[Probe, list[Verdict]]:
    verdicts = []
    for seen in windows:
        probe, verdict = step(probe, seen, rule)
        verdicts.append(verdict)
    return probe, verdicts


def ducked(probe: Probe = KNOWN, rule: ProbeRule = DRY, level_db: float = -40.0) -> Probe:
    """Set off by a voice, with its guard window over."""
    probe, verdicts = play([window(0.9, level_db), window(0.0, -90.0, ducked=True)], probe, rule)
    assert verdicts == [Verdict.DUCK, Verdict.NONE] and probe.mode is Mode.PROBING
    return probe


# ---- what is expected


def test_the_room_holds_a_reference_for_one_reverberation_time() -> None:
    """60 dB less after it; 32 ms later 60 * 32 / 400 = 4.8 dB less."""
    assert expected_db((1e-2,), PLAIN) == pytest.approx(-20.0)
    assert expected_db((0.0, 1e-2), PLAIN) == pytest.approx(-24.8)
    probe, _ = play([window(0.0, -60.0, level) for level in [-20.0, *[-120.0] * 30]], rule=PLAIN)
    assert len(probe.reference) == 13
    assert expected_db(probe.reference, PLAIN) < -100.0


# ---- the leak


def test_the_leak_begins_with_what_is_first_seen() -> None:
    """So that a canceller that takes 40 dB is not waited for 30 s."""
    probe, verdicts = play([window(0.9, -60.0)], Probe())
    assert probe.leak_db == pytest.approx(-40.0, abs=0.1) and verdicts == [Verdict.NONE]


def test_the_leak_rises_faster_than_it_falls() -> None:
    """0.76 dB up, 0.04 down: about one window in twenty is above it."""
    probe, _ = play([window(0.0, ECHO_DB + 3.0)])
    assert probe.leak_db == pytest.approx(-30.0 + 0.76)
    probe, _ = play([window(0.0, ECHO_DB - 3.0)])
    assert probe.leak_db == pytest.approx(-30.0 - 0.04)


def test_the_leak_hardly_rises_beside_somebody() -> None:
    """0.1 dB from a margin of 6 dB on; in the first 2 s as if nobody were there."""
    assert play([window(0.0, ECHO_DB + 5.9)])[0].leak_db == pytest.approx(-30.0 + 0.76)
    assert play([window(0.0, ECHO_DB + 6.1)])[0].leak_db == pytest.approx(-30.0 + 0.10)
    started = replace(KNOWN, leak_windows=62)
    assert play([window(0.0, ECHO_DB + 6.1)], started)[0].leak_db == pytest.approx(-30.0 + 0.76)
    assert play([window(0.0, ECHO_DB + 6.1)], replace(KNOWN, leak_windows=63))[0].leak_db == pytest.approx(-30.0 + 0.10)


def test_nothing_is_learnt_of_the_leak_without_a_reply_or_in_a_duck() -> None:
    """Or from a reference that is not heard; then the noise is followed: down at once, up 3 dB a second."""
    silent = replace(window(0.0, -40.0), is_playing=False)
    assert play([silent])[0].leak_db == -30.0
    probe, _ = play([window(0.0, -80.0, -60.1)] * 10)
    assert probe.leak_db == -30.0 and probe.noise_db == pytest.approx(-90.0 + 0.96)
    assert play([window(0.0, -95.0, -60.1)])[0].noise_db == -95.0
    assert play([window(0.0, -20.0, ducked=True)], ducked())[0].leak_db == ducked().leak_db


# ---- the duck


@pytest.mark.parametrize(
    ("probability", "margin_db", "verdict"),
    [
        (0.30, 4.1, Verdict.DUCK),
        (0.29, 4.1, Verdict.NONE),
        (0.30, 3.9, Verdict.NONE),
        (0.12, 15.1, Verdict.DUCK),
        (0.11, 15.1, Verdict.NONE),
        (0.12, 14.9, Verdict.NONE),
    ],
)
def test_likely_speech_above_the_echo_lowers_the_reply(probability: float, margin_db: float, verdict: Verdict) -> None:
    """Or hardly speech, far above it."""
    assert play([window(probability, ECHO_DB + margin_db)])[1] == [verdict]


def test_noise_counts_beside_the_echo() -> None:
    """1.5 dB over its floor."""
    noisy = replace(KNOWN, noise_db=-41.5)
    assert play([window(0.9, -40.0 + 4.3)], noisy)[1] == [Verdict.NONE]
    assert play([window(0.9, -40.0 + 4.6)], noisy)[1] == [Verdict.DUCK]


def test_nothing_is_lowered_without_a_reply() -> None:
    """There is nothing to lower."""
    assert play([replace(window(1.0, -10.0), is_playing=False)] * 3)[1] == [Verdict.NONE] * 3


def test_what_is_heard_before_the_duck_arrives_is_no_hit() -> None:
    """Nor the first ducked window, however long the way."""
    loud = window(0.9, -40.0)
    probe, verdicts = play([loud, *[loud] * 8, window(0.9, -40.0, ducked=True)])
    assert verdicts == [Verdict.DUCK, *[Verdict.NONE] * 9]
    assert play([window(0.9, -40.0, ducked=True)] * 2, probe)[1] == [Verdict.NONE, Verdict.STOP]


def test_two_hits_of_five_stop_the_reply() -> None:
    """With a gap of three; not with one of four."""
    hit, miss = window(0.3, -60.0, ducked=True), window(0.29, -60.0, ducked=True)
    assert play([hit, miss, miss, miss, hit], ducked())[1] == [*[Verdict.NONE] * 4, Verdict.STOP]
    assert play([hit, miss, miss, miss, miss, hit], ducked())[1] == [Verdict.NONE] * 6


def test_a_hit_is_above_the_ducked_echo() -> None:
    """-50 dB less 20: by more than 4 dB."""
    echo_db = ducked().leak_db + REFERENCE_DB + DUCK_DB
    assert play([window(0.9, echo_db + 4.1, ducked=True)] * 2, ducked())[1][-1] is Verdict.STOP
    assert play([window(0.9, echo_db + 3.9, ducked=True)] * 2, ducked())[1][-1] is Verdict.NONE


def test_a_probe_fails_after_eight_windows() -> None:
    """The guard window is one of them."""
    miss = window(0.0, -80.0, ducked=True)
    probe, verdicts = play([miss] * 7, ducked())
    assert verdicts == [*[Verdict.NONE] * 6, Verdict.UNDUCK]
    assert probe.mode is Mode.WATCHING


def test_after_a_failure_six_windows_are_not_tested() -> None:
    """So that one sound is not tested over and over."""
    probe, _ = play([window(0.0, -80.0, ducked=True)] * 7, ducked())
    assert play([window(0.9, -30.0)] * 7, probe)[1] == [*[Verdict.NONE] * 6, Verdict.DUCK]


def test_after_a_stop_a_second_passes() -> None:
    """The bench plays on."""
    probe, _ = play([window(0.9, -40.0, ducked=True)] * 2, ducked())
    assert play([window(0.9, -30.0)] * 32, probe)[1] == [*[Verdict.NONE] * 31, Verdict.DUCK]


def test_a_reply_that_ends_in_the_duck_is_raised_again() -> None:
    """For the next one."""
    probe, verdicts = play([replace(window(0.9, -40.0, ducked=True), is_playing=False)], ducked())
    assert verdicts == [Verdict.UNDUCK] and probe.mode is Mode.WATCHING


# ---- the self-calibrating form


def test_self_calibrated_all_that_set_it_off_is_taken_for_echo() -> None:
    """-40 at the trigger, -60 expected in the duck: 8 dB above that is somebody."""
    probe = ducked(rule=DRY_SELF_CALIBRATING)
    assert play([window(0.9, -51.9, ducked=True)] * 2, probe, DRY_SELF_CALIBRATING)[1][-1] is Verdict.STOP
    assert play([window(0.9, -52.1, ducked=True)] * 2, probe, DRY_SELF_CALIBRATING)[1][-1] is Verdict.NONE


@pytest.mark.parametrize(("level_db", "learnt_db"), [(-45.5, -25.5), (-40.0, -24.0 + 0.1)])
def test_self_calibrated_a_failure_raises_the_leak_by_six_db_at_most(level_db: float, learnt_db: float) -> None:
    """The plain form learns nothing from it. Beside somebody the leak has risen by 0.1 dB at the trigger."""
    miss = window(0.0, -80.0, ducked=True)
    probe, _ = play([miss] * 7, ducked(rule=DRY_SELF_CALIBRATING, level_db=level_db), DRY_SELF_CALIBRATING)
    assert probe.leak_db == pytest.approx(learnt_db)
    plain = ducked(level_db=level_db)
    assert play([miss] * 7, plain)[0].leak_db == plain.leak_db


# ---- both, played through a loudspeaker


def closed_loop(rule: ProbeRule, echo_path_db: list[float], user_db: float, user_from: int, delay: int = 1) -> list[Verdict]:
    """A reply at -20 dB through an echo path, a user over it, a duck that is heard `delay` windows after it was asked for."""
    probe, verdicts, gains = Probe(noise_db=-85.0), list[Verdict](), [0.0] * (len(echo_path_db) + delay + 1)
    for n, path_db in enumerate(echo_path_db):
        echo = 10.0 ** ((REFERENCE_DB + gains[n] + path_db) / 10.0)
        user = 10.0 ** (user_db / 10.0) if n >= user_from else 0.0
        level_db = 10.0 * log10(echo + user + 1e-9)
        seen = Window(0.9, level_db, REFERENCE_DB + gains[n], is_ducked=gains[n] < 0.0, is_playing=True)
        probe, verdict = step(probe, seen, rule)
        verdicts.append(verdict)
        if verdict is not Verdict.NONE:
            gains[n + delay :] = [DUCK_DB if verdict is Verdict.DUCK else 0.0] * len(gains[n + delay :])
    return verdicts


@pytest.mark.parametrize("rule", [PLAIN, SELF_CALIBRATING], ids=["plain", "self-calibrating"])
@pytest.mark.parametrize("delay", [1, 2, 8])
def test_a_user_at_the_level_of_the_echo_stops_it(rule: ProbeRule, delay: int) -> None:
    """Ducked by 20 dB he stands out by as much."""
    verdicts = closed_loop(rule, [-20.0] * 200, user_db=-36.0, user_from=150, delay=delay)
    assert verdicts.index(Verdict.DUCK) == 150
    assert verdicts.index(Verdict.STOP) <= 150 + delay + 3


@pytest.mark.parametrize("rule", [PLAIN, SELF_CALIBRATING], ids=["plain", "self-calibrating"])
def test_an_echo_that_stays_as_it_is_does_nothing(rule: ProbeRule) -> None:
    """However much it sounds like speech."""
    assert set(closed_loop(rule, [-20.0] * 300, user_db=-120.0, user_from=300)) == {Verdict.NONE}


def test_an_echo_path_that_changes_fools_the_plain_form_only() -> None:
    """10 dB louder all at once: the self-calibrating form lowers the reply and raises it again, until it has learnt."""
    path_db = [*[-20.0] * 150, *[-10.0] * 150]
    assert Verdict.STOP in closed_loop(PLAIN, path_db, user_db=-120.0, user_from=300)
    calibrated = closed_loop(SELF_CALIBRATING, path_db, user_db=-120.0, user_from=300)
    assert Verdict.STOP not in calibrated
    assert calibrated.count(Verdict.UNDUCK) == calibrated.count(Verdict.DUCK) > 0


# ---- properties


windows = st.builds(
    Window,
    probability=st.floats(0.0, 1.0),
    level_db=st.floats(-100.0, 0.0),
    reference_db=st.floats(-120.0, 0.0),
    is_ducked=st.booleans(),
    is_playing=st.booleans(),
)


@given(st.lists(windows, max_size=80), st.sampled_from([PLAIN, SELF_CALIBRATING]))
def test_a_duck_ends_in_a_stop_or_is_raised_again(seen: list[Window], rule: ProbeRule) -> None:
    """And nothing stops or is raised that was not lowered."""
    is_ducked = False
    for verdict in play(seen, Probe(), rule)[1]:
        assert (verdict is Verdict.DUCK and not is_ducked) or verdict is Verdict.NONE or is_ducked
        is_ducked = verdict is Verdict.DUCK or (is_ducked and verdict is Verdict.NONE)


@given(st.lists(windows, max_size=80), st.floats(0.0, 12.0))
def test_wider_margins_never_lower_the_reply_sooner(seen: list[Window], more_db: float) -> None:
    """Up to the first duck both have learnt the same."""
    first, later = (play(seen, Probe(), rule)[1] for rule in (PLAIN, PLAIN.at(more_db)))
    assert Verdict.DUCK not in later or first.index(Verdict.DUCK) <= later.index(Verdict.DUCK)


def test_a_curve_goes_through_the_sources_own_margins() -> None:
    """No wider, no narrower."""
    assert PLAIN.at(0.0) == PLAIN
    assert SELF_CALIBRATING.at(2.0) == replace(SELF_CALIBRATING, duck_margin_db=6.0, faint_margin_db=17.0, hit_margin_db=10.0)
