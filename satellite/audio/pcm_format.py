"""What a PCM really gives, and whether that will do: ALSA replaces what it cannot do by something else, silently."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

from satellite.core.units import PERIOD_MS, RATE_HZ

# the only sample format that is converted so far
SAMPLE_FORMAT = "S16_LE"

# ends every complaint: ALSA's own conversion takes any card
REMEDY = "a plughw: device converts"


@dataclass(frozen=True, slots=True)
class PcmFormat:
    """How a PCM was set up by its driver."""

    sample_format: str
    rate_hz: int
    channels: int
    device_period_frames: int
    buffer_frames: int

    @classmethod
    def of(cls, info: Mapping[str, Any]) -> Self:
        """From what pyalsaaudio's `PCM.info()` tells."""
        return cls(info["format_name"], info["rate"], info["channels"], info["period_size"], info["buffer_size"])

    @property
    def period_frames(self) -> int:
        """Of one of our periods, which need not be the device's."""
        return self.rate_hz * PERIOD_MS // 1000

    def rate_complaint(self) -> str | None:
        """Why its rate will not do, or None."""
        if self.rate_hz < RATE_HZ:
            return f"runs at {self.rate_hz} Hz and at least {RATE_HZ} are needed ({REMEDY})"
        if self.rate_hz * PERIOD_MS % 1000:
            return f"runs at {self.rate_hz} Hz, of which {PERIOD_MS} ms are no whole number of samples ({REMEDY})"
        return None

    def complaint(self, channel: int) -> str | None:
        """Why it will not do for somebody who wants that channel, or None."""
        if self.sample_format != SAMPLE_FORMAT:
            return f"has {self.sample_format} samples and only {SAMPLE_FORMAT} is understood ({REMEDY})"
        if channel >= self.channels:
            return f"has {self.channels} channels, and channel {channel} is wanted (they count from 0)"
        return self.rate_complaint()
