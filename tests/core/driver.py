"""Drives one conversation: gives it events at the times they happen, keeps its one deadline, and remembers what it wanted."""

from typing import Any

from satellite.core import actions as act
from satellite.core import events as ev
from satellite.core.actions import Action
from satellite.core.burst import ACTIVE_PROBABILITY
from satellite.core.conversation import Conversation, ConversationRule
from satellite.core.endpoint import HYSTERESIS
from satellite.core.events import Deadline, Position
from satellite.core.interrupt import Interrupt, Phase
from satellite.core.say import Say
from satellite.core.state import State, Why
from satellite.core.table import step
from satellite.core.units import Decibels, Frames, Millis, Probability, frames

# the voice detector's window
WINDOW_MS = 32


# so long a voice over the reply is long enough, whatever it sounds like
SPEECH_OVER_SPEECH = 512

# how voiced a word is, and a cough
VOWEL, BREATH = 0.8, 0.1


def window(end_ms: int, length_ms: int, probability: float, voicing: float) -> ev.VoiceWindow:
    """What the voice detector says of the moments before a time; silence is neither voiced nor loud."""
    is_sound = probability >= ACTIVE_PROBABILITY - HYSTERESIS
    return ev.VoiceWindow(
        Millis(end_ms),
        frames(end_ms),
        frames(length_ms),
        Probability(probability),
        voicing if is_sound else 0.0,
        Decibels(-30.0 if is_sound else -70.0),
    )


def position(played: int, received: int, total: int | None = None, heard: int | None = None) -> Position:
    """Of a reply; heard as far as it was played, unless said."""
    return Position(
        Millis(played),
        Millis(played if heard is None else heard),
        Millis(received),
        None if total is None else Millis(total),
    )


