"""The ring of a timer as a reply."""

import numpy as np
import pytest

from satellite.audio.ring import Ring

SOUND = np.arange(1, 801, dtype=np.int16)


@pytest.mark.parametrize(("times", "total_ms"), [(None, 900_000), (3, 450), (10_000, 900_000)])
def test_it_rings_until_its_limit(times: int | None, total_ms: int) -> None:
    """Or as often as its owner wants, and is all there from the beginning."""
    ring = Ring(SOUND, 8000, 0.05, times, 900)
    assert (ring.total_ms, ring.is_complete, ring.frames) == (total_ms, True, total_ms * 8)


def test_it_is_the_sound_and_a_pause_over_and_over() -> None:
    """From wherever it is read."""
    ring = Ring(SOUND, 8000, 0.05, 3, 900)
    once = np.concatenate((SOUND, np.zeros(400, np.int16)))
    assert np.array_equal(ring.read(0, 3600), np.tile(once, 3))
    assert np.array_equal(ring.read(1100, 300), np.concatenate((np.zeros(100, np.int16), SOUND[:200])))
    assert len(ring.read(3500, 500)) == 100 and len(ring.read(4000, 10)) == 0
