"""A word that was heard is not heard again for a while."""

from satellite.core.refractory import Refractory
from satellite.core.units import Frames


def test_a_word_is_new_when_its_time_is_over() -> None:
    """What is not admitted does not prolong the time."""
    word = Refractory(Frames(100))
    assert [word.admits(Frames(at)) for at in (1000, 1001, 1099, 1100, 1150, 1200)] == [True, False, False, True, False, True]


def test_no_time_admits_everything() -> None:
    """Of length 0."""
    word = Refractory(Frames(0))
    assert word.admits(Frames(5)) and word.admits(Frames(5))


def test_a_stream_that_begins_anew_is_heard() -> None:
    """An earlier frame is another stream."""
    word = Refractory(Frames(100))
    assert word.admits(Frames(1000)) and word.admits(Frames(50))
