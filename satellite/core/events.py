"""What the conversation is told: facts, each stamped with the time it became known on the stream clock."""

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from satellite.core.units import SILENCE_DB, Decibels, Frames, Millis, Probability

if TYPE_CHECKING:
    from satellite.core.say import Say


class Deadline(StrEnum):
    """What a conversation waits for; it waits for one thing at a time."""

    ABORT_ACK = "abort-ack"
    HUB_READY = "hub-ready"
    SPEECH = "speech"
    END_OF_SPEECH = "end-of-speech"
    TRANSCRIPT = "transcript"
    ANSWER = "answer"
    ANSWER_AUDIO = "answer-audio"
    REPLY = "reply"
    HELD = "held"
    WAKE_RUN = "wake-run"
    WAKE_AGAIN = "wake-again"


@dataclass(frozen=True, slots=True)
class Event:
    """A fact. `at` is when we learnt it."""

    at: Millis


@dataclass(frozen=True, slots=True)
class Position:
    """How far a reply has come: 0 <= heard <= played <= received <= total."""

    played: Millis
    heard: Millis
    received: Millis
    total: Millis | None


# ---- from the microphone


@dataclass(frozen=True, slots=True)
class VoiceWindow(Event):
    """The voice detector's word on the window of the cancelled signal that ends at `end`, `length` after the one before.

    `voicing` and `level` are of the raw microphone then; without a word where a reply plays, which they would tell of.
    """

    end: Frames
    length: Frames
    probability: Probability
    voicing: float = 0.0
    level: Decibels = SILENCE_DB
    background: Decibels = SILENCE_DB
    """The level that loud moments reached of what was going on before the reply: below it nothing is new."""


@dataclass(frozen=True, slots=True)
class WakeHeard(Event):
    """A wake word that had been spoken when the stream was at `end`, and how far the reply had come, if one was playing."""

    name: str
    end: Frames
    position: Position | None = None


@dataclass(frozen=True, slots=True)
class StopWordHeard(Event):
    """A stop word had been spoken when the stream was at `end`, and how far the reply had come, if one was playing."""

    name: str
    end: Frames
    position: Position | None = None


@dataclass(frozen=True, slots=True)
class MicrophoneStalled(Event):
    """No period came for longer than a hold may last on faith."""


@dataclass(frozen=True, slots=True)
class MicrophoneLost(Event):
    """The microphone is gone; what plays goes on."""


@dataclass(frozen=True, slots=True)
class SpeakerLost(Event):
    """The speaker is gone, or has become another; whatever played has ended."""


@dataclass(frozen=True, slots=True)
class AudioLost(Event):
    """Neither is there any more; whatever played has ended."""


# ---- from the speaker


@dataclass(frozen=True, slots=True)
class Held(Event):
    """The reflex took a voice over the reply for the user's: the reply has stopped at `position` and can go on."""

    turn: int
    onset: Frames
    speech_started: Millis
    probability: Probability
    position: Position


@dataclass(frozen=True, slots=True)
class ReplyEnded(Event):
    """The last sample of a reply has left the speaker; `overlap` is the onset of a voice that was then speaking over it."""

    turn: int
    position: Position
    overlap: Frames | None


# ---- from the hub


@dataclass(frozen=True, slots=True)
class HubOpened(Event):
    """A hub has chosen us."""


@dataclass(frozen=True, slots=True)
class HubClosed(Event):
    """The hub's connection is gone."""


@dataclass(frozen=True, slots=True)
class HubPaused(Event):
    """The hub muted us: it neither reads nor writes until it connects anew."""


@dataclass(frozen=True, slots=True)
class HubWoke(Event):
    """The hub, which was asked to wait for it, heard a wake word (`detection`)."""

    name: str


@dataclass(frozen=True, slots=True)
class HubReady(Event):
    """The hub's speech-to-text takes our audio (`transcribe`)."""


@dataclass(frozen=True, slots=True)
class HubHeardEnd(Event):
    """The hub's own detector found the end of speech (`voice-stopped`)."""


