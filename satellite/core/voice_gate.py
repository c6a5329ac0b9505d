"""Lets a stream out only while somebody speaks, and what was heard shortly before and after."""

from collections.abc import Callable

from satellite.core.preroll import Preroll
from satellite.core.units import Frames, Probability, frames

# a wake word is half spoken before the voice detector is sure, and the models want to hear what was before it
LEAD_FRAMES = frames(2000)

# openWakeWord looks back 1.3 s, and a pause inside a word must not cut it
HANG_FRAMES = frames(2000)

# the voice detector's own middle
VOICE_PROBABILITY = 0.5


class VoiceGate:
    """`pass_on` gets pieces in order, none of them twice: a whole lead when the gate opens, and then what comes."""

    def __init__(self, pass_on: Callable[[Frames, bytes], None]) -> None:
        self._pass_on = pass_on
        self._recent = Preroll(LEAD_FRAMES, LEAD_FRAMES)
        self._open_until = self._passed = Frames(0)

    def voice(self, end: Frames, probability: Probability) -> None:
        """The voice detector's word on a window of the stream that ends there."""
        if probability >= VOICE_PROBABILITY:
            self._open_until = Frames(end + HANG_FRAMES)

    def heard(self, first: Frames, pcm: bytes) -> None:
        """A new period of the stream."""
        self._recent.append(first, pcm)
        if first < self._open_until:
            begin, out = self._recent.read(max(self._passed, self._recent.first))
            self._passed = self._recent.end
            self._pass_on(begin, out)
