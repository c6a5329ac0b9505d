"""The end of the whole daemon, as it is heard from the loudspeaker and as the hub sees it."""

import asyncio
from pathlib import Path

import pytest

from tests.rig.shutdown import ends

pytestmark = pytest.mark.rig

# where the sound was cut off in the middle, its last millisecond would be as loud as what came before
_FADED_DB = -10.0


def test_a_reply_fades_and_the_hub_finds_the_next_one(tmp_path: Path) -> None:
    """It ends with code 0, before all of the reply has been played, and without a click."""
    end = asyncio.run(ends(["speaking"], tmp_path))["speaking"]
    assert 0.0 < end.silent_ms < end.gone_ms
    assert end.last_db < _FADED_DB
    assert "Traceback" not in (tmp_path / "daemon.log").read_text()
