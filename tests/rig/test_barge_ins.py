"""The daemon through the real ALSA API: talked over again and again, on the cards it is made for."""

import asyncio
from pathlib import Path

import pytest

from satellite.mock.recordings import COMMAND
from tests.rig.barge_ins import BargeIn, run

pytestmark = pytest.mark.rig


@pytest.mark.parametrize(("card", "count"), [("16k", 20), ("48k", 4)])
def test_every_word_over_the_answer_arrives_and_nothing_of_the_answer_sounds_later(tmp_path: Path, card: str, count: int) -> None:
    """Talking over an answer stops it, sends the user's words whole, and not one stale sample sounds."""
    found, missed = asyncio.run(run(card, count, tmp_path, ser_db=0.0))
    assert len(found) == count
    # none here; one in twenty is left to a machine that is busy with something else
    assert missed <= count // 20
    for barge_in in found:
        _check(barge_in)


def _check(barge_in: BargeIn) -> None:
    assert barge_in.exact, "the server got something else than the pre-roll and the live microphone"
    assert barge_in.understood == COMMAND
    assert barge_in.stale_ms == 0.0
    assert barge_in.silent_ms is not None
    assert barge_in.provisional_ms is not None
    assert barge_in.provisional_ms < barge_in.confirmed_ms
