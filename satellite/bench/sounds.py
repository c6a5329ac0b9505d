"""Sounds that no corpus has, made from seeds: a door, a laugh, and rooms that are more or less furnished than recorded ones."""

import numpy as np

from satellite.audio.card import Samples
from satellite.core.units import RATE_HZ, frames
from satellite.simulate.signals import Signal, direct_path_frames, signal

# loud, and far from clipping
_PEAK = 0.5

# vocal tract of an "a", the resonances' frequencies and widths
_FORMANTS_HZ = ((730, 90), (1090, 110), (2440, 160))

# what follows the direct sound within this is its early part, which curtains do not touch
_EARLY = frames(2)


def door(seed: int) -> Samples:
    """Falls shut: a dull blow, and the latch 60 to 120 ms later."""
    dice = np.random.default_rng(seed)
    length = RATE_HZ // 2
    blow = _decaying(dice, length, decay_s=dice.uniform(0.05, 0.1), low_hz=dice.uniform(150, 400))
    latch = _decaying(dice, length, decay_s=0.012, low_hz=5000) * 0.3
    return _pcm(blow + np.roll(latch, frames(dice.uniform(60, 120))))


def _decaying(dice: np.random.Generator, length: int, decay_s: float, low_hz: float) -> Signal:
    noise = dice.standard_normal(length)
    spectrum = np.fft.rfft(noise)
    hertz = np.fft.rfftfreq(length, 1 / RATE_HZ)
    dull = np.fft.irfft(spectrum / (1 + (hertz / low_hz) ** 2), length)
    shaped: Signal = (dull / np.abs(dull).max() * np.exp(-np.arange(length) / (decay_s * RATE_HZ))).astype(np.float32)
    return shaped


def laugh(seed: int) -> Samples:
    """Four to six "ha", five a second: breath, then a falling vowel, as laughter is (Bachorowski et al. 2001)."""
    dice = np.random.default_rng(seed)
    pitch_hz = dice.uniform(140, 320)
    calls = [_ha(dice, pitch_hz * 0.94**i, 0.85**i) for i in range(dice.integers(4, 7))]
    return _pcm(np.concatenate(calls))


def _ha(dice: np.random.Generator, pitch_hz: float, gain: float) -> Signal:
    length, breath = frames(200), frames(70)
    phase = np.cumsum(np.full(length, pitch_hz / RATE_HZ) * np.linspace(1.05, 0.9, length))
    pulses = (np.diff(np.floor(phase), prepend=0.0) > 0).astype(np.float64)
    source = pulses * np.linspace(1.0, 0.3, length) + 0.03 * dice.standard_normal(length)
    source[:breath] = 0.08 * dice.standard_normal(breath)
    source[-frames(50) :] *= np.linspace(1.0, 0.0, frames(50))
    hertz = np.fft.rfftfreq(2 * length, 1 / RATE_HZ)
    tract = sum(1.0 / ((hertz - f) ** 2 + w**2) * w**2 for f, w in _FORMANTS_HZ)
    voiced: Signal = (gain * np.fft.irfft(np.fft.rfft(source, 2 * length) * tract)[:length]).astype(np.float32)
    return voiced


def furnished(response: Samples, from_rt60_s: float, to_rt60_s: float) -> Signal:
    """A room's impulse response with another decay of its tail; the direct sound stays as it is."""
    ir = signal(response)
    after = np.maximum(np.arange(len(ir)) - direct_path_frames(ir) - _EARLY, 0) / RATE_HZ
    # 60 dB in RT60 is a factor of 1000
    changed: Signal = (ir * 1000.0 ** (after / from_rt60_s - after / to_rt60_s)).astype(np.float32)
    return changed


def softly_begun(words: Samples, over_ms: float = 400, from_db: float = -20.0) -> Samples:
    """Somebody who begins almost in a whisper."""
    ramp = np.ones(len(words))
    count = min(frames(over_ms), len(words))
    ramp[:count] = 10.0 ** (np.linspace(from_db, 0.0, count) / 20.0)
    return (words * ramp).astype(np.int16)


def _pcm(sound: Signal) -> Samples:
    samples: Samples = (sound / np.abs(sound).max() * _PEAK * 32767).astype(np.int16)
    return samples
