"""The word error rate, which needs no server."""

import pytest

from tests.servers.words import word_error_rate, words


def test_case_and_punctuation_are_no_errors() -> None:
    """Recognisers put them where they like."""
    assert words(" Wait, I didn\u2019t mean the 2nd-best!") == ["wait", "i", "didn't", "mean", "the", "2nd", "best"]
    assert words("The 'kitchen' lights") == ["the", "kitchen", "lights"]
    assert word_error_rate("Turn off the kitchen lights.", " turn off the kitchen lights") == 0


@pytest.mark.parametrize(
    ("understood", "errors"),
    [
        ("", 5),
        ("turn off the kitten lights", 1),
        ("turn off kitchen lights", 1),
        ("please turn off the kitchen lights", 1),
        ("turn of the kitchen lights now", 2),
        ("the kitchen lights turn off", 4),
        ("it is twenty degrees in the living room today", 8),
    ],
)
def test_replaced_lost_and_added_words_count_one_each(understood: str, errors: int) -> None:
    """Of five."""
    assert word_error_rate("Turn off the kitchen lights.", understood) == errors / 5


def test_nothing_said_has_no_rate() -> None:
    """A mistake of the test that asks."""
    with pytest.raises(ValueError, match="nothing was said"):
        word_error_rate("...", "hello")
