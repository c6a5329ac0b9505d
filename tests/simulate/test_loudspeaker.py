"""What loudspeakers do wrong, measured on what they emit."""

import math

import numpy as np
import pytest

from satellite.simulate.loudspeaker import (
    ATTACK_MS,
    LOUDEST,
    RELEASE_MS,
    THRESHOLD,
    Chain,
    Limiter,
    Linear,
    Loudspeaker,
    SoftClip,
)
from satellite.simulate.signals import Signal, signal
from tests.simulate.recordings import recording

# whole cycles in a second, so that a transform of it shows lines; its first eight harmonics are below 8 kHz
TONE_HZ = 800


def tone(seconds: float, peak: float) -> Signal:
    return (peak * np.sin(2 * np.pi * TONE_HZ / 16_000 * np.arange(int(seconds * 16_000)))).astype(np.float32)


def distortion(sound: Signal) -> float:
    """All harmonics over the fundamental, of one second."""
    lines = np.abs(np.fft.rfft(sound.astype(np.float64)))[TONE_HZ::TONE_HZ]
    return math.sqrt(float(np.sum(lines[1:] ** 2))) / float(lines[0])


def level_db(sound: Signal) -> float:
    return 10 * math.log10(float(np.mean(sound.astype(np.float64) ** 2)))


@pytest.mark.parametrize("thd", [0.01, 0.05, 0.10])
def test_soft_clip_distorts_the_loudest_as_stated(thd: float) -> None:
    """A full second of sine at -6 dBFS has the harmonics it was asked to have, and the odd ones only."""
    out = SoftClip(thd).emit(tone(1, LOUDEST))
    lines = np.abs(np.fft.rfft(out.astype(np.float64)))[TONE_HZ::TONE_HZ]
    assert distortion(out) == pytest.approx(thd, rel=1e-3)
    assert lines[1] < 1e-5 * lines[0] < lines[2]


@pytest.mark.parametrize(("thd", "louder"), [(0.01, 0.018), (0.05, 0.082), (0.10, 0.15)])
def test_soft_clip_distorts_what_is_louder_more(thd: float, louder: float) -> None:
    """At the median peak of the replies that figures were taken with, by what the bench says of it."""
    assert distortion(SoftClip(thd).emit(tone(1, 10 ** (-3.4 / 20)))) == pytest.approx(louder, rel=0.01)


@pytest.mark.parametrize("thd", [0.01, 0.05, 0.10])
def test_soft_clip_lets_the_soft_pass(thd: float) -> None:
    """40 dB below the loudest nothing is changed by more than 2e-4 of it."""
    soft = tone(1, LOUDEST / 100)
    assert np.abs(SoftClip(thd).emit(soft) - soft).max() < 2e-4 * LOUDEST / 100


@pytest.mark.parametrize("thd", [0.0, -0.1, 0.5, math.nan])
def test_soft_clip_refuses_what_it_cannot_do(thd: float) -> None:
    """Neither nothing nor more than a square wave has."""
    with pytest.raises(ValueError, match="no soft clipping"):
        SoftClip(thd)


def test_limiter_holds_peaks_at_the_threshold() -> None:
    """A sine 12 dB too loud is 12 dB softer once the attack is over, nearly undistorted; one below is untouched."""
    out = Limiter().emit(tone(2, THRESHOLD * 4))[16_000:]
    assert np.abs(out).max() == pytest.approx(THRESHOLD, rel=0.01)
    assert distortion(out) < 0.005
    soft = tone(1, THRESHOLD * 0.999)
    assert np.array_equal(Limiter().emit(soft), soft)


def test_limiter_lets_an_onset_pass_and_is_down_after_the_attack() -> None:
    """Without look-ahead the first sample is nearly as it was; after three time constants 5 % of the way is left."""
    out = 20 * np.log10(Limiter().emit(np.full(1600, 4 * THRESHOLD, np.float32)) / THRESHOLD)
    assert out[0] > 11
    after = int(3 * ATTACK_MS * 16)
    assert out[after - 1] == pytest.approx(20 * math.log10(4) * math.exp(-3), rel=0.01)


def test_limiter_comes_back_with_its_release() -> None:
    """After the loud is over, what is soft is as much too soft as the time constant says."""
    limiter = Limiter()
    limiter.emit(np.full(3200, 4 * THRESHOLD, np.float32))
    soft = limiter.emit(np.full(16_000, THRESHOLD / 10, np.float32)) * 10 / THRESHOLD
    for times in (0.5, 1, 2, 4):
        # the attack's smoothing lags by its own constant
        at = int((times * RELEASE_MS + ATTACK_MS) * 16)
        assert 20 * math.log10(soft[at]) == pytest.approx(-20 * math.log10(4) * math.exp(-times), rel=0.01)


def test_chain_limits_first_and_clips_then() -> None:
    """Each stage gets what the one before emits; the limiter spares the clipper its loudest."""
    reply = signal(recording("heart_medium_67966"))
    out = Chain(Limiter(), SoftClip(0.1)).emit(reply)
    assert np.array_equal(out, SoftClip(0.1).emit(Limiter().emit(reply)))
    loud = tone(2, LOUDEST)
    assert distortion(Chain(Limiter(), SoftClip(0.1)).emit(loud)[16_000:]) < 0.04 < distortion(SoftClip(0.1).emit(loud)[16_000:])
    assert level_db(out) < level_db(reply) - 1


@pytest.mark.parametrize("make", [Linear, lambda: SoftClip(0.05), Limiter, lambda: Chain(Limiter(), SoftClip(0.05))])
def test_cuts_do_not_matter(make: type[Loudspeaker]) -> None:
    """In blocks of any length, none among them, the same comes out as at once, and what goes in is left alone."""
    reply = signal(recording("heart_medium_67966")[:48_000])
    given, loudspeaker, parts, at = reply.copy(), make(), [], 0
    for length in np.random.default_rng(3).integers(0, 700, 200):
        parts.append(loudspeaker.emit(given[at : at + int(length)]))
        at += int(length)
    out = np.concatenate(parts)
    assert len(out) == len(reply) and out.dtype == np.float32
    assert np.abs(out - make().emit(reply)).max() < 1e-6
    assert np.array_equal(given, reply)
