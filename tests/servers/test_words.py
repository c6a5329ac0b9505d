"""The measure by which transcripts are compared."""

import pytest

from tests.servers.words import word_errors


@pytest.mark.parametrize(
    ("understood", "errors"),
    [
        ("turn off the kitchen lights", 0),
        ("Turn off the kitchen lights.", 0),
        ("Turn of the kitchen lights!", 1),
        ("off the kitchen lights", 1),
        ("please turn off the kitchen lights", 1),
        ("", 5),
        ("what time is it", 5),
    ],
)
def test_each_word_that_is_wrong_missing_or_added_counts(understood: str, errors: int) -> None:
    """Once."""
    assert word_errors("Turn off the kitchen lights.", understood) == errors
