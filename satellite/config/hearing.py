"""What is listened for: wake words, who may interrupt, and where an utterance ends."""

from collections import Counter
from collections.abc import Iterable
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import msgspec
from msgspec import Meta

from satellite.config.kinds import Live, Probability, Section, ServerUri
from satellite.core.say import Allow, FollowUp
from satellite.core.sensitivity import Sensitivity


class WakeEngine(StrEnum):
    """Whose models find the wake words in this process."""

    MICRO = "micro"
    OPEN = "open"


class Listen(StrEnum):
    """Who finds the wake word."""

    WAKE_WORD = "wake-word"
    ALWAYS = "always"


class SpokenWord(Section, frozen=True):
    """One word, and what is different about it."""

    name: Annotated[str, Meta(min_length=1, max_length=100)]
    threshold: Probability | None = None
    refractory_ms: Annotated[int, Meta(ge=0, le=60_000)] = 1500
    model: str | None = None

    @property
    def model_path(self) -> Path | None:
        """Of the model file; None for the one that the engine brings under this name."""
        return Path(self.model) if self.model else None


class WakeWord(SpokenWord, frozen=True):
    """One that wakes, and what follows it."""

    pipeline: str | None = None


class Wake(Section, frozen=True):
    """The wake words, and who finds them: an engine here, a service elsewhere (`uri`), or the hub (`listen: always`)."""

    engine: WakeEngine = WakeEngine.MICRO
    words: Annotated[tuple[str | WakeWord, ...], Meta(max_length=20)] = ("okay_nabu",)
    threshold: Live[Probability | None] = None
    uri: ServerUri | None = None
    listen: Listen = Listen.WAKE_WORD
    vad_gate: bool = False

    def __post_init__(self) -> None:
        """What contradicts itself is a mistake too."""
        if twice := _twice(self.each):
            raise ValueError(f"words: {twice!r} is there twice")
        if not self.words and self.is_remote:
            raise ValueError("words: there is none that could be listened for elsewhere")
        if self.uri and not 0 < int(self.uri.rpartition(":")[2]) < 65536:
            raise ValueError(f"uri: {self.uri} has a port that is none; they go from 1 to 65535")
        if self.uri and self.listen is Listen.ALWAYS:
            raise ValueError("uri, listen: the wake word is found by a service or by the hub (`listen: always`), not by both")
        if self.is_remote and any(word.model or word.threshold is not None for word in self.each):
            raise ValueError("threshold, model: whoever finds the words elsewhere has models and thresholds of its own")
        if self.vad_gate and not self.is_remote:
            raise ValueError("vad_gate: nothing is streamed that it could hold back; it needs `uri` or `listen: always`")

    @property
    def is_remote(self) -> bool:
        """Whether the microphone leaves this machine while nobody has said a wake word."""
        return self.uri is not None or self.listen is Listen.ALWAYS

    @property
    def each(self) -> tuple[WakeWord, ...]:
        """The words, with the common threshold where a word has none."""
        words = (WakeWord(name=word) if isinstance(word, str) else word for word in self.words)
        return tuple(
            msgspec.structs.replace(word, threshold=self.threshold) if word.threshold is None else word for word in words
        )


def _twice(words: Iterable[SpokenWord]) -> str | None:
    """A name that several of them have."""
    counts = Counter(word.name for word in words)
    return min((name for name, count in counts.items() if count > 1), default=None)


class Phases(StrEnum):
    """Which of an interruption's phases the server is told."""

    BOTH = "both"
    CONFIRMED = "confirmed"


class BargeIn(Section, frozen=True):
    """When a voice over the reply is the user's, and what it does."""

    allow: Live[Allow] = Allow.SPEECH
    stop_words: Annotated[tuple[str | SpokenWord, ...], Meta(max_length=20)] = ()
    sensitivity: Live[Sensitivity] = Sensitivity.NORMAL
    # null: what the sensitivity says
    duck_probability: Live[Probability | None] = None
    # echo alone reaches 8, and a user 15 dB below it 40
    near_end_db: Live[Annotated[float, Meta(ge=8.0, le=40.0)] | None] = None
    commit_ms: Live[Annotated[int, Meta(ge=200, le=2000)] | None] = None
    # a reply goes on within 700 ms of a cough's end; the detector's windows and the speaker's queue take up to 100 of them
    resume_after_ms: Live[Annotated[int, Meta(ge=200, le=600)] | None] = None
    # null: as for answers
    announcement_allow: Live[Allow | None] = None
    announcement_sensitivity: Live[Sensitivity | None] = None
    preroll_ms: Live[Annotated[int, Meta(ge=0, le=2000)]] = 300
    # not live: a hold that was told of has to be taken back by the rule it was told by
    interrupt_phases: Phases = Phases.BOTH

    def __post_init__(self) -> None:
        """What contradicts itself is a mistake too."""
        if twice := _twice(self.each_stop_word):
            raise ValueError(f"stop_words: {twice!r} is there twice")
        for key in ("allow", "announcement_allow"):
            if getattr(self, key) is Allow.STOP_WORD and not self.stop_words:
                raise ValueError(
                    f"{key}: stop-word needs a word in `stop_words`, and there is none; no model of one comes with us"
                )

    @property
    def each_stop_word(self) -> tuple[SpokenWord, ...]:
        """The words, by themselves."""
        return tuple(SpokenWord(name=word) if isinstance(word, str) else word for word in self.stop_words)


class Vad(Section, frozen=True):
    """The voice detector, and what of it counts as speech of a command. What interrupts is set under `barge_in`."""

    model: str | None = None
    threshold: Live[Annotated[float, Meta(ge=0.2, le=0.95)]] = 0.5

    @property
    def model_path(self) -> Path | None:
        """Of the model file; None for the one that is part of the package."""
        return Path(self.model) if self.model else None


class Listening(Section, frozen=True):
    """How the end of what the user says is found, if the hub does not find it first; and when he needs no wake word."""

    speech_ms: Live[Annotated[int, Meta(ge=30, le=1000)]] = 200
    silence_ms: Live[Annotated[int, Meta(ge=200, le=3000)]] = 700
    follow_up: Live[FollowUp] = FollowUp.QUESTION
    # Home Assistant itself gives up after 15 s
    follow_up_ms: Live[Annotated[int, Meta(ge=1000, le=15_000)]] = 5000
