"""One satellite in one simulated room, in virtual time: the daemon's own audio engine, detectors and conversation.

Only the event loop, the network and the wake words are left out. A hub is imagined that has announcements to make, one after
another, and that takes whatever is sent to it.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import TypeVar

from satellite.audio import commands as cmd
from satellite.audio.card import Samples
from satellite.audio.engine import AudioEngine
from satellite.audio.reply import Reply
from satellite.audio.whoosh import whoosh
from satellite.core import actions as act
from satellite.core import events as ev
from satellite.core.conversation import Conversation, ConversationRule
from satellite.core.events import Deadline
from satellite.core.guards import ABORT_ACK_CODE
from satellite.core.reflex import ReflexRule
from satellite.core.say import Allow
from satellite.core.state import State
from satellite.core.table import step
from satellite.core.units import RATE_HZ, Millis, millis
from satellite.detect.canceller import EchoCanceller
from satellite.detect.loop_delay import measure_loop_delay
from satellite.detect.near_end import NearEnd
from satellite.detect.silero import SileroVad
from satellite.detect.voicing import voicing
from satellite.simulate.card import SimulatedCard
from satellite.simulate.clock import VirtualClock
from satellite.simulate.room import Room

# the daemon's defaults
WARM_UP_DBFS = -26.0
QUEUE_MS = 30

# the detectors have to know the room's noise before they learn from a sound, and the sound has to fade away
_ROOM_FIRST_S, _AFTER_WARM_UP_S = 0.5, 1.2


# after the last word: the satellite finds the end itself, and a fast hub answers
_ENDS_S, _THINKS_S = 1.0, 0.5

_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class Told:
    """What the engine reported or the conversation wanted, and when: the room's frame that was the present one."""

    frame: int
    what: cmd.Report | act.Action


def command_s(words: Samples) -> float:
    """How long a command takes, with all that comes before its answer."""
    return len(words) / RATE_HZ + _ENDS_S + _THINKS_S


@dataclass
class Stage:
    """A satellite that has just been started. `allow` NONE has it play on whatever is heard."""

    room: Room
    card: SimulatedCard
    clock: VirtualClock
    allow: Allow = Allow.SPEECH
    on_step: Callable[["Stage"], None] | None = None
    """For a rule that is not the daemon's own: called after every period."""
    reflex_rule: ReflexRule = field(default_factory=ReflexRule)
    conversation_rule: ConversationRule = field(default_factory=ConversationRule)
    told: list[Told] = field(default_factory=list)
    heard: list[bytes] = field(default_factory=list)
    """Every period behind the canceller."""

    def __post_init__(self) -> None:
        detectors = (EchoCanceller(), SileroVad(), NearEnd(), voicing)
        self.engine = AudioEngine(*detectors, self.reflex_rule, self.clock.now_s, QUEUE_MS)
        self.engine.attach(self.card)
        self.conversation = Conversation("bench", self.conversation_rule)
        self._due: tuple[Millis, Deadline] | None = None
        self._next: Samples | None = None
        self._give(ev.HubOpened(Millis(0)))
        self._give(ev.HubError(Millis(0), ABORT_ACK_CODE, ""))

    def warm_up(self, with_sound: bool = True) -> None:
        """Lives through the satellite's start, with the sound that teaches the canceller the room."""
        self.let_pass(_ROOM_FIRST_S)
        if with_sound:
            self.engine.commands.append(cmd.PlaySound(whoosh(RATE_HZ, WARM_UP_DBFS), is_wide=True))
        self.let_pass(_AFTER_WARM_UP_S)

    def play(self, samples: Samples) -> int:
        """Begins an announcement; its turn."""
        self._next = samples
        before = self.conversation.turn
        self._give(ev.AnnouncementAudio(self._now()))
        assert self.conversation.turn > before, f"an announcement while {self.state}"
        self._give(ev.AnswerComplete(self._now(), millis(len(samples))))
        return self.conversation.turn

    def command(self, words: Samples, gain_db: float) -> None:
        """A wake word has been heard, and the user says something, after which the hub thinks for a moment."""
        self._give(ev.WakeHeard(self._now(), "bench", self.engine.frame))
        self._give(ev.HubReady(self._now()))
        self.room.say(words, self.room.end_frame, gain_db)
        self.let_pass(len(words) / RATE_HZ + _ENDS_S)
        if self.state is State.LISTENING:
            self._give(ev.HubHeardEnd(self._now()))
        self._give(ev.Transcript(self._now(), "a command"))
        self._give(ev.Answered(self._now(), "an answer"))
        self.let_pass(_THINKS_S)

    def answer(self, samples: Samples) -> None:
        """Begins the answer to the command."""
        assert self.state is State.PROCESSING, f"an answer while {self.state}"
        self._next = samples
        self._give(ev.AnswerAudio(self._now()))
        self._give(ev.AnswerComplete(self._now(), millis(len(samples))))

    def hush(self) -> None:
        """Ends what it says, if it still does: held and taken up again and again."""
        if self.is_speaking:
            self._give(ev.AudioLost(self._now()))
            self.step()

    def let_pass(self, seconds: float) -> None:
        """Lives for so long."""
        self.live_until(self.room.end_frame + round(seconds * RATE_HZ))

    def live_until(self, frame: int) -> None:
        """The same, until a frame of the room."""
        while self.room.end_frame < frame:
            self.step()

    def step(self) -> None:
        """One period."""
        self.engine.step()
        while self.engine.reports:
            self._take(self.engine.reports.popleft())
        if self._due is not None and self._now() >= self._due[0]:
            kind, self._due = self._due[1], None
            self._give(ev.DeadlineReached(self._now(), kind))
        if self.on_step is not None:
            self.on_step(self)

    def all_told(self, kind: type[_T]) -> Iterator[tuple[int, _T]]:
        """Everything of a kind that was reported or wanted, and when."""
        return ((told.frame, told.what) for told in self.told if isinstance(told.what, kind))

    @property
    def state(self) -> State:
        """Of the conversation."""
        return self.conversation.state

    @property
    def is_speaking(self) -> bool:
        """Whether a reply plays or may go on."""
        return self.state in (State.SPEAKING, State.HELD)

    def _now(self) -> Millis:
        return self.engine.now()

    def _take(self, report: cmd.Report) -> None:
        match report:
            case cmd.Heard(_, pcm):
                self.heard.append(pcm)
                return
            case cmd.EchoSample(reference, microphone):
                if (delay := measure_loop_delay(reference, microphone)) is not None:
                    self.engine.commands.append(cmd.SetLoopDelay(delay.frames))
                return
        self.told.append(Told(self.room.end_frame, report))
        if isinstance(report, ev.Event):
            self._give(report)

    def _give(self, event: ev.Event) -> None:
        self.conversation, actions = step(self.conversation, event)
        for action in actions:
            self.told.append(Told(self.room.end_frame, action))
            self._carry_out(action)

    def _carry_out(self, action: act.Action) -> None:
        commands = self.engine.commands
        match action:
            case act.Play(turn):
                assert self._next is not None
                reply = Reply(turn, RATE_HZ)
                reply.append(self._next)
                reply.finish()
                commands.append(cmd.PlayReply(reply, self.allow))
            case act.StopReply(turn, keep):
                commands.append(cmd.StopReply(turn, keep))
            case act.ResumeReply(turn):
                commands.append(cmd.ResumeReply(turn))
            case act.KeepFrom(first):
                commands.append(cmd.HearUser(first is not None))
            case act.SetDeadline(kind, after):
                self._due = (Millis(self._now() + after), kind)
            case act.ClearDeadline():
                self._due = None
