"""What types allow, in words."""

from typing import Annotated

import pytest
from msgspec import Meta

from satellite.core.say import Allow
from satellite.keys import allowed, dotted, limits


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        (int, "a whole number"),
        (Annotated[int, Meta(ge=-5, le=5)], "a whole number from -5 to 5"),
        (Annotated[int, Meta(ge=1)], "a whole number of at least 1"),
        (Annotated[float, Meta(ge=0, lt=1)], "a number of at least 0 and below 1"),
        (Annotated[float, Meta(gt=0.25, le=1_000_000)], "a number above 0.25 and of at most 1000000"),
        (bool, "true or false"),
        (str | None, "a text or null"),
        (Annotated[str, Meta(min_length=1)], "a text of 1 or more characters"),
        (Annotated[str, Meta(max_length=9)], "a text of at most 9 characters"),
        (tuple[Annotated[int, Meta(ge=1)], ...], "a list, each a whole number of at least 1"),
        (Annotated[tuple[str, ...], Meta(min_length=1, max_length=3)], "a list of 1 to 3 entries, each a text"),
        (Allow | None, "one of speech, wake-word, stop-word, none or null"),
    ],
)
def test_a_type_is_told_in_words(kind: object, words: str) -> None:
    """As they end a sentence that begins with `it has to be`."""
    assert allowed(kind) == words


@pytest.mark.parametrize("kind", [dict[str, int], Annotated[str, Meta(pattern="^a")]])
def test_a_type_without_words_is_our_mistake(kind: object) -> None:
    """The test of the example asks for the words of every key."""
    with pytest.raises(TypeError, match="no words yet"):
        allowed(kind)


def test_only_numbers_have_limits() -> None:
    """Also those that may be null."""
    assert [limits(kind) for kind in (int, str, Allow, Annotated[int, Meta(ge=1, le=2)] | None)] == ["", "", "", "from 1 to 2"]


def test_names_are_joined_by_dots() -> None:
    """Of which none is at an end."""
    assert (dotted("", "hub"), dotted("hub", "port"), dotted("hub", "")) == ("hub", "hub.port", "hub")