class Driver:
    """One conversation on one clock: the microphone's frame count and the stream clock agree."""

    def __init__(self, rule: ConversationRule | None = None) -> None:
        self.conversation = Conversation("boot", rule or ConversationRule())
        self.at = 0
        self.due: tuple[int, Deadline] | None = None
        self.log: list[tuple[int, Action]] = []

    # ---- what happens

    def tell(self, kind: type[ev.Event], /, **fields: Any) -> tuple[Action, ...]:
        """This happens now; what the conversation wants done about it."""
        return self.give(kind(Millis(self.at), **fields))

    def give(self, event: ev.Event) -> tuple[Action, ...]:
        """The same, for an event that is made already."""
        self.conversation, actions = step(self.conversation, event)
        for action in actions:
            self.log.append((self.at, action))
            if isinstance(action, act.SetDeadline):
                self.due = (self.at + action.after, action.kind)
            elif isinstance(action, act.ClearDeadline):
                self.due = None
        return actions

    def wait(self, ms: int) -> tuple[Action, ...]:
        """Time passes; deadlines come due in it."""
        until, since = self.at + ms, len(self.log)
        while self.due is not None and self.due[0] <= until:
            self.expire()
        self.at = until
        return tuple(action for _, action in self.log[since:])

    def expire(self) -> tuple[Action, ...]:
        """Time passes until the deadline that is set."""
        assert self.due is not None, f"nothing is waited for while {self.state}"
        (self.at, kind), self.due = self.due, None
        return self.tell(ev.DeadlineReached, kind=kind)

    def voice(self, ms: int, probability: float = 0.9, voicing: float = VOWEL) -> tuple[Action, ...]:
        """The voice detector hears this for so long; a word, unless said otherwise."""
        since = len(self.log)
        for _ in range(ms // WINDOW_MS):
            self.wait(WINDOW_MS)
            self.give(window(self.at, WINDOW_MS, probability, voicing))
        return tuple(action for _, action in self.log[since:])

    def cough(self, ms: int) -> tuple[Action, ...]:
        """Somebody does."""
        # the surest window of 43 of 44 coughs; the other one was a burp
        return self.voice(ms, 0.89, BREATH)

    def silence(self, ms: int) -> tuple[Action, ...]:
        """Nobody speaks."""
        return self.voice(ms, 0.01)

    # ---- ways into the states

    def opened(self) -> "Driver":
        """A hub is there and has said what it says to an abort while idle."""
        self.tell(ev.HubOpened)
        self.ack()
        return self

    def ack(self) -> tuple[Action, ...]:
        """The hub says that the run it was asked to cancel is dead."""
        return self.tell(ev.HubError, code="validation-error", text="")

    def wake(self) -> tuple[Action, ...]:
        """The wake word has been spoken."""
        return self.tell(ev.WakeHeard, name="okay_nabu", end=frames(self.at))

    def stop_word(self) -> tuple[Action, ...]:
        """The stop word has been spoken."""
        return self.tell(ev.StopWordHeard, name="stop", end=frames(self.at))

    def listening(self) -> "Driver":
        """The wake word was heard and the hub hears the user."""
        self.opened().wait(1000)
        self.wake()
        self.tell(ev.HubReady)
        return self

    def processing(self) -> "Driver":
        """The user has said something, and the hub thinks."""
        self.listening().voice(960)
        self.silence(704)
        self.tell(ev.Transcript, text="what is the news")
        return self

    def speaking(self, total: int | None = 5000, text: str = "the answer to that is long") -> "Driver":
        """The hub's run is over and its answer plays; all of it is here, unless there is no total."""
        self.processing()
        self.tell(ev.Answered, text=text)
        self.tell(ev.AnswerAudio)
        if total is not None:
            self.tell(ev.AnswerComplete, total=Millis(total))
        return self

    def thinking_aloud(self) -> "Driver":
        """The answer plays while the hub's language model still makes it."""
        self.processing()
        self.tell(ev.AnswerAudio)
        return self

    def ask_to_say(self, id: int = 1, text: str = "the tea is ready", **say: Any) -> tuple[Action, ...]:
        """A program wants something said."""
        return self.tell(ev.SayAsked, say=Say(0, id=id, text=text, **say))

    def ring(self, id: int = 7, total: int = 60_000) -> tuple[Action, ...]:
        """A timer has run out, and is to be heard for so long."""
        return self.tell(ev.SayAsked, say=self.conversation.rule.ring(id, Millis(total)))

    def saying(self, id: int = 1, total: int | None = 5000) -> "Driver":
        """A program has something said, which plays; all of it is here, unless there is no total."""
        self.opened().ask_to_say(id)
        self.tell(ev.SaySpeech, id=id)
        if total is not None:
            self.tell(ev.SayComplete, id=id, total=Millis(total))
        return self

    def hold(self, played: int = 1000, received: int = 5000, onset_ago: int = 150) -> tuple[Action, ...]:
        """The reflex has stopped the reply for a voice that began so long ago."""
        assert self.reply is not None
        started = self.at - onset_ago
        return self.tell(
            ev.Held,
            turn=self.reply.turn,
            onset=frames(started),
            speech_started=Millis(started),
            probability=Probability(0.8),
            position=position(played, received, self.reply.position.total),
        )

    def held(self) -> "Driver":
        """A whole reply is held after a second of it."""
        self.speaking().wait(1000)
        self.hold()
        return self

    def over(self) -> "Driver":
        """The reply has ended under somebody's voice."""
        self.speaking().wait(1000)
        self.end(overlap_ago=200)
        return self

    def end(self, overlap_ago: int | None = None) -> tuple[Action, ...]:
        """The last sample of the reply has left the speaker; somebody has been speaking over it for so long."""
        assert self.reply is not None
        total = self.reply.position.total or 1000
        overlap: Frames | None = None if overlap_ago is None else frames(self.at - overlap_ago)
        return self.tell(ev.ReplyEnded, turn=self.reply.turn, position=position(total, total, total), overlap=overlap)

    # ---- what is known of it

    @property
    def state(self) -> State:
        return self.conversation.state

    def is_in(self, state: State) -> bool:
        """For those who ask twice: a type checker believes that a property stays what it was."""
        return self.conversation.state is state

    @property
    def reply(self) -> Any:
        return self.conversation.reply

    @property
    def interrupts(self) -> list[Interrupt]:
        """All that were sent."""
        return [a.interrupt for _, a in self.log if isinstance(a, act.SendInterrupt)]

    def wanted(self, kind: type[Action]) -> list[Any]:
        """All actions of a kind, so far."""
        return [a for _, a in self.log if isinstance(a, kind)]


def of(actions: tuple[Action, ...], *kinds: type[Action]) -> list[Action]:
    """Those of these kinds, in order."""
    return [a for a in actions if isinstance(a, kinds)]


def kinds(actions: tuple[Action, ...]) -> list[str]:
    """What is wanted, by name."""
    return [type(a).__name__ for a in actions]


def phases(driver: Driver) -> list[Phase]:
    """Of the interruptions that the hub was told of, in order."""
    return [told.phase for told in driver.interrupts]


def became(driver: Driver) -> tuple[State, State, Why]:
    """The last change of state: from, to, and why."""
    last = driver.wanted(act.Become)[-1]
    return last.old, last.new, last.why


def why(driver: Driver) -> Why:
    """The state changed the last time."""
    reason: Why = driver.wanted(act.Become)[-1].why
    return reason
