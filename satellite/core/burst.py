"""A stretch of voice: is it words that mean us, or a cough?

The judge sees what the voice detector says of the cancelled signal, window by window, and never asks the clock.
It tolerates gaps: people pause inside words, and a count that starts anew at one silent window never arrives.
"""

from dataclasses import dataclass
from enum import Enum

from satellite.core.events import VoiceWindow
from satellite.core.units import Frames, Millis, frames, millis

# a window that is speech, by the voice detector's own recommendation
ACTIVE_PROBABILITY = 0.5

# enough windows for the longest word that is still in doubt and the silence after it
MEMORY_FRAMES = frames(3000)


class Judgement(Enum):
    """What a stretch of voice turned out to be."""

    OPEN = "too early to say"
    WORDS = "somebody means us"
    NOISE = "a cough, a laugh, a listener's mm-hm"


@dataclass(frozen=True, slots=True)
class BurstRule:
    """When a stretch of voice is judged."""

    # nobody coughs this long; DESIGN 4
    commit_ms: Millis = Millis(500)
    # shorter than any command: the shortest spoken "stop" measured has 300 ms of speech windows
    shortest_word_ms: Millis = Millis(250)
    # longer than the closures inside a word, shorter than the 700 ms in which a reply must go on
    quiet_ms: Millis = Millis(350)


@dataclass(frozen=True, slots=True)
class Burst:
    """The last seconds of voice windows, oldest first."""

    windows: tuple[VoiceWindow, ...] = ()

    def add(self, window: VoiceWindow) -> "Burst":
        """With one more window; what is older than three seconds is forgotten."""
        kept = self.windows
        if kept and window.end - kept[0].end > MEMORY_FRAMES:
            kept = kept[1:]
        return Burst((*kept, window))

    def since(self, onset: Frames) -> "Burst":
        """Only what ended after an onset."""
        return Burst(tuple(w for w in self.windows if w.end > onset))

    @property
    def active(self) -> tuple[VoiceWindow, ...]:
        """The windows that are speech."""
        return tuple(w for w in self.windows if w.probability >= ACTIVE_PROBABILITY)

    @property
    def active_ms(self) -> Millis:
        """How much of it is speech."""
        return millis(sum(w.length for w in self.active))

    @property
    def quiet_ms(self) -> Millis:
        """For how long there has been none."""
        if not self.windows:
            return Millis(0)
        last = next((w.end for w in reversed(self.windows) if w.probability >= ACTIVE_PROBABILITY), None)
        since = self.windows[0].end - self.windows[0].length if last is None else last
        return millis(self.windows[-1].end - since)

    @property
    def onset(self) -> Frames | None:
        """Where its first speech window began."""
        active = self.active
        return Frames(active[0].end - active[0].length) if active else None

    def judge(self, rule: BurstRule) -> Judgement:
        """Words as soon as they are long enough; a short burst when it is over."""
        if self.active_ms >= rule.commit_ms:
            return Judgement.WORDS
        if self.quiet_ms < rule.quiet_ms:
            return Judgement.OPEN
        return Judgement.WORDS if self.is_word(rule) else Judgement.NOISE

    def is_word(self, rule: BurstRule) -> bool:
        """Whether a burst that is over was a short command rather than a cough. In doubt it was."""
        return self.active_ms >= rule.shortest_word_ms
