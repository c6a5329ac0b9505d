"""Recorded features give the same decisions, to the last one."""

from pathlib import Path

import pytest

from satellite.core.reflex import Reflex, ReflexRule, Verdict, step
from tests.core.features import RECORDED, read

WANTED = {
    "user": [Verdict.DUCK, Verdict.HOLD],
    "soft_user": [Verdict.DUCK, Verdict.HOLD],
    "louder_path": [Verdict.DUCK, Verdict.UNDUCK],
}


@pytest.mark.parametrize("path", sorted(RECORDED.glob("*.csv")), ids=lambda path: path.stem)
def test_what_was_decided_is_decided_again(path: Path) -> None:
    """Verdict and mode in every period. `python -m tests.bench.record` records them anew."""
    reflex, count = Reflex(), 0
    for count, (seen, verdict, mode) in enumerate(read(path), 1):
        reflex, found = step(reflex, seen, ReflexRule())
        assert (found, reflex.mode) == (verdict, mode), f"period {count}"
    assert count > 300


@pytest.mark.parametrize("name", WANTED)
def test_the_recordings_are_what_they_are_called(name: str) -> None:
    """A user is held, however soft; a path that becomes louder costs a dip."""
    told = [verdict for _, verdict, _ in read(RECORDED / f"{name}.csv") if verdict is not Verdict.NONE]
    assert told[: len(WANTED[name])] == WANTED[name]
    if name == "louder_path":
        assert Verdict.HOLD not in told
