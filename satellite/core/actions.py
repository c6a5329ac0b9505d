"""What the conversation wants done: imperatives, carried out by the shells in the order in which they are given."""

from dataclasses import dataclass

from satellite.core.events import Deadline, Position
from satellite.core.interrupt import Interrupt
from satellite.core.say import Allow, Say, SayState
from satellite.core.sensitivity import Sensitivity
from satellite.core.state import State, Why
from satellite.core.units import Frames, Millis


@dataclass(frozen=True, slots=True)
class Action:
    """Something to do."""


@dataclass(frozen=True, slots=True)
class Become(Action):
    """Tell observers of a change of state."""

    old: State
    new: State
    why: Why


@dataclass(frozen=True, slots=True)
class BeginTurn(Action):
    """From now on audio for earlier turns is stale. `owed` says that the last turn's answer may still arrive."""

    turn: int
    owed: bool


@dataclass(frozen=True, slots=True)
class ExpectAnswer(Action):
    """The hub has understood, or answered: a reply that begins now may be the present turn's."""


@dataclass(frozen=True, slots=True)
class AcceptAnswer(Action):
    """The reply that was not certain to be the present turn's is taken for it; none that begins later is."""


@dataclass(frozen=True, slots=True)
class SendDetection(Action):
    """Tell the hub which wake word was heard."""

    name: str


@dataclass(frozen=True, slots=True)
class SendRun(Action):
    """Ask the hub for a run from speech-to-text to speech."""


@dataclass(frozen=True, slots=True)
class SendWakeRun(Action):
    """Ask the hub for a run that begins with its waiting for the wake word."""


@dataclass(frozen=True, slots=True)
class SendAbort(Action):
    """Ask the hub to cancel the run that is alive."""


@dataclass(frozen=True, slots=True)
class KeepFrom(Action):
    """Keep the microphone's audio from this frame on; None: only the last seconds."""

    first: Frames | None


@dataclass(frozen=True, slots=True)
class StreamMic(Action):
    """Send the microphone's audio from this frame on: what is past in one burst, then live."""

    first: Frames


@dataclass(frozen=True, slots=True)
class StopMic(Action):
    """Send no more of it. `tell` has the hub know that the utterance is over."""

    tell: bool


@dataclass(frozen=True, slots=True)
class TellPause(Action):
    """The user has paused in the middle of what he says, or goes on."""

    is_paused: bool


@dataclass(frozen=True, slots=True)
class Play(Action):
    """Play what has come and will come of this turn's reply."""

    turn: int
    allow_interruptions: Allow
    sensitivity: Sensitivity | None = None


@dataclass(frozen=True, slots=True)
class ContinueReply(Action):
    """The stream that begins is the rest of this turn's reply, which had been thought complete."""

    turn: int


@dataclass(frozen=True, slots=True)
class KeepAnnouncement(Action):
    """The announcement that begins to come waits for its turn: its audio is kept, by this id."""

    id: int


@dataclass(frozen=True, slots=True)
class FinishReply(Action):
    """Nothing more will come of this turn's reply; play what there is."""

    turn: int


@dataclass(frozen=True, slots=True)
class StopReply(Action):
    """Silence it now. `keep` leaves it ready to be resumed."""

    turn: int
    keep: bool


@dataclass(frozen=True, slots=True)
class ResumeReply(Action):
    """Go on with a reply that is held or was kept."""

    turn: int


@dataclass(frozen=True, slots=True)
class SayOver(Action):
    """An utterance has ended, how, and how far it had come. One that was interrupted may yet go on."""

    turn: int
    id: int | None
    state: SayState
    position: Position


@dataclass(frozen=True, slots=True)
class MakeSpeech(Action):
    """Have this made into audio, and keep that."""

    say: Say


@dataclass(frozen=True, slots=True)
class DropSpeech(Action):
    """What was to be said will not be: nothing more is made of it, and what there is can go."""

    id: int


@dataclass(frozen=True, slots=True)
class TakeSpeech(Action):
    """The audio that was made of this is the reply of this turn."""

    id: int
    turn: int


@dataclass(frozen=True, slots=True)
class SoundError(Action):
    """Let the user hear that something went wrong."""


@dataclass(frozen=True, slots=True)
class SendPlayed(Action):
    """Tell the hub that its reply has ended, one way or the other."""


@dataclass(frozen=True, slots=True)
class SendInterrupt(Action):
    """Tell the hub of an interruption, or of what became of it."""

    interrupt: Interrupt


@dataclass(frozen=True, slots=True)
class SetDeadline(Action):
    """Send `DeadlineReached(kind)` after so long; replaces the deadline before it."""

    kind: Deadline
    after: Millis


@dataclass(frozen=True, slots=True)
class ClearDeadline(Action):
    """Nothing is waited for."""
