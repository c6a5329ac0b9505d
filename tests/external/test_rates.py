"""Bytes of any kind become rows that a card may give."""

import numpy as np
import pytest

from satellite.audio.pcm_format import will_do
from satellite.audio.sample_format import SAMPLE_FORMATS
from satellite.external.rates import Resampler, Rows, card_rate_hz


@pytest.mark.parametrize(
    ("rate_hz", "card_hz"),
    [(16_000, 16_000), (48_000, 48_000), (44_100, 44_100), (22_050, 22_100), (8000, 16_000), (11_025, 16_000)],
)
def test_the_rate_of_the_card_is_one_that_will_do(rate_hz: int, card_hz: int) -> None:
    """The same, wherever that will."""
    assert card_rate_hz(rate_hz) == card_hz
    assert will_do(card_hz)


def test_odd_pieces_become_whole_frames() -> None:
    """In order, none lost and none torn, whatever the pieces are."""
    frames = np.arange(3000, dtype=np.int16).reshape(-1, 3)
    data, rows, at, out = frames.tobytes(), Rows(SAMPLE_FORMATS["S16_LE"], 3, (2, 0)), 0, []
    for size in (1, 5, 7, 1000, 0, 13):
        out.append(rows.of(data[at : at + size]))
        at += size
    out.append(rows.of(data[at:]))
    assert np.array_equal(np.concatenate(out, axis=1), frames.T[[2, 0]])


@pytest.mark.parametrize(
    ("from_hz", "to_hz", "rows"), [(22_050, 22_100, 1), (22_100, 22_050, 1), (8000, 16_000, 2), (16_000, 16_000, 2)]
)
def test_resampling_in_pieces_keeps_the_tone(from_hz: int, to_hz: int, rows: int) -> None:
    """Each row its own, at the other rate; what is held back is less than a fifth of a second."""
    at = np.arange(from_hz) / from_hz
    tones = np.stack([10_000 * np.sin(2 * np.pi * hz * at) for hz in (440, 1000)[:rows]]).astype(np.int16)
    resampler = Resampler(from_hz, to_hz, rows)
    step = from_hz // 100
    out = np.concatenate([resampler.of(tones[:, n : n + step]) for n in range(0, from_hz, step)], axis=1)
    assert 0.8 * to_hz < out.shape[1] <= to_hz
    for row, hz in zip(out, (440, 1000), strict=False):
        spectrum = np.abs(np.fft.rfft(row * np.hanning(len(row))))
        assert abs(np.argmax(spectrum) * to_hz / len(row) - hz) < 3.0


def test_what_is_forgotten_is_not_told() -> None:
    """Of a sound that has been stopped nothing comes after."""
    resampler = Resampler(16_000, 11_025, 1)
    loud, silence = np.full((1, 160), 9000, np.int16), np.zeros((1, 160), np.int16)
    assert any(resampler.of(loud).any() for _ in range(50))
    resampler.forget()
    # it dithers
    assert all(np.abs(resampler.of(silence)).max(initial=0) <= 1 for _ in range(50))


def test_between_rates_that_are_close_nothing_is_held_back() -> None:
    """A stop would be as much later."""
    resampler = Resampler(22_100, 22_050, 1)
    told = [resampler.of(np.full((1, 221), 100, np.int16)).shape[1] for _ in range(100)]
    assert 22_050 - sum(told) <= 3
