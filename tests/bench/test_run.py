"""A scene is what its line says, and the same every time."""

from dataclasses import replace

import numpy as np
import pytest

from satellite.bench.run import run
from satellite.bench.scene import Scene
from satellite.core.say import Allow
from satellite.core.units import RATE_HZ, frames
from satellite.simulate.signals import Signal, active_level_db, signal
from tests.bench.played import ALONE, COUGH, KITCHEN, LOUDER, USER, ours, plain, setting


def _sound(scene: Scene, tape: str, begin: int, end: int) -> Signal:
    return signal(getattr(plain(scene).room, tape).between(begin, end))


def test_a_scene_played_twice_is_the_same_to_the_last_bit() -> None:
    """What the loudspeaker was given, what the microphone heard, and all that was reported."""
    again = run(setting(USER), Allow.SPEECH)
    first = ours(USER)
    assert again.end == first.end and again.said == first.said
    for tape in ("given", "cone", "near", "heard"):
        one, other = getattr(first.room, tape), getattr(again.room, tape)
        assert np.array_equal(one.between(0, first.end), other.between(0, first.end)), tape
    assert again.stage.told == first.stage.told


def test_until_somebody_is_noticed_both_runs_are_the_same() -> None:
    """So the one that plays on tells what the other would have said."""
    assert ours(USER).onset == plain(USER).onset
    onset = ours(USER).onset
    assert onset is not None
    assert np.array_equal(ours(USER).room.given.between(0, onset), plain(USER).room.given.between(0, onset))


def test_the_user_is_as_loud_beside_the_echo_as_the_scene_says() -> None:
    """Active speech of both, at the microphone."""
    onset = plain(USER).onset
    assert onset is not None
    user = active_level_db(signal(plain(USER).room.near.between(onset, plain(USER).end)))
    echo = active_level_db(plain(USER).room.echo_of(signal(setting(USER).replies[-1])))
    assert user - echo == pytest.approx(USER.ser_db, abs=0.5)


def _path_gain_db(scene: Scene, from_s: float, until_s: float) -> float:
    """Of the echo path, against the same loudspeaker over the first one."""
    run_ = plain(scene)
    begin = run_.setting.starts_at(run_.plays[0])
    first = run_.room.echo_of(signal(run_.room.given.between(begin, begin + 4 * RATE_HZ)))
    heard = _sound(scene, "heard", begin, begin + 4 * RATE_HZ)
    at = slice(int(from_s * RATE_HZ), int(until_s * RATE_HZ))
    return float(20 * np.log10(np.sqrt(np.mean(heard[at] ** 2) / np.mean(first[at] ** 2))))


def test_the_echo_path_changes_when_and_by_what_the_scene_says() -> None:
    """Ten decibels after a second, and back after two and a half."""
    for from_s, until_s, gain_db in ((0.3, 1.0, 0.0), (1.3, 2.5, 10.0), (2.9, 3.8, 0.0)):
        assert _path_gain_db(LOUDER, from_s, until_s) == pytest.approx(gain_db, abs=0.5), (from_s, until_s)


def test_another_echo_path_is_at_its_own_gain_and_what_comes_after_counts_from_there() -> None:
    """Of the package's only room the other path is the same one."""
    scene = replace(LOUDER, id="7", path_changes=((1.0, 10.0), (1.8, None), (2.6, 10.0)))
    for from_s, until_s, gain_db in ((1.3, 1.8, 10.0), (2.2, 2.6, 0.0), (2.9, 3.8, 10.0)):
        assert _path_gain_db(scene, from_s, until_s) == pytest.approx(gain_db, abs=0.5), (from_s, until_s)


def test_a_noise_is_as_loud_as_the_scene_says_and_was_on_before() -> None:
    """Below the reply's echo, as nobody speaks; for ten seconds before it."""
    run_ = plain(KITCHEN)
    before = _sound(KITCHEN, "heard", frames(3000), run_.plays[0])
    echo = active_level_db(run_.room.echo_of(signal(setting(KITCHEN).replies[-1])))
    assert len(before) > 9 * RATE_HZ
    assert echo - active_level_db(before) == pytest.approx(15.0, abs=3.0)


def test_replies_come_one_after_another() -> None:
    """Each when the one before has ended."""
    first, second = plain(ALONE).plays
    assert second - first >= len(setting(ALONE).replies[0]) + RATE_HZ // 2


def test_a_cough_comes_where_the_dice_say() -> None:
    """In the reply, long before its end."""
    onset, begin = plain(COUGH).onset, plain(COUGH).setting.starts_at(plain(COUGH).plays[-1])
    assert onset is not None
    assert 0.3 < (onset - begin) / RATE_HZ < len(setting(COUGH).replies[-1]) / RATE_HZ - 1.5
