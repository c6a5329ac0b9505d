"""Conversion of sample formats: what goes out comes in, and only the lowest bits are lost."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from satellite.audio.card import Samples
from satellite.audio.sample_format import SAMPLE_FORMATS, SampleFormat

FORMATS = pytest.mark.parametrize("sample_format", SAMPLE_FORMATS.values(), ids=lambda each: each.name)

BITS = {"S16_LE": 16, "S24_LE": 24, "S24_3LE": 24, "S32_LE": 32}

mono = arrays(np.int16, st.integers(0, 50))
channel_counts = st.integers(1, 8)


def values(sample_format: SampleFormat, octets: bytes) -> list[int]:
    """The samples as ALSA's documentation defines them: the lower 24 bits of four bytes, or all of the bytes."""
    width, used = sample_format.octets, BITS[sample_format.name] // 8
    words = [octets[at : at + used] for at in range(0, len(octets), width)]
    return [int.from_bytes(word, "little", signed=True) for word in words]


@FORMATS
@given(samples=mono, channels=channel_counts)
def test_every_channel_of_what_is_played_is_what_was_given(sample_format: SampleFormat, samples: Samples, channels: int) -> None:
    """Whatever is interleaved comes back from each channel, unchanged."""
    frames = sample_format.interleaved(samples, channels)
    assert frames.flags.c_contiguous
    assert frames.shape == (len(samples), channels * sample_format.octets)
    for channel in range(channels):
        assert np.array_equal(sample_format.channel_of(frames.tobytes(), channels, channel), samples)


@FORMATS
@given(samples=mono, channels=channel_counts)
def test_a_sample_is_as_loud_in_every_format(sample_format: SampleFormat, samples: Samples, channels: int) -> None:
    """It is the same part of the format's full scale, in each channel."""
    scale = 2 ** (BITS[sample_format.name] - 16)
    expected = [int(sample) * scale for sample in samples for _ in range(channels)]
    assert values(sample_format, sample_format.interleaved(samples, channels).tobytes()) == expected


@FORMATS
@given(data=st.data(), channels=channel_counts)
def test_one_channel_is_picked_and_its_upper_bits_are_kept(
    sample_format: SampleFormat, data: st.DataObject, channels: int
) -> None:
    """Any bytes that a device may give are read as its samples without the bits that we have no room for."""
    count = data.draw(st.integers(0, 20))
    size = count * channels * sample_format.octets
    octets = data.draw(st.binary(min_size=size, max_size=size))
    channel = data.draw(st.integers(0, channels - 1))
    expected = [value >> (BITS[sample_format.name] - 16) for value in values(sample_format, octets)[channel::channels]]
    assert sample_format.channel_of(octets, channels, channel).tolist() == expected


def test_a_negative_sample_fills_the_unused_byte_with_its_sign() -> None:
    """Drivers differ in whether they look at the fourth byte of a 24-bit sample."""
    assert SAMPLE_FORMATS["S24_LE"].interleaved(np.array([-2], np.int16), 1).tobytes() == (-512).to_bytes(
        4, "little", signed=True
    )
