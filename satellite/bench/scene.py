"""What a scene of the bench is: one line of data from which everything in it follows."""

from dataclasses import dataclass
from enum import StrEnum

# of converters and drivers of a sound card
USUAL_LATENCY_MS = 7.0

# in the name of a room that a scene furnishes otherwise: what its RT60 is taken to be, and what it becomes
REFURNISHED = "@"


class Kind(StrEnum):
    """What happens in a scene, and so what is right."""

    # nobody says anything: whatever yields is false
    ECHO = "echo"
    BACKGROUND = "background"
    # somebody means us: the answer has to end
    USER = "user"
    WORD = "word"
    # somebody does not: it may pause, and has to go on
    BACKCHANNEL = "backchannel"
    COUGH = "cough"
    SOUND = "sound"


class When(StrEnum):
    """When the user begins."""

    MIDDLE = "middle"
    BEFORE = "before it begins"
    FIRST = "in its first 300 ms"
    LAST = "in its last 300 ms"


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """One satellite from its start on, in one room, in which one thing happens.

    Paths are those of the corpus' manifest. `ser_db` is the level of the user's active speech over that of the reply's echo at
    the microphone, `noise_dbfs` of the noise there.
    """

    id: str
    kind: Kind
    group: str
    """What it is counted with: a row of a table."""
    seed: int
    room: str
    talker_m: int = 2
    clip: str | None = None
    reply: str = ""
    replies: int = 1
    """How many are played, one after another, `reply` last. What happens happens in that; where nothing does, all count."""
    is_answer: bool = False
    """The user has said the same words just before, as a command, and the last reply is the answer to them."""
    when: When = When.MIDDLE
    ser_db: float = 0.0
    noise: str | None = None
    """A recording that was on before the reply began; None: the room's own noise."""
    snr_db: float | None = None
    """The user over that noise, or without a user the reply's echo."""
    latency_ms: float = USUAL_LATENCY_MS
    """Of converters and drivers, beyond the card's queue."""
    soft_start: bool = False
    """The user's first words are almost whispered."""
    jitter_ms: float = 0.0
    ppm: float = 0.0
    thd: float = 0.0
    """Of a loudspeaker that clips softly: that of a sine with its peak at -6 dBFS, whatever the reply's. More of a reply that is
    louder, as most are: 0.01, 0.05, and 0.1 stand for 1.8, 8.2, and 15 % at the median of replies' peaks, -3.4 dBFS."""
    limiter: bool = False
    path_changes: tuple[tuple[float, float | None], ...] = ()
    """Seconds from the start of what counts, and to how many dB the echo path changes there; None: to that of another room."""
    warm_up: bool = True

    @property
    def is_ordinary(self) -> bool:
        """Whether nothing about it is unusual but who speaks, where, and how loud: what the headline figures are of."""
        changed = (
            self.noise,
            self.soft_start,
            self.is_answer,
            self.jitter_ms,
            self.ppm,
            self.thd,
            self.limiter,
            self.path_changes,
        )
        usual = self.when is When.MIDDLE and self.warm_up and self.replies > 1 and self.latency_ms == USUAL_LATENCY_MS
        return usual and not any(changed) and REFURNISHED not in self.room
