"""The microphone as the engine gets it."""

import numpy as np
import pytest

from satellite.audio.capture import Capture, Punctuality
from satellite.audio.card import Samples


class _Microphone:
    """Gives one period after another, and returns what is played."""

    rate_hz = 16_000
    overruns = 0
    every_channel = None

    def __init__(self, *periods: Samples) -> None:
        self._periods = list(periods)
        self.loopback: Samples | None = None

    def read(self) -> Samples | None:
        self.loopback = self._periods[0] if self._periods else None
        return self._periods.pop(0) if self._periods else None


def _ramp() -> Samples:
    return np.linspace(-32768, 32767, 160).astype(np.int16)


def test_without_a_gain_nothing_is_touched() -> None:
    """Not even copied."""
    period = _ramp()
    assert Capture(_Microphone(period)).read() is period


@pytest.mark.parametrize(("gain_db", "factor"), [(20.0, 10.0), (-20.0, 0.1), (6.0206, 2.0)])
def test_a_gain_is_exact_and_stops_at_full_scale(gain_db: float, factor: float) -> None:
    """It does not wrap around."""
    period = Capture(_Microphone(_ramp()), gain_db).read()
    assert period is not None and period.dtype == np.int16
    assert np.abs(period - np.clip(_ramp() * factor, -32768, 32767)).max() <= 1.0


def test_what_was_played_is_not_amplified() -> None:
    """It is compared with what was written."""
    capture = Capture(_Microphone(_ramp()), 20.0)
    capture.read()
    assert capture.loopback is not None and np.array_equal(capture.loopback, _ramp())


def test_no_period_is_none() -> None:
    """With a gain, too."""
    assert Capture(_Microphone(), 20.0).read() is None


def test_a_thread_that_comes_too_late_is_counted_once() -> None:
    """Two periods at a time are what a device with a period of 20 ms gives; at three a deadline was missed."""
    punctuality = Punctuality()
    for waiting in (1, 2, 3, 1, 50, 0):
        for _ in range(waiting):
            punctuality.found(True)
        punctuality.found(False)
    assert punctuality.misses == 2
