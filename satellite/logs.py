"""The log goes to stderr: for people with the time before each line, for systemd's journal with the priority."""

import logging
import os
from collections.abc import Mapping
from typing import Any

# syslog's, from critical to debug
_PRIORITIES = {logging.CRITICAL: 2, logging.ERROR: 3, logging.WARNING: 4, logging.INFO: 6, logging.DEBUG: 7}

# the journal shows what has no priority as informational
_DEFAULT_PRIORITY = 6

_STDERR = 2


def printable(text: str) -> str:
    """On one line, and without what steers a terminal or a log: peers and users say what they like. As `repr` escapes it."""
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else repr(c)[1:-1] for c in text)


class OneLineFormatter(logging.Formatter):
    """A message is a line, whatever was put into it; a traceback has its own."""

    def formatMessage(self, record: logging.LogRecord) -> str:
        """The line."""
        record.message = printable(record.message)
        return super().formatMessage(record)

    def formatException(self, ei: Any) -> str:
        """Its lines."""
        return "\n".join(map(printable, super().formatException(ei).split("\n")))


class JournalFormatter(OneLineFormatter):
    """Begins every line as sd-daemon(3) wants it, so that `journalctl -p warning` works; the journal has its own clock."""

    def format(self, record: logging.LogRecord) -> str:
        """The record, and each line of its traceback."""
        priority = _PRIORITIES.get(record.levelno, _DEFAULT_PRIORITY)
        return "\n".join(f"<{priority}>{line}" for line in super().format(record).split("\n"))


def log_to_stderr(verbose: bool, environ: Mapping[str, str]) -> None:
    """Sets up the logging of the whole process."""
    handler = logging.StreamHandler()
    handler.setFormatter(formatter(environ))
    logging.basicConfig(level=logging.DEBUG if verbose else logging.INFO, handlers=[handler])


def formatter(environ: Mapping[str, str]) -> logging.Formatter:
    """For whoever reads our stderr."""
    stderr = os.fstat(_STDERR)
    # the variable is inherited by whoever is started from a service, also with stderr in a file
    if environ.get("JOURNAL_STREAM") == f"{stderr.st_dev}:{stderr.st_ino}":
        return JournalFormatter("%(name)s: %(message)s")
    return OneLineFormatter("%(asctime)s %(levelname)s %(name)s: %(message)s")
