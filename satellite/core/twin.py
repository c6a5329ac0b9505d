"""The twin run: a word that our own reply says is not the user's.

The same words are looked for in what the microphone gives and in what the loudspeaker is given. The latter leads its echo by the
loop delay of 10 to 250 ms, so what is said by us is known in time, and no detection has to wait for it.

A person who says the word at that very instant is not heard either. He says it again.
"""

from satellite.core.units import Frames, frames

# What the loudspeaker is given counts from this share of the word's threshold on: some words are found in an echo that are just
# missed in what it is the echo of, or are found there later. `python -m tests.wake_twin`: of 359 found in echoes, the whole
# threshold misses 22 and half of it none.
TWIN_SHARE = 0.5

# About twice the longest time from when we were last heard to say it until its echo is found: 90 ms with microWakeWord, 160 ms
# with openWakeWord (same command). It is the user's loss: while other speech is our reply a word is vetoed for 0.5 % of the time.
WITHIN_MS = 300

_WITHIN = frames(WITHIN_MS)


class Twin:
    """What our own reply has been heard to say, word by word, in frames of the microphone's stream."""

    def __init__(self) -> None:
        self._said: dict[str, Frames] = {}

    def said(self, name: str, at: Frames) -> None:
        """A word was found in what the loudspeaker was given by then."""
        self._said[name] = at

    def vetoes(self, name: str, at: Frames) -> bool:
        """Whether the word that the microphone gave by then is our own."""
        # a stream that began anew counts from 0 again: what was said before it is over
        return name in self._said and 0 <= at - self._said[name] <= _WITHIN
