"""A word that our own reply says at that instant is vetoed."""

import pytest

from satellite.core.twin import WITHIN_MS, Twin
from satellite.core.units import Frames, frames

SAID_MS = 5000


@pytest.mark.parametrize(
    ("name", "after_ms", "is_ours"),
    [
        ("alexa", 0, True),
        ("alexa", 10, True),
        ("alexa", WITHIN_MS, True),
        ("alexa", WITHIN_MS + 1, False),
        # before we said it, or in a stream that began anew
        ("alexa", -10, False),
        ("alexa", -SAID_MS, False),
        # another word
        ("okay_nabu", 10, False),
    ],
)
def test_what_we_have_just_said_is_ours(name: str, after_ms: int, is_ours: bool) -> None:
    """The same word, and so soon."""
    twin = Twin()
    twin.said("alexa", frames(SAID_MS))
    assert twin.vetoes(name, frames(SAID_MS + after_ms)) is is_ours


def test_the_last_time_counts() -> None:
    """A word is found again and again while it is said, and may be said again."""
    twin = Twin()
    for at in (100, 110, 2000):
        twin.said("alexa", Frames(at))
    assert twin.vetoes("alexa", Frames(2000 + frames(WITHIN_MS)))


def test_who_says_nothing_vetoes_nothing() -> None:
    """Also at frame 0."""
    assert not Twin().vetoes("alexa", Frames(0))
