"""What came of a scene under one rule, and of all scenes: plain values, which the tables, the report and JSON are made of."""

from dataclasses import dataclass, field

from satellite.bench.scene import Scene

# the name of the rule that the daemon runs; the others are in `rules` and `probe.py`
OURS = "ours"


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """All times are ms from the user's first sound at the microphone; None: it did not come to that, or does not apply."""

    duck_ms: float | None = None
    """The loudspeaker is 20 dB down (or silent) ..."""
    silent_ms: float | None = None
    """... it is 40 dB down, and stays so for a while ..."""
    commit_ms: float | None = None
    """... and the reply is over: the user's words are the next turn."""
    resume_ms: float | None = None
    """From the end of a sound that was none of the user's words, whatever it paused before, to where the reply goes on for good;
    0 if that is before the end. None: it stays paused, or is over."""
    lost_ms: float | None = None
    """Of the user's words, at the beginning of what a server would be sent."""
    position_error_ms: float | None = None
    """Where the reply was said to have stopped, less where it did."""
    stale: int = 0
    """Samples of the reply that sounded after it had been stopped."""
    ducks: int = 0
    stops: int = 0
    """In all of a scene in which nobody meant us; each is false."""
    hours: float = 0.0
    """For so long a reply sounded in it."""


@dataclass(frozen=True, slots=True)
class Played:
    """A scene and what each rule made of it, by the rule's name."""

    scene: Scene
    outcomes: dict[str, Outcome]
    clear_ms: float | None = None
    """The same scene without its echo: one window of the voice detector is sure of speech."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Results:
    """A run of the bench."""

    corpus: str
    half: str
    """Of speakers and rooms: "chosen on", "held out", or "all"."""
    suite: str
    seed: int
    version: str
    machine: str
    took_s: float
    sound_s: float
    """How much time passed in the rooms."""
    played: list[Played] = field(default_factory=list)
