"""The resampler of the audio thread: what it keeps, what it removes, and by how much it is late."""

import numpy as np
import pytest
import soxr
from numpy.typing import NDArray

from satellite.audio.card import Samples
from satellite.audio.resample import DELAY_FRAMES, PeriodResampler
from satellite.core.units import PERIOD_FRAMES, RATE_HZ

RATES_HZ = (44_100, 48_000, 96_000, 32_000, 22_100)
PERIODS = 200


def resampled(samples: Samples, rate_hz: int) -> Samples:
    resampler, count = PeriodResampler(rate_hz), rate_hz // 100
    return np.concatenate([resampler.period(samples[at : at + count]) for at in range(0, len(samples), count)])


def band_noise(rate_hz: int) -> NDArray[np.float64]:
    """Noise below 6.4 kHz, 16-bit scale."""
    count = rate_hz // 100 * PERIODS
    spectrum = np.fft.rfft(np.random.default_rng(1).standard_normal(count))
    spectrum[np.fft.rfftfreq(count, 1 / rate_hz) > 6400] = 0.0
    noise = np.fft.irfft(spectrum, count)
    return noise * 3000 / noise.std()


def level_db(samples: Samples, amplitude: float) -> float:
    mean = np.mean(samples[RATE_HZ // 10 :].astype(np.float64) ** 2)
    return float(10 * np.log10(mean / (amplitude**2 / 2) + 1e-12))


@pytest.mark.parametrize("rate_hz", RATES_HZ)
def test_it_is_late_by_its_delay_and_nothing_else(rate_hz: int) -> None:
    """Shifted by the delay that it states, the output is the input as a resampler without any delay gives it."""
    noise = band_noise(rate_hz)
    out = resampled(noise.astype(np.int16), rate_hz).astype(np.float64)
    assert len(out) == PERIODS * PERIOD_FRAMES
    ideal = soxr.resample(noise, rate_hz, RATE_HZ, quality="VHQ")
    inner = slice(1000, len(out) - 1000)
    error = out[DELAY_FRAMES:][inner] - ideal[inner]
    assert 10 * np.log10(np.mean(error**2) / np.mean(ideal**2)) < -65


@pytest.mark.parametrize("rate_hz", RATES_HZ)
@pytest.mark.parametrize(
    ("hz", "least_db", "most_db"), [(100, -0.1, 0.1), (6400, -0.1, 0.1), (8800, -200, -60), (10_500, -200, -65)]
)
def test_speech_passes_and_what_would_alias_does_not(rate_hz: int, hz: int, least_db: float, most_db: float) -> None:
    """Nothing is lost below 6.5 kHz, and nothing from above 8.8 kHz comes back as something lower."""
    tone = 16_000 * np.sin(2 * np.pi * hz * np.arange(rate_hz // 100 * PERIODS) / rate_hz)
    assert least_db <= level_db(resampled(np.rint(tone).astype(np.int16), rate_hz), 16_000) <= most_db


@pytest.mark.parametrize("value", [-32768, -1, 0, 1, 32767])
def test_what_is_constant_stays_so_and_full_scale_does_not_wrap(value: int) -> None:
    """At every place between two samples the kernel's sum is one."""
    out = resampled(np.full(441 * 10, value, np.int16), 44_100)
    assert (out[2 * PERIOD_FRAMES :] == value).all()
    square = np.where(np.arange(441 * 10) % 40 < 20, 32767, -32768).astype(np.int16)
    assert np.abs(np.diff(resampled(square, 44_100).astype(np.int32))).max() < 65536
