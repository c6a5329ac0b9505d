"""The conversation's data: one frozen value that the transition table replaces. What happens when is in `table.py`."""

from dataclasses import dataclass, field, replace

from satellite.core.burst import Burst, BurstRule
from satellite.core.endpoint import Endpointer, EndpointRule
from satellite.core.events import Deadline, WakeHeard
from satellite.core.interrupt import Interrupt
from satellite.core.say import Allow, FollowUp, Say
from satellite.core.sensitivity import PROFILES, Sensitivity
from satellite.core.state import Stage, State
from satellite.core.units import Frames, Millis


@dataclass(frozen=True, slots=True)
class TimeLimits:
    """How long each silence of the hub is borne."""

    # an abort of a hub that never acknowledged one: Home Assistant up to 2026.3 says nothing
    abort_unacked: Millis = Millis(300)
    # of one that does: it answers when the run is dead, and a language model may take a second to die
    abort_acked: Millis = Millis(3000)
    hub_ready: Millis = Millis(3000)
    # the user changed his mind
    speech: Millis = Millis(5000)
    # Home Assistant gives up at the same time
    utterance: Millis = Millis(15_000)
    # a large speech-to-text model on a small computer; a hub that is deaf is asked again after it
    transcript: Millis = Millis(15_000)
    # a language model with tools
    answer: Millis = Millis(60_000)
    # nothing follows `synthesize` when speech synthesis fails; what has not come by then is not coming
    answer_audio: Millis = Millis(10_000)
    # the longest reply we store is ten minutes; then it is stuck
    reply: Millis = Millis(15 * 60_000)
    # beyond its own length
    reply_slack: Millis = Millis(5000)
    # a hold must resolve, whatever is heard
    held: Millis = Millis(3000)
    # a hub bears it for ever; one that lost it may not say so
    wake_run: Millis = Millis(600_000)
    # its wake word service is away, or was never there
    wake_again: Millis = Millis(5000)
    # after this nobody remembers what the reply was about
    take_up_again: Millis = Millis(20_000)


@dataclass(frozen=True, slots=True)
class ConversationRule:
    """What the operator may set."""

    allow_interruptions: Allow = Allow.SPEECH
    # of announcements, where they are not to be as answers are
    announcement_allow: Allow | None = None
    announcement_sensitivity: Sensitivity | None = None
    limits: TimeLimits = field(default_factory=TimeLimits)
    burst: BurstRule = field(default_factory=BurstRule)
    endpoint: EndpointRule = field(default_factory=EndpointRule)
    # the voice detector is late on weak consonants
    preroll_ms: Millis = Millis(300)
    # a wake word is detected so much after its end, at most
    wake_backtrack_ms: Millis = Millis(200)
    # an answer that asks is itself answered; others are not waited after, for whatever is said then is sent to the hub
    follow_up: FollowUp = FollowUp.QUESTION
    # as long as after a wake word
    follow_up_ms: Millis = Millis(5000)
    # send a first interrupt while the reply can still go on
    tell_provisional: bool = True
    # the hub finds the wake word: it hears the microphone all the time, or, behind the gate, while there is voice
    hub_wakes: bool = False
    wake_gate: bool = False
    # whoever answers before the user has ended wants to know when he pauses
    tells_pauses: bool = False
    # an utterance that the hub did not take is sent again so often
    attempts: int = 2

    def ring(self, id: int, total: Millis) -> Say:
        """A timer that has run out and is heard for so long, if nobody ends it. A word ends it, if words may end anything."""
        may = Allow.WAKE_WORD if self.allow_interruptions is Allow.NONE else self.allow_interruptions
        return Say(0, may, is_announcement=True, id=id, is_here=True, is_ring=True).received_all(total)

    def say(self, id: int | None, text: str, allow: Allow | None, is_announcement: bool) -> Say:
        """Something that answers nothing, by these rules where it has none of its own; it has no turn yet."""
        own = self.announcement_allow if is_announcement else None
        sensitivity = self.announcement_sensitivity if is_announcement else None
        may = allow or own or self.allow_interruptions
        return Say(0, may, text=text, is_announcement=is_announcement, sensitivity=sensitivity, id=id)


# "stop", "stop it please", "thank you" end a ring; who talks for longer over it has a command, too
RING_COMMAND_MS = Millis(1500)

# one that no run has acknowledged, and of a reply that outlasts its hub a hold taken back and the end
MOST_RESENT = 3


@dataclass(frozen=True, slots=True)
class Kept:
    """A reply that was interrupted for words that may turn out to be none."""

    say: Say
    interrupt: Interrupt
    at: Millis


@dataclass(frozen=True, slots=True)
class Conversation:
    """Everything the conversation knows."""

    boot: str
    """Distinguishes the ids of this run of the service from those of the last."""
    rule: ConversationRule = field(default_factory=ConversationRule)
    state: State = State.OFFLINE
    stage: Stage = Stage.NONE
    turn: int = 0
    is_linked: bool = False
    """Whether a hub is connected: a reply may outlast the connection that brought it."""
    is_muted: bool = False
    """Whether a hub has muted us, and is still there: where we rest without a hub, we rest muted then."""
    hub_acks_abort: bool = False
    deadline: Deadline | None = None
    utterance: Frames = Frames(0)
    """The first frame that the hub is to get of this turn."""
    attempt: int = 0
    is_follow_up: bool = False
    """Whether the turn was opened by an answer of ours, and by nobody's word."""
    is_barge_in: bool = False
    """Whether the turn was opened by a voice over a reply or a thought of ours."""
    detection: str = ""
    """The wake word that opened the turn, until the hub has been told of it."""
    last_word: WakeHeard | None = None
    """The last one that the hub was told of, or was to be."""
    endpoint: Endpointer = Endpointer()
    burst: Burst = Burst()
    onset: Frames = Frames(0)
    """Of the voice that holds the reply."""
    aside: Say | None = None
    """Speech that waits, because it may be the answer to an earlier turn."""
    reply: Say | None = None
    says: tuple[Say, ...] = ()
    """What a program wants said and nobody has begun to make, in the order in which it will be."""
    making: Say | None = None
    """The next of them, whose speech is being made."""
    is_made: bool = False
    """Whether there is audio of it, so that it can begin."""
    answer_text: str = ""
    interrupt: Interrupt | None = None
    is_hold_told: bool = False
    """Whether a hub was there to hear of `interrupt` provisionally."""
    kept: Kept | None = None
    resend: tuple[Interrupt, ...] = ()
    """Told to a hub that may not have got it, oldest first."""

    @property
    def burst_rule(self) -> BurstRule:
        """By which a voice is judged now: that of the utterance it is heard over, if it has one of its own."""
        own = None if self.reply is None else self.reply.sensitivity
        rule = self.rule.burst if own is None else PROFILES[own].burst
        return replace(rule, commit_ms=RING_COMMAND_MS) if self.reply is not None and self.reply.is_ring else rule
