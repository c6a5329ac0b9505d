"""Fixtures for tests on the virtual card: `from tests.rig.fixtures import room`."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.rig.room import Room


@pytest.fixture
def room(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> Iterator[Room]:
    """A room whose card ALSA finds in this process and in those that it starts; `configured` sets what it is like."""
    with Room(tmp_path / "room", getattr(request, "param", None)) as opened:
        for name, value in opened.env.items():
            monkeypatch.setenv(name, value)
        yield opened


def configured(*configs: dict[str, Any], ids: list[str] | None = None) -> pytest.MarkDecorator:
    """Runs a test in each of these rooms."""
    return pytest.mark.parametrize("room", configs, indirect=True, ids=ids)
