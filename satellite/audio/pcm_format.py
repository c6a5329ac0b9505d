"""What is asked of a PCM, what its device can do, and what it gives: ALSA replaces what it cannot do, silently."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any, Self

from satellite.audio.sample_format import SAMPLE_FORMATS
from satellite.core.units import PERIOD_MS, RATE_HZ

# what sound cards that cannot do the wanted rate can do
OTHER_RATES_HZ = (48_000, 44_100, 16_000)

# of channels, from the least that will do: a device that refuses both with every format and rate is refused
_MOST_COUNTS = 2

# ends every complaint: ALSA's own conversion takes any card
REMEDY = "a plughw: device converts"


@dataclass(frozen=True, slots=True)
class Wish:
    """What is asked of a PCM. `channels` is the least; more will do."""

    rate_hz: int
    channels: int
    sample_format: str = "S16_LE"


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

    def grants(self, wish: Wish) -> bool:
        """Whether this is what was asked for, and will do."""
        as_asked = (self.sample_format, self.rate_hz) == (wish.sample_format, wish.rate_hz)
        return as_asked and self.channels >= wish.channels and will_do(self.rate_hz)


@dataclass(frozen=True, slots=True)
class Ability:
    """What a device can do, though not all of it together. `rates_hz` are all there are, unless it is a range."""

    sample_formats: Sequence[str]
    rates_hz: Sequence[int]
    channels: Sequence[int]

    @classmethod
    def of(cls, formats: Mapping[str, int], rates: int | Sequence[int], channels: Sequence[int]) -> Self:
        """From what pyalsaaudio's `getformats()`, `getrates()` and `getchannels()` tell."""
        if isinstance(rates, tuple):
            rates = range(rates[0], rates[1] + 1)
        counts: Sequence[int] = sorted(channels)
        if len(counts) > 1 and counts[-1] - counts[0] == len(counts) - 1:
            counts = range(counts[0], counts[-1] + 1)
        return cls(tuple(formats), (rates,) if isinstance(rates, int) else rates, counts)

    def wishes(self, rate_hz: int, channels: int) -> Iterator[Wish]:
        """What may be granted, best first: the wanted rate, or else a usual one, or else any."""
        listed = () if isinstance(self.rates_hz, range) else self.rates_hz
        rates = [hz for hz in dict.fromkeys((rate_hz, *OTHER_RATES_HZ, *listed)) if hz in self.rates_hz and will_do(hz)]
        counts = [count for count in self.channels if count >= channels][:_MOST_COUNTS]
        formats = [name for name in SAMPLE_FORMATS if name in self.sample_formats]
        for hz, count, name in product(rates, counts, formats):
            yield Wish(hz, count, name)

    def complaint(self, channels: int) -> str:
        """Why none of its wishes was granted."""
        if self.channels and channels > self.channels[-1]:
            most = self.channels[-1]
            return f"has no more than {most} channel{'s' * (most > 1)}, and channel {channels - 1} is wanted (they count from 0)"
        if not set(SAMPLE_FORMATS) & set(self.sample_formats):
            return f"has {listed(self.sample_formats)} samples; understood are {listed(tuple(SAMPLE_FORMATS))} ({REMEDY})"
        if not any(will_do(hz) for hz in self.rates_hz):
            needed = f"at least {RATE_HZ} Hz, and whole samples in {PERIOD_MS} ms"
            return f"runs at {listed(self.rates_hz)} Hz; needed are {needed} ({REMEDY})"
        return f"refuses every combination of what it can do ({REMEDY})"


def will_do(rate_hz: int) -> bool:
    """Whether our periods can be made of it: 10 ms are a whole number of samples, and nothing has to be invented."""
    return rate_hz >= RATE_HZ and rate_hz * PERIOD_MS % 1000 == 0


def listed(values: Sequence[object]) -> str:
    """For a reader; neighbours without end are told by the first and the last."""
    return f"{values[0]} to {values[-1]}" if isinstance(values, range) else ", ".join(map(str, values)) or "no usual"
