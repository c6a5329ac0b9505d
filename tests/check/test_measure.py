"""What is measured of recordings whose levels are known."""

import numpy as np
import pytest

from satellite.check.measure import Clipping, clipping, measure
from tests.check.sounds import ALONE, DEAD, GOOD, LOOPBACK, PLAYED_DBFS, Mic, recordings, with_


def test_the_levels_of_a_good_microphone() -> None:
    """Floor, echo, voice and loop delay are those that were put in, within half a decibel and a millisecond."""
    measured = measure(recordings(GOOD))
    (near,) = measured.channels
    assert near.echo_db is not None and near.voice_db is not None
    assert (near.floor_db, near.echo_db, near.voice_db) == pytest.approx((-65.0, -40.0, -40.0), abs=0.5)
    assert near.delay_ms == 45
    assert measured.played_db == pytest.approx(PLAYED_DBFS, abs=0.1)
    assert near.offset == pytest.approx(0.0, abs=1e-4)
    assert near.echo_clipping == near.voice_clipping == Clipping(0.0, 0)
    assert not near.is_dead


@pytest.mark.parametrize("mic", [with_(voice_db=-64.0), with_(noise_db=-40.0, voice_db=-38.0, echo_db=-41.0)])
def test_noise_is_no_part_of_voice_and_echo(mic: Mic) -> None:
    """Hardly above the noise, or below it, their own levels are told within 2 dB."""
    (near,) = measure(recordings(mic)).channels
    assert near.voice_db == pytest.approx(mic.voice_db, abs=2.0)
    assert near.echo_db == pytest.approx(mic.echo_db, abs=2.0)


def test_an_offset_is_told_and_is_no_sound() -> None:
    """A tenth of full scale would be -20 dBFS."""
    (near,) = measure(recordings(with_(offset=0.1))).channels
    assert near.offset == pytest.approx(0.1, abs=1e-3)
    assert near.floor_db == pytest.approx(-65.0, abs=0.5)


def test_what_is_not_there_is_not_heard() -> None:
    """Neither echo nor voice in noise, nor anything in a dead channel."""
    alone, dead, loopback = measure(recordings(ALONE, DEAD, LOOPBACK)).channels
    assert (alone.echo_db, alone.delay_ms, alone.voice_db, alone.is_dead) == (None, None, None, False)
    assert (dead.echo_db, dead.voice_db, dead.is_dead) == (None, None, True)
    assert loopback.echo_db == pytest.approx(PLAYED_DBFS, abs=0.2) and loopback.delay_ms == 10
    assert loopback.voice_db is None and not loopback.is_dead


@pytest.mark.parametrize(
    ("samples", "found"),
    [
        ([0, 32767, 0, 32767, 32767, 0, 0, 0, 0, 0], Clipping(0.0, 0)),
        ([0, 32767, 32767, 32767, 0, 0, 0, 0, 0, 0], Clipping(0.3, 1)),
        ([32760, 32767, 32767, -32768, -32768, -32768, 0, 0, 32767, 32767], Clipping(0.6, 2)),
        ([-32768] * 10, Clipping(1.0, 1)),
        ([30000] * 10, Clipping(0.0, 0)),
    ],
)
def test_flat_tops_are_clipping_and_a_touch_of_full_scale_is_not(samples: list[int], found: Clipping) -> None:
    """Runs of three samples at one end, as a share of all."""
    assert clipping(np.array(samples, np.int16)) == found
