"""What went on before: learnt slowly, forgotten in seconds, and never the user's own words."""

import numpy as np
import pytest

from satellite.detect.background import Background

QUIET = np.full(3, -60.0)
NOISE = np.full(3, -58.0)


def _after(*stretches: tuple[int, float]) -> Background:
    """So many periods at a level in all bands, after five seconds of room."""
    background = Background(3)
    for count, level_db in ((500, -60.0), *stretches):
        for _ in range(count):
            background.learn(np.full(3, level_db), NOISE)
    return background


def test_at_first_nothing_is_known() -> None:
    """Far below everything, and nothing is lively."""
    assert Background(3).level_db.max() == -120.0
    assert not Background(3).is_lively


def test_talk_is_learnt_in_seconds_and_a_word_is_not() -> None:
    """A fifth of a decibel every ten milliseconds."""
    assert _after((200, -30.0)).level_db == pytest.approx(np.full(3, -30.0), abs=0.5)
    assert _after((40, -30.0)).level_db == pytest.approx(np.full(3, -50.0), abs=0.5)


def test_it_follows_each_band_by_itself() -> None:
    """A whistle is one band."""
    background = _after()
    for _ in range(300):
        background.learn(np.array([-60.0, -30.0, -30.0]), NOISE)
    assert background.level_db == pytest.approx([-58.0, -30.0, -30.0], abs=0.5)


def test_a_pause_between_two_sentences_is_bridged_and_a_longer_one_forgets() -> None:
    """Ten decibels a second, but not in the first half second."""
    assert _after((300, -30.0), (50, -60.0)).level_db == pytest.approx(np.full(3, -30.0), abs=0.6)
    assert _after((300, -30.0), (250, -60.0)).level_db == pytest.approx(np.full(3, -50.0), abs=1.0)


def test_it_never_falls_below_the_noise() -> None:
    """Which is what the noise is for."""
    assert _after((300, -30.0), (2000, -60.0)).level_db == pytest.approx(NOISE)


def test_what_is_said_to_get_the_floor_is_taken_back() -> None:
    """The wake word; but not what went on for longer, and not what a reply has interrupted."""
    background = _after((80, -30.0))
    background.take_back()
    assert background.level_db == pytest.approx(NOISE)
    background = _after((1000, -30.0))
    background.take_back()
    assert background.level_db == pytest.approx(np.full(3, -30.0), abs=0.5)
    background = _after((80, -30.0))
    background.pause()
    background.take_back()
    assert background.level_db.max() > -50.0


def test_what_comes_and_goes_is_lively() -> None:
    """Syllables and pauses; a fan is as loud as its median all the time."""
    assert not _after((1000, -40.0)).is_lively
    background = _after()
    for n in range(1000):
        background.learn(np.full(3, -35.0 if n % 40 < 20 else -50.0), NOISE)
    assert background.is_lively
