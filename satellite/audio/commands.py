"""What crosses between the event loop and the audio thread. Values only, in bounded queues; neither side waits."""

from dataclasses import dataclass

from satellite.audio.card import Samples
from satellite.audio.reply import Reply
from satellite.core.echo import Excess
from satellite.core.events import Event
from satellite.core.hardware import Condition, Half
from satellite.core.reflex import ReflexRule
from satellite.core.say import Allow
from satellite.core.self_test import SelfTested
from satellite.core.units import Frames, Millis

# ---- to the audio thread


@dataclass(frozen=True, slots=True)
class PlayReply:
    """Begin a reply; a voice that is speaking just now is given a moment to finish."""

    reply: Reply
    allow_interruptions: Allow
    rule: ReflexRule | None = None
    """By which it is decided what interrupts it, if not by the one that all others have."""


@dataclass(frozen=True, slots=True)
class StopReply:
    """Silence a reply now; `keep` it for a `ResumeReply`."""

    turn: int
    keep: bool


@dataclass(frozen=True, slots=True)
class ResumeReply:
    """Go on with a reply that is held or was kept."""

    turn: int


@dataclass(frozen=True, slots=True)
class PlaySound:
    """Play a short sound at the speaker's rate."""

    samples: Samples
    is_wide: bool = False
    """Whether its echo tells how long the loop is: a few notes are the same a few milliseconds later."""


@dataclass(frozen=True, slots=True)
class HearUser:
    """Whether the user has the floor: what is heard then goes to a server, and is no background."""

    is_heard: bool


@dataclass(frozen=True, slots=True)
class SetLoopDelay:
    """What the speaker plays comes back so many frames (at 16 kHz) after the canceller was given it."""

    frames: Frames


@dataclass(frozen=True, slots=True)
class SetReflexRule:
    """Decide by other thresholds from now on."""

    rule: ReflexRule


@dataclass(frozen=True, slots=True)
class SetVolume:
    """Play everything with this factor, from 0 to 1."""

    factor: float


@dataclass(frozen=True, slots=True)
class SetMuted:
    """The microphone gives silence from now on, or is heard again."""

    is_muted: bool


Command = PlayReply | StopReply | ResumeReply | PlaySound | HearUser | SetLoopDelay | SetReflexRule | SetVolume | SetMuted

# ---- from the audio thread


@dataclass(frozen=True, slots=True)
class Heard:
    """A period of the cancelled microphone signal: 16-bit mono at 16 kHz, from frame `first` on."""

    first: Frames
    pcm: bytes


@dataclass(frozen=True, slots=True)
class EchoSample:
    """The same stretch of reference and raw microphone, for measuring the loop delay."""

    reference: Samples
    microphone: Samples


@dataclass(frozen=True, slots=True)
class Vitals:
    """What a period brought, for pictures: what is heard beside our own echo, and the reply's gain in what was last written."""

    at: Millis
    near_end: Excess
    gain: float


@dataclass(frozen=True, slots=True)
class Ducked:
    """The reply was lowered or raised again, so many frames into the microphone's stream."""

    at: Frames
    is_ducked: bool


@dataclass(frozen=True, slots=True)
class DeviceTrouble:
    """A sound device failed; it is tried again. To be logged by whoever may. `is_news`: nobody was told so before."""

    message: str
    is_news: bool


@dataclass(frozen=True, slots=True)
class DeviceIs:
    """What has become of a sound device, why if it is not well, and its rate if it is open."""

    at: Millis
    half: Half
    condition: Condition
    why: str = ""
    rate_hz: int = 0


@dataclass(frozen=True, slots=True)
class Scheduled:
    """The audio thread has begun, before all others of the machine or as one of many."""

    is_real_time: bool

    def __str__(self) -> str:
        return f"the audio thread has {'' if self.is_real_time else 'no '}real-time priority"


@dataclass(frozen=True, slots=True)
class Failed:
    """The audio thread has ended by a mistake of ours, and with it everything that is heard or said."""

    error: Exception


Report = Scheduled | Failed | Event | Heard | Vitals | EchoSample | Ducked | SelfTested | DeviceTrouble | DeviceIs
