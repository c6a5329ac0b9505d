"""A device that fails is lost by its own half, whatever was asked of it. (What nobody but the clock tells: `test_thread`.)"""

from collections.abc import Callable

import numpy as np
import pytest

from satellite.audio.watch import HalfLost, WatchedSpeaker
from satellite.core.hardware import Half
from satellite.errors import DeviceError
from satellite.simulate.clock import VirtualClock
from tests.simulate.virtual import START_S


class _Gone:
    """A speaker that was pulled."""

    rate_hz, capacity_frames, underruns = 16_000, 480, 0

    def queued(self) -> int:
        raise DeviceError("it is gone")

    def write(self, samples: object) -> int:
        raise DeviceError("it is gone")

    def drop(self) -> None:
        raise DeviceError("it is gone")


@pytest.mark.parametrize("ask", [WatchedSpeaker.queued, WatchedSpeaker.drop, lambda s: s.write(np.zeros(160, np.int16))])
def test_a_speaker_that_is_gone_is_no_lost_microphone(ask: Callable[[WatchedSpeaker], object]) -> None:
    """Also where it is noticed in the act of stopping a reply."""
    with pytest.raises(HalfLost, match="it is gone") as lost:
        ask(WatchedSpeaker(_Gone(), "the speaker", VirtualClock(START_S).now_s))
    assert lost.value.half is Half.SPEAKER
