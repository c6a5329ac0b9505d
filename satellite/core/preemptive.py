"""Preemptive generation: an answer is asked for before the user has ended, from what has been understood by then.

What the user says at last decides whether that answer is spoken. The strategies are those of the voice session tutorial.
"""

import re
from collections import Counter
from enum import StrEnum

from satellite.core.units import Millis

# between two words of a sentence hardly anybody is silent for so long
PAUSE_MS = Millis(250)

# and if in such a pause a partial transcript has not grown for so long, it may be all: speech-to-text is late, but not by more
STABLE_MS = Millis(150)

# as much of the words as two transcripts of one sentence share
SIMILAR = 0.8

_WORD = re.compile(r"[\w']+")


class Preemptive(StrEnum):
    """What becomes of an answer to a partial transcript."""

    NEVER = "never"
    USE_IF_SIMILAR = "use-if-similar"
    ALWAYS = "always"
    DISCARD = "discard"


def is_used(strategy: Preemptive, early: str, final: str) -> bool:
    """Whether the answer to an early transcript is the answer to the final one. `discard` only warms the server up."""
    match strategy:
        case Preemptive.ALWAYS:
            return True
        case Preemptive.USE_IF_SIMILAR:
            return overlap(early, final) >= SIMILAR
        case _:
            return False


def overlap(one: str, other: str) -> float:
    """The share of the longer text's words that both have, whatever their case and punctuation; 0 without any words."""
    words, others = Counter(_words(one)), Counter(_words(other))
    return (words & others).total() / max(words.total(), others.total(), 1)


def _words(text: str) -> list[str]:
    return _WORD.findall(text.casefold())
