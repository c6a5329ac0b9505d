"""What every test of the whole daemon is held to."""

import asyncio
import logging
from collections.abc import Iterator
from functools import partial

import pytest

from satellite.peer import hub
from satellite.peer.gate import StreamGate


@pytest.fixture(autouse=True)
def no_surprises(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    """Fails a test during which the service met an event that cannot be, or an exception was left for asyncio to report."""
    caplog.set_level(logging.INFO)
    yield
    assert [r.getMessage() for r in caplog.get_records("call") if r.levelno >= logging.ERROR] == []


@pytest.fixture(autouse=True)
def gates_in_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """The hub's peer gives its gates no clock, and theirs is the machine's."""
    monkeypatch.setattr(hub, "StreamGate", partial(StreamGate, lambda: asyncio.get_running_loop().time()))
