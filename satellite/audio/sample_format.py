"""Between a device's interleaved frames and our 16-bit mono: the upper 16 bits of whatever it has."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from satellite.audio.card import Samples

Octets = NDArray[np.uint8]
"""Shape (frames, octets of a frame)."""


@dataclass(frozen=True, slots=True)
class SampleFormat:
    """A signed little-endian format, by its ALSA name. `low_bits`: of a sample, below the 16 that we keep."""

    name: str
    octets: int
    low_bits: int

    def channel_of(self, data: bytes, channels: int, channel: int) -> Samples:
        """One channel of interleaved frames."""
        frames = np.frombuffer(data, np.uint8).reshape(-1, channels * self.octets)
        first = channel * self.octets + self.low_bits // 8
        return np.ascontiguousarray(frames[:, first : first + 2]).view("<i2")[:, 0]

    def interleaved(self, samples: Samples, channels: int) -> Octets:
        """Frames with the same sample in every channel."""
        wide = np.left_shift(samples.astype("<i4"), self.low_bits)
        return np.tile(wide.view(np.uint8).reshape(-1, 4)[:, : self.octets], channels)


# in the order in which they are asked for: 16 bits are all that is used, and 32 are cheaper to cut than 24
SAMPLE_FORMATS = {
    each.name: each
    for each in (
        SampleFormat("S16_LE", 2, 0),
        SampleFormat("S32_LE", 4, 16),
        SampleFormat("S24_LE", 4, 8),
        SampleFormat("S24_3LE", 3, 8),
    )
}
