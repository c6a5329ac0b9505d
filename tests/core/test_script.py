"""What of an answer is asked for when, and what of it was heard."""

import pytest

from satellite.core.script import LOW_MS, MOST_CHARACTERS, MS_PER_CHARACTER, Script, cut_at_word
from satellite.core.units import Millis

FIRST, SECOND, THIRD = "The first sentence is here.", "The second one follows it.", "And a third."


def _script(*sentences: str) -> Script:
    script = Script()
    for sentence in sentences or (FIRST, SECOND, THIRD):
        script.add(sentence)
    return script


def _spoken() -> Script:
    """Two sentences of 2 and 3 s, one request each."""
    script = _script()
    script.ask(Millis(0), is_certain=True)
    script.ask(Millis(2000), is_certain=True)
    return script


def test_the_first_sentence_is_asked_for_at_once() -> None:
    """Whatever else is known."""
    assert _script(FIRST).is_due(Millis(0), Millis(0))
    assert not Script().is_due(Millis(0), Millis(0))


def test_the_next_is_asked_for_when_the_last_begins_to_play() -> None:
    """So one sentence is ready while another plays, and no more."""
    script = _spoken()
    received = Millis(5000)
    assert not script.is_due(Millis(1999), received)
    assert script.is_due(Millis(2000), received)


def test_the_next_is_asked_for_before_the_loudspeaker_runs_dry() -> None:
    """A short sentence is over before the server has made the next; but one that has not begun to come is waited for."""
    script = _spoken()
    assert script.is_due(Millis(1900), Millis(1900 + LOW_MS - 1))
    assert not script.is_due(Millis(1900), Millis(1900 + LOW_MS))
    assert not script.is_due(Millis(1900), Millis(2000)), "nothing of the second has come"


def test_a_stream_without_marks_is_reckoned_by_letters() -> None:
    """The second sentence is sent behind the first; when it will begin is a guess."""
    script = _script()
    script.ask(Millis(0), is_certain=False)
    script.ask(Millis(0), is_certain=False)
    begins = len(FIRST) * MS_PER_CHARACTER
    assert not script.is_due(Millis(begins - 1), Millis(60_000))
    assert script.is_due(Millis(begins), Millis(60_000))


def test_a_stream_with_marks_is_known() -> None:
    """A server that begins its audio anew for each sentence tells where they begin; more often is not believed."""
    script = _script(FIRST, SECOND)
    script.ask(Millis(0), is_certain=False)
    script.ask(Millis(0), is_certain=False)
    for begins in (0, 1000, 3000):
        script.sentence_begins(Millis(begins))
    assert script.heard(Millis(1000), Millis(4000), True) == FIRST
    assert script.heard(Millis(999), Millis(4000), True) != FIRST


@pytest.mark.parametrize(
    ("played", "words"),
    [
        (0, ""),
        (1, ""),
        (1000, "The first"),
        (2000, FIRST),
        (2001, FIRST),
        (3500, f"{FIRST} The second"),
        (5000, f"{FIRST} {SECOND}"),
        (9000, f"{FIRST} {SECOND}"),
    ],
)
def test_what_was_heard_ends_with_a_whole_word(played: int, words: str) -> None:
    """Of the sentence that plays in proportion; of those before it, all."""
    assert _spoken().heard(Millis(played), Millis(5000), True) == words


def test_a_sentence_that_is_still_coming_is_reckoned_by_letters() -> None:
    """What has come of it is not all of it."""
    script = _script(FIRST)
    script.ask(Millis(0), is_certain=True)
    assert script.heard(Millis(300), Millis(301), False) == "The"
    assert script.heard(Millis(300), Millis(301), True) == "The first sentence is"


def test_what_has_to_be_asked_for_again_is_asked_for_next() -> None:
    """Its server broke off."""
    script = _spoken()
    script.take_back(Millis(2100))
    assert script.ask(Millis(2100), is_certain=True) == SECOND
    assert script.asked == f"{FIRST} {SECOND}" and script.text == f"{FIRST} {SECOND} {THIRD}"


def test_all_that_was_sent_ahead_is_asked_for_again() -> None:
    """The stream broke off before anything came."""
    script = _script()
    script.ask(Millis(0), is_certain=False)
    script.ask(Millis(0), is_certain=False)
    script.take_back(Millis(0))
    assert script.ask(Millis(0), is_certain=True) == FIRST
    assert script.text == f"{FIRST} {SECOND} {THIRD}"


def test_a_text_without_end_has_one() -> None:
    """A server that talks for ever fills no memory."""
    script = Script()
    for _ in range(100):
        script.add("x" * 999)
    assert len(script.text.replace(" ", "")) == MOST_CHARACTERS


@pytest.mark.parametrize(
    ("reached", "cut"),
    [(0, ""), (3, ""), (4, "word"), (5, "word"), (7, "word"), (8, "word and"), (12, "word and end"), (99, "word and end")],
)
def test_a_text_is_cut_between_words(reached: int, cut: str) -> None:
    """Never in one."""
    assert cut_at_word("word and end", reached) == cut
