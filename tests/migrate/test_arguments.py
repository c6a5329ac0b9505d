"""The rules of argparse: held against argparse itself."""

import argparse
import contextlib
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from satellite.migrate.arguments import MANY, Occurrence, occurrences
from satellite.migrate.options import TAKES
from satellite.migrate.outcome import Tells


def _told(*words: str) -> list[str]:
    return [found.line for found in occurrences(words, TAKES) if isinstance(found, Tells)]


def _found(*words: str) -> list[tuple[str, ...]]:
    return [(found.option, *found.values) for found in occurrences(words, TAKES) if isinstance(found, Occurrence)]


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["--name", "a"], [("--name", "a")]),
        (["--name=a b"], [("--name", "a b")]),
        (["--name=", "--vad"], [("--name", ""), ("--vad",)]),
        (["--wake-word", "a", "b", "--vad"], [("--wake-word-name", "a", "b"), ("--vad",)]),
        (["--mic-command-channel", "2"], [("--mic-command-channels", "2")]),
        (["--wake-refractory-seconds", "-1"], [("--wake-refractory-seconds", "-1")]),
        (["--error-command", "-x y"], [("--error-command", "-x y")]),
        (["--timer-finished-wav-repeat", "3", "1"], [("--timer-finished-wav-repeat", "3", "1")]),
    ],
)
def test_options_are_found(words: list[str], expected: list[tuple[str, ...]]) -> None:
    """With their values, however they are written."""
    assert _found(*words) == expected
    assert not _told(*words)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--mic-com", "x", "--vad"], "could be --mic-command or --mic-command-rate or"),
        (["--nonsense", "1", "--vad"], "--nonsense: is no option"),
        (["-q", "--vad"], "-q: is no option"),
        (["--name", "--vad"], "--name: has no value"),
        (["x", "--vad"], "x: belongs to no option"),
        (["--debug=1", "--vad"], "--debug: takes no value"),
        (["--timer-finished-wav-repeat", "3", "--vad"], "needs two values"),
    ],
)
def test_what_is_not_understood_is_told(words: list[str], said: str) -> None:
    """Once, and what follows it is."""
    (line,) = _told(*words)
    assert said in line
    assert _found(*words)[-1] == ("--vad",)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(add_help=False)
    for option, takes in TAKES.items():
        if takes == 0:
            parser.add_argument(option, dest=option, action="append_const", const=())
        else:
            nargs = "+" if takes == MANY else takes
            parser.add_argument(option, dest=option, action="append", nargs=nargs)
    return parser


_WORDS = st.sampled_from([*TAKES, "--wake-word", "--name=x y", "--debug=1", "-5", "-x y", "-", "a", "a b", "", "--no"])


@given(st.lists(_WORDS, max_size=8))
def test_it_is_what_argparse_finds(words: list[str]) -> None:
    """Where argparse refuses the line there is something to tell."""
    with contextlib.redirect_stderr(io.StringIO()):
        try:
            parsed = vars(_parser().parse_args(words))
        except SystemExit:
            assert _told(*words)
            return
    assert not _told(*words)
    expected = {option: [tuple(values) for values in found] for option, found in parsed.items() if found}
    found: dict[str, list[tuple[str, ...]]] = {}
    for option, *values in _found(*words):
        found.setdefault(option, []).append(tuple(values))
    assert found == expected
