"""The sounds that come with us: a few soft notes each, computed at the speaker's rate."""

from collections.abc import Mapping, Sequence

import numpy as np

from satellite.audio.card import Samples

# Softer than speech, and above a room's noise. A few notes tell a canceller that has not learnt the room less than nothing: if
# they are half as loud again, it takes the user's first words for their echo
_PEAK = 0.10

# its first overtone: without it a small loudspeaker is hardly heard
_OVERTONE = 0.3

Note = tuple[float, float]
"""Its pitch in Hz, 0 for silence, and its length in seconds."""

MELODIES: Mapping[str, Sequence[Note]] = {
    # up a fourth: go ahead. Short, as the user may be speaking already
    "awake": ((660.0, 0.07), (880.0, 0.09)),
    # one low note: got it
    "done": ((440.0, 0.09),),
    # down a fourth: nobody takes it for good news
    "error": ((440.0, 0.13), (330.0, 0.13)),
    # hardly more than a tick: the user is in the middle of a sentence
    "interrupted": ((587.0, 0.05),),
    # three times two notes, from which one wakes and does not start
    "timer": 3 * ((784.0, 0.12), (1047.0, 0.16), (0.0, 0.12)),
    # as a door: it falls shut, and opens
    "mute": ((523.0, 0.08), (392.0, 0.10)),
    "unmute": ((392.0, 0.08), (523.0, 0.10)),
}


def melody(name: str, rate_hz: int) -> Samples:
    """One of them; it begins and ends without a click."""
    return np.concatenate([_note(hertz, seconds, rate_hz) for hertz, seconds in MELODIES[name]])


def _note(hertz: float, seconds: float, rate_hz: int) -> Samples:
    t = np.arange(int(rate_hz * seconds)) / rate_hz
    swell = np.sin(np.pi * t / seconds) ** 2
    note = np.sin(2 * np.pi * hertz * t) + _OVERTONE * np.sin(4 * np.pi * hertz * t)
    samples: Samples = (note * swell * _PEAK * 32767 / (1 + _OVERTONE)).astype(np.int16)
    return samples
