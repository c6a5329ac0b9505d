"""A satellite that lets itself be discovered."""

import asyncio
from pathlib import Path

import msgspec
import pytest

from satellite.identity import Identity
from tests.browser import SOON_S, browser
from tests.service.house import house, play_live, quiet_config


def test_it_is_discovered_where_it_listens(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """From the start to the stop, at the address and port of its server."""
    monkeypatch.setenv("STATE_DIRECTORY", str(tmp_path))
    quiet = quiet_config()
    config = msgspec.structs.replace(quiet, hub=msgspec.structs.replace(quiet.hub, announce=True))

    async def story() -> None:
        async with asyncio.timeout(SOON_S), browser() as home_assistant:
            async with house(config=config, stay_away=True) as place:
                name = Identity(place.port).name()
                await home_assistant.until_added(name)
                info = await home_assistant.resolve(name)
                assert (info.parsed_addresses(), info.port) == (["127.0.0.1"], place.port)
            await home_assistant.until_removed(name)

    play_live(story())


def test_it_is_not_announced_if_it_is_not_to_be() -> None:
    """Nothing of discovery runs."""

    async def story() -> None:
        async with house(stay_away=True):
            assert "discovery" not in {task.get_name() for task in asyncio.all_tasks()}

    play_live(story())
