"""What every test of the network is held to."""

import logging
from collections.abc import Iterator

import pytest


@pytest.fixture(autouse=True)
def no_surprises(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    """Fails a test during which the service met an event that cannot be, or an exception was left for asyncio to report."""
    caplog.set_level(logging.INFO)
    yield
    assert [r.getMessage() for r in caplog.get_records("call") if r.levelno >= logging.ERROR] == []