@dataclass(frozen=True, slots=True)
class Transcript(Event):
    """What the hub understood."""

    text: str


@dataclass(frozen=True, slots=True)
class Answered(Event):
    """The whole text of the answer is known and the hub's run has ended (`synthesize`)."""

    text: str


@dataclass(frozen=True, slots=True)
class AnswerAudio(Event):
    """The first audio of the answer to the present turn has come; if that is not certain, it may be an earlier turn's."""

    is_certain: bool = True


@dataclass(frozen=True, slots=True)
class AnswerComplete(Event):
    """All audio of the answer or announcement that is playing has come."""

    total: Millis


@dataclass(frozen=True, slots=True)
class AnnouncementAudio(Event):
    """The first audio of an announcement has come: speech that answers nothing.

    It `may_be_rest` of the answer that plays: some hubs end a stream and begin another in the middle of an answer. `id` is what
    it is called if it has to wait: below 0, and no other's.
    """

    may_be_rest: bool = False
    id: int = -1


@dataclass(frozen=True, slots=True)
class HubError(Event):
    """The hub's run has ended without an answer; or its last abort is complete."""

    code: str
    text: str


@dataclass(frozen=True, slots=True)
class NothingToSay(Event):
    """The run has ended well, and its answer is no words."""


# ---- from a program


@dataclass(frozen=True, slots=True)
class ListenAsked(Event):
    """A turn is to be opened without a wake word; the microphone's stream is at `end`, and a reply, if one plays, there."""

    end: Frames
    position: Position | None = None


@dataclass(frozen=True, slots=True)
class StopAsked(Event):
    """Whatever is going on is to stop: by a button or a program; how far the reply has come, if one is playing."""

    position: Position | None = None


@dataclass(frozen=True, slots=True)
class SayAsked(Event):
    """This is to be said when nothing else is going on, in its turn."""

    say: "Say"


@dataclass(frozen=True, slots=True)
class SaySpeech(Event):
    """The first audio of what was to be said is here."""

    id: int


@dataclass(frozen=True, slots=True)
class SayComplete(Event):
    """All audio of what was to be said is here."""

    id: int
    total: Millis


@dataclass(frozen=True, slots=True)
class SayFailed(Event):
    """Nothing more will come of what was to be said."""

    id: int


@dataclass(frozen=True, slots=True)
class SayWithdrawn(Event):
    """It is not to be said after all, if it has not begun."""

    id: int


@dataclass(frozen=True, slots=True)
class ReplyCancelled(Event):
    """The utterance of this turn is to stop now; how far it has come."""

    turn: int
    position: Position | None = None


# ---- from ourselves


@dataclass(frozen=True, slots=True)
class DeadlineReached(Event):
    """What was waited for has not come in time."""

    kind: Deadline


@dataclass(frozen=True, slots=True)
class Rested(Event):
    """Nothing else is going on: told by the table to itself after every event that leaves it so."""


@dataclass(frozen=True, slots=True)
class ShuttingDown(Event):
    """The service is about to stop; how far the reply has come, if one is playing."""

    position: Position | None = None


EVENTS: tuple[type[Event], ...] = (
    VoiceWindow,
    WakeHeard,
    StopWordHeard,
    MicrophoneStalled,
    MicrophoneLost,
    SpeakerLost,
    AudioLost,
    Held,
    ReplyEnded,
    HubOpened,
    HubClosed,
    HubPaused,
    HubWoke,
    HubReady,
    HubHeardEnd,
    Transcript,
    Answered,
    AnswerAudio,
    AnswerComplete,
    AnnouncementAudio,
    HubError,
    NothingToSay,
    ListenAsked,
    StopAsked,
    SayAsked,
    SaySpeech,
    SayComplete,
    SayFailed,
    SayWithdrawn,
    ReplyCancelled,
    DeadlineReached,
    ShuttingDown,
)
"""All that anybody may tell; the transition table has a word on each in every state."""
