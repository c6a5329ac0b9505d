"""What every test of the wire is held to."""

import logging
from collections.abc import Iterator

import pytest


@pytest.fixture(autouse=True)
def no_surprises(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    """Fails a test during which an exception was left for asyncio to report."""
    caplog.set_level(logging.DEBUG)
    yield
    assert [r.getMessage() for r in caplog.get_records("call") if r.levelno >= logging.ERROR] == []
