"""How the log looks, and for whom."""

import logging
import os

import pytest

from satellite.logs import JournalFormatter, formatter, printable


def _record(level: int, exception: BaseException | None = None) -> logging.LogRecord:
    error = None if exception is None else (type(exception), exception, None)
    return logging.LogRecord("satellite.service", level, __file__, 1, "the card is %s", ("gone",), error)


@pytest.mark.parametrize(("level", "priority"), [("DEBUG", 7), ("INFO", 6), ("WARNING", 4), ("ERROR", 3), ("CRITICAL", 2)])
def test_the_journal_is_given_the_priority_and_no_time(level: str, priority: int) -> None:
    """As sd-daemon(3) numbers them."""
    shown = JournalFormatter("%(name)s: %(message)s").format(_record(logging.getLevelNamesMapping()[level]))
    assert shown == f"<{priority}>satellite.service: the card is gone"


def test_every_line_of_an_error_has_its_priority() -> None:
    """The journal reads line by line."""
    shown = JournalFormatter("%(message)s").format(_record(logging.ERROR, ValueError("first\nsecond")))
    assert shown.split("\n") == ["<3>the card is gone", "<3>ValueError: first", "<3>second"]


def test_only_a_stderr_that_is_the_journal_gets_priorities() -> None:
    """Not a terminal, and not a file into which a service's child writes."""
    stderr = os.fstat(2)
    ours = {"JOURNAL_STREAM": f"{stderr.st_dev}:{stderr.st_ino}"}
    assert isinstance(formatter(ours), JournalFormatter)
    for other in ({}, {"JOURNAL_STREAM": f"{stderr.st_dev}:{stderr.st_ino + 1}"}, {"JOURNAL_STREAM": ""}):
        shown = formatter(other).format(_record(logging.WARNING))
        assert shown.endswith("WARNING satellite.service: the card is gone") and shown[:2] == "20"


@pytest.mark.parametrize(
    ("said", "shown"),
    [
        ("größer, 大きく 💡 C:\\new", "größer, 大きく 💡 C:\\new"),
        ("x\n2026-01-01 CRITICAL satellite: all is lost", "x\\n2026-01-01 CRITICAL satellite: all is lost"),
        ("\r\x1b[2Jgone\x07\x9b1m", "\\r\\x1b[2Jgone\\x07\\x9b1m"),
        ("a\u2028b\u202ec\0", "a\\u2028b\\u202ec\\x00"),
        ("\ud83d", "\\ud83d"),
    ],
)
def test_what_others_say_is_no_line_of_its_own(said: str, shown: str) -> None:
    """Nor does it steer a terminal; words of any language stay as they are."""
    assert printable(said) == shown
    record = logging.LogRecord("satellite.service", logging.INFO, __file__, 1, "heard %s", (said,), None)
    assert formatter({}).format(record).endswith(f"heard {shown}")
    assert JournalFormatter("%(message)s").format(record) == f"<6>heard {shown}"


def test_what_others_say_is_no_line_of_an_error_either() -> None:
    """But for newlines, which a traceback has."""
    assert formatter({}).format(_record(logging.ERROR, ValueError("\x1b[2J"))).endswith("ValueError: \\x1b[2J")
