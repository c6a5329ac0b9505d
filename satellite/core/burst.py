"""A stretch of voice: is it words that mean us, or a cough?

The judge sees, window by window, what the voice detector says of the cancelled signal, and how voiced and how loud the raw
microphone is wherever no reply drowns it. It never asks the clock.
It tolerates gaps: people pause inside words, and a count that starts anew at one silent window never arrives.
"""

from dataclasses import dataclass, replace
from enum import Enum

from satellite.core.echo import power
from satellite.core.events import VoiceWindow
from satellite.core.units import SILENCE_DB, Frames, Millis, Probability, frames, millis

# a window that is speech, by the voice detector's own recommendation
ACTIVE_PROBABILITY = 0.5

# enough windows for the longest word that is still in doubt and the silence after it
MEMORY_FRAMES = frames(3000)


class Judgement(Enum):
    """What a stretch of voice turned out to be."""

    OPEN = "too early to say"
    WORDS = "somebody means us"
    NOISE = "a cough, a laugh, a listener's mm-hm"


# a background is as loud as its loud moments; whoever is as loud as this below them speaks over it
_BACKGROUND_SLACK_DB = 3.0

# below its loudest window by more than this a burst is the room's tail
_TAIL_DB = 20.0


@dataclass(frozen=True, slots=True)
class BurstRule:
    """When a stretch of voice is judged.

    A short one is a word by its vowels: coughs are loud where they are breath, words where they are voiced. Or, for words like
    "stop", of which little is voiced, by enough windows of speech with a little of a vowel among them, or of which the voice
    detector is certain. In doubt it is a word: a "stop" that does not stop is worse than a cough that does.
    """

    # nobody coughs this long
    commit_ms: Millis = Millis(500)
    # a window this voiced is a vowel; three coughs of 44 have as many of them, and three words of four
    vowel_voicing: float = 0.6
    vowels_ms: Millis = Millis(80)
    # of the whole burst, by the power of its windows
    word_voicing: float = 0.5
    # a hum or a moan is nothing to the voice detector
    word_probability: float = 0.30
    # of the words without vowels; a burp reaches it, coughs do not
    sure_probability: float = 0.90
    shortest_ms: Millis = Millis(112)
    # of a word of that length, the least of a vowel: two windows, and no less voiced than the softest words. Commands that end
    # the reply 47 -> 52 of 57 on the half that it was chosen on, coughs 6 -> 8 of 36; 39 -> 44 of 48 on the other, and 1 of 33
    brief_vowel_ms: Millis = Millis(32)
    brief_voicing: float = 0.3
    # longer than the closures inside a word, shorter than the 700 ms in which a reply must go on
    quiet_ms: Millis = Millis(350)
    # what the detector was late for belongs to the burst
    before_onset_ms: Millis = Millis(100)


@dataclass(frozen=True, slots=True)
class Burst:
    """The last seconds of voice windows, oldest first."""

    windows: tuple[VoiceWindow, ...] = ()

    def add(self, window: VoiceWindow) -> "Burst":
        """With one more window; what is older than three seconds is forgotten."""
        if _is_background(window):
            window = replace(window, probability=Probability(0.0), voicing=0.0)
        kept = self.windows
        if kept and window.end - kept[0].end > MEMORY_FRAMES:
            kept = kept[1:]
        return Burst((*kept, window))

    def since(self, onset: Frames) -> "Burst":
        """Only what ended after an onset."""
        return Burst(tuple(w for w in self.windows if w.end > onset))

    def around(self, onset: Frames, rule: BurstRule) -> "Burst":
        """What is judged of a voice with this onset."""
        return self.since(Frames(onset - frames(rule.before_onset_ms)))

    @property
    def active(self) -> tuple[VoiceWindow, ...]:
        """The windows that are speech."""
        return tuple(w for w in self.windows if w.probability >= ACTIVE_PROBABILITY)

    @property
    def active_ms(self) -> Millis:
        """How much of it is speech."""
        return _length_ms(self.active)

    def vowels(self, rule: BurstRule) -> tuple[VoiceWindow, ...]:
        """The windows that are voiced, and no tail of the room."""
        loudest = max((w.level for w in self.windows), default=SILENCE_DB)
        return tuple(w for w in self.windows if w.voicing >= rule.vowel_voicing and w.level >= loudest - _TAIL_DB)

    def spoken(self, rule: BurstRule) -> tuple[VoiceWindow, ...]:
        """The windows that are speech or vowels: just out of double talk the detector hears less than there is."""
        vowels = self.vowels(rule)
        return tuple(w for w in self.windows if w.probability >= ACTIVE_PROBABILITY or w in vowels)

    def quiet_ms(self, rule: BurstRule) -> Millis:
        """For how long nothing has been spoken."""
        if not self.windows:
            return Millis(0)
        spoken = self.spoken(rule)
        since = spoken[-1].end if spoken else self.windows[0].end - self.windows[0].length
        return millis(self.windows[-1].end - since)

    @property
    def onset(self) -> Frames | None:
        """Where its first speech window began."""
        active = self.active
        return Frames(active[0].end - active[0].length) if active else None

    def judge(self, rule: BurstRule) -> Judgement:
        """Words as soon as they are long enough; a short burst when it is over."""
        if self.is_long(rule):
            return Judgement.WORDS
        if self.quiet_ms(rule) < rule.quiet_ms:
            return Judgement.OPEN
        return Judgement.WORDS if self.is_word(rule) else Judgement.NOISE

    def is_long(self, rule: BurstRule) -> bool:
        """Whether there are more words of it than anybody coughs."""
        return self.is_speech(rule) and _length_ms(self.spoken(rule)) >= rule.commit_ms

    def is_word(self, rule: BurstRule) -> bool:
        """Whether a burst that is over was a short command rather than a cough."""
        vowels_ms, voicing = _length_ms(self.vowels(rule)), self.voicing
        has_some = vowels_ms >= rule.brief_vowel_ms and voicing >= rule.brief_voicing
        if self.active_ms >= rule.shortest_ms and (self.is_sure(rule) or has_some):
            return True
        return vowels_ms >= rule.vowels_ms and voicing >= rule.word_voicing and self.is_speech(rule)

    def is_speech(self, rule: BurstRule) -> bool:
        """Whether the voice detector thought once that it might be."""
        return any(w.probability >= rule.word_probability for w in self.windows)

    def is_sure(self, rule: BurstRule) -> bool:
        """Whether the voice detector was sure of it once."""
        return any(w.probability >= rule.sure_probability for w in self.windows)

    @property
    def voicing(self) -> float:
        """Of the whole, by the power of its windows: 0 to 1."""
        powers = [power(w.level) for w in self.windows]
        total = sum(powers)
        if total == 0.0:
            return 0.0
        return sum(p * w.voicing for p, w in zip(powers, self.windows, strict=True)) / total


def _is_background(window: VoiceWindow) -> bool:
    """Whether it is no louder than what was going on before the reply; under a reply that cannot be told."""
    return window.level < window.background - _BACKGROUND_SLACK_DB


def _length_ms(windows: tuple[VoiceWindow, ...]) -> Millis:
    return millis(sum(w.length for w in windows))
