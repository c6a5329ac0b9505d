"""Units of the core, and the conversions between them."""

from typing import NewType

Frames = NewType("Frames", int)
"""Samples of a mono stream, or a place in it counted from its first sample; at RATE_HZ unless the name says otherwise."""

Millis = NewType("Millis", int)
"""Milliseconds, or a time on the satellite's stream clock (milliseconds since the service started)."""

Decibels = NewType("Decibels", float)
"""A level; relative to full scale unless the name says otherwise."""

Probability = NewType("Probability", float)

# what every model here was trained on
RATE_HZ = 16_000

# AEC3 takes exactly 10 ms a call, so that is the beat of everything
PERIOD_MS = 10
PERIOD_FRAMES = RATE_HZ * PERIOD_MS // 1000

# below 16-bit resolution; stands for silence where a logarithm is taken
SILENCE_DB = Decibels(-120.0)


def frames(ms: float) -> Frames:
    """Frames at RATE_HZ that last so many milliseconds."""
    return Frames(round(ms * RATE_HZ / 1000))


def millis(count: int, rate_hz: int = RATE_HZ) -> Millis:
    """Whole milliseconds that so many frames last, rounded down."""
    return Millis(count * 1000 // rate_hz)
