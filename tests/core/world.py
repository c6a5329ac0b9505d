"""A world for the conversation to live in: a user, a hub and a speaker that do anything that may happen, at random."""

from collections.abc import Callable
from dataclasses import replace
from typing import TypeAlias

from satellite.core import actions as act
from satellite.core import events as ev
from satellite.core.conversation import Conversation, ConversationRule
from satellite.core.events import Deadline, Event
from satellite.core.say import Allow, FollowUp, Say
from satellite.core.says import MOST_SAYS
from satellite.core.state import Stage, State
from satellite.core.table import step
from satellite.core.units import Frames, Millis, Probability, frames
from tests.core.driver import BREATH, VOWEL, window
from tests.core.speaker import FakeSpeaker
from tests.core.watch import Watch, comes_to_rest

Pick: TypeAlias = Callable[[int], int]
"""Chooses one of so many: a random number, or hypothesis."""

Deed: TypeAlias = Callable[[], None]

# three of the detector's: the same decisions from fewer events
WINDOW_MS = 96

# before each deed passes one of these
_PAUSES_MS = (0, 1, 10, 40, 300, 1500)


class World:
    """One service's life, and another after it is shut down. `events` counts what happened.

    On every so many-th event it is checked that time alone would lead to rest, and that the step can be repeated.
    """

    def __init__(self, pick: Pick, check_every: int = 16) -> None:
        self._pick, self._check_every = pick, check_every
        self.events = 0
        self._begin()

    def _begin(self) -> None:
        policy = (*3 * (Allow.SPEECH,), Allow.WAKE_WORD, Allow.STOP_WORD, Allow.NONE)[self._pick(6)]
        rule = ConversationRule(
            policy,
            tell_provisional=self._pick(4) > 0,
            attempts=1 + self._pick(3),
            hub_wakes=self._pick(3) == 0,
            wake_gate=self._pick(2) == 0,
            follow_up=tuple(FollowUp)[self._pick(3)],
        )
        self.conversation = Conversation("boot", rule)
        self.watch, self.speaker = Watch(), FakeSpeaker()
        self.at, self._due = 0, 0
        self.hub = "away"
        self._says = 0
        self._announcements = 0
        # some hubs are true to the protocol, some talk nonsense half of the time; some lives are hard
        self._sense, self._luck = (2, 6, 20)[self._pick(3)], (3, 12)[self._pick(2)]

    def live(self) -> None:
        """One thing more happens."""
        self._pass(_PAUSES_MS[self._pick(len(_PAUSES_MS))])
        deeds = (*2 * (self._user, self._user, self._sound, self._peer, self._peer), self._program)[self._pick(11)]()
        deeds[self._pick(len(deeds))]()

    # ---- time

    def _pass(self, ms: int) -> None:
        until = self.at + ms
        while self.conversation.deadline is not None and self._due <= until:
            self._move(self._due)
            self._tell(ev.DeadlineReached(Millis(self.at), self.conversation.deadline))
        self._move(until)

    def _move(self, at: int) -> None:
        self.speaker.tick(at - self.at)
        self.at = at

    def _tell(self, event: Event) -> None:
        before = self.conversation
        after, actions = step(before, event)
        self.conversation = after
        self.events += 1
        for action in actions:
            self.speaker.obey(action)
            if isinstance(action, act.SetDeadline):
                self._due = self.at + action.after
        self.watch.see(before, event, after, actions)
        if self.events % self._check_every == 0:
            assert step(before, event) == (after, actions), "the same event on the same value gave something else"
            assert comes_to_rest(after), f"stuck: {after}"

    # ---- what may happen

    def _peer(self) -> list[Deed]:
        match self.hub:
            case "away":
                return [self._open]
            case "paused":
                return [self._open, *self._nonsense()]
            case _:
                return self._hub_talk()

    def _user(self) -> list[Deed]:
        return [
            *2 * [lambda: self._voice(300, 0.9)],
            *2 * [lambda: self._voice(300, 0.9, BREATH)],
            lambda: self._voice(700, 0.9),
            lambda: self._voice(100, 0.45),
            *3 * [lambda: self._voice(800, 0.02)],
            *2 * [self._wake],
            self._stop_word,
            self._until_due,
        ]

    def _sound(self) -> list[Deed]:
        deeds: list[Deed] = [self._late_report]
        if self._pick(self._luck) == 0:
            deeds += [*2 * [self._simple(ev.MicrophoneStalled)], *2 * [self._lose_audio], self._shut_down]
            deeds += [self._simple(ev.MicrophoneLost), self._lose_speaker]
        if self.speaker.status == "playing":
            if self.speaker.allow is Allow.SPEECH:
                deeds += 3 * [self._hold]
            if self.speaker.is_whole:
                deeds += 2 * [self._end]
        return deeds

    def _hub_talk(self) -> list[Deed]:
        likely: dict[State, list[Deed]] = {
            State.LISTENING: [*4 * [self._simple(ev.HubReady)], *2 * [self._understand], self._simple(ev.HubHeardEnd)],
            State.PROCESSING: [
                *2 * [self._understand],
                *2 * [self._answer],
                *3 * [self._simple(ev.AnswerAudio)],
                self._doubtful,
                *(2 * [self._complete] if self.conversation.aside else ()),
                self._simple(ev.HubReady),
            ],
            State.SPEAKING: [
                *2 * [self._answer],
                *4 * [self._complete],
                lambda: self._announce(may_be_rest=True),
                lambda: self._close("away"),
            ],
            State.HELD: [self._answer, self._complete, lambda: self._close("away")],
        }
        deeds = list(likely.get(self.conversation.state, (self._simple(ev.AnswerAudio),)))
        if self.conversation.stage is Stage.WAKING:
            deeds += [*2 * [self._hub_wakes], lambda: self._error("wake-stream-failed")]
        if self.conversation.stage is Stage.ABORTING:
            deeds += 4 * [lambda: self._error("validation-error")]
        if self.conversation.kept is not None:
            deeds += [self._mishear, lambda: self._error("stt-no-text-recognized")]
        if self._pick(self._sense) == 0:
            deeds += self._nonsense()
        return deeds

    def _nonsense(self) -> list[Deed]:
        """Anything at any time: hubs are other people's programs, and the wire has two ends."""
        talk = (ev.HubReady, ev.HubHeardEnd, ev.AnswerAudio)
        return [
            lambda: self._announce(may_be_rest=False),
            *(self._simple(kind) for kind in talk),
            self._hub_wakes,
            self._understand,
            self._mishear,
            self._answer,
            self._complete,
            self._doubtful,
            *(lambda code=code: self._error(code) for code in ("validation-error", "stt-no-text-recognized", "other")),
            lambda: self._announce(may_be_rest=False),
            lambda: self._announce(may_be_rest=True),
            *3 * [lambda: self._close("away")],
            self._pause,
        ]

    # ---- a program

    def _program(self) -> list[Deed]:
        making = self.conversation.making
        ids = (making.id if making is not None and making.id is not None else -1, self._pick(self._says + 1))
        return [
            self._ask_to_say,
            self._ring,
            lambda: self._tell(ev.SayComplete(Millis(self.at), -max(self._pick(self._announcements + 1), 1), Millis(2000))),
            lambda: self._tell(ev.SayFailed(Millis(self.at), -max(self._pick(self._announcements + 1), 1))),
            *3 * [lambda: self._tell(ev.SaySpeech(Millis(self.at), ids[0]))],
            lambda: self._tell(ev.SayComplete(Millis(self.at), ids[self._pick(2)], Millis(3000))),
            lambda: self._tell(ev.SayFailed(Millis(self.at), ids[self._pick(2)])),
            lambda: self._tell(ev.SayWithdrawn(Millis(self.at), ids[self._pick(2)])),
            lambda: self._tell(ev.ListenAsked(Millis(self.at), frames(self.at))),
            self._cancel_reply,
            lambda: self._tell(ev.StopAsked(Millis(self.at), self.speaker.position)),
        ]

    def _ask_to_say(self) -> None:
        if len(self.conversation.says) < MOST_SAYS:
            self._says += 1
            say = Say(0, tuple(Allow)[self._pick(4)], id=self._says, text="tea?", is_announcement=self._pick(3) == 0)
            self._tell(ev.SayAsked(Millis(self.at), replace(say, listens=self._pick(4) == 0)))

    def _ring(self) -> None:
        if len(self.conversation.says) < MOST_SAYS:
            self._says += 1
            self._tell(ev.SayAsked(Millis(self.at), self.conversation.rule.ring(self._says, Millis(60_000))))

    def _cancel_reply(self) -> None:
        reply = self.conversation.reply
        turn = -1 if reply is None or self._pick(4) == 0 else reply.turn
        self._tell(ev.ReplyCancelled(Millis(self.at), turn, self.speaker.position))

    # ---- the user

    def _voice(self, ms: int, probability: float, voicing: float = VOWEL) -> None:
        for _ in range(ms // WINDOW_MS):
            self._pass(WINDOW_MS)
            self._tell(window(self.at, WINDOW_MS, probability, voicing))

    def _wake(self) -> None:
        self._tell(ev.WakeHeard(Millis(self.at), "okay_nabu", frames(max(self.at - 80, 0))))

    def _stop_word(self) -> None:
        self._tell(ev.StopWordHeard(Millis(self.at), "stop", frames(max(self.at - 80, 0)), self.speaker.position))

    def _hub_wakes(self) -> None:
        self._tell(ev.HubWoke(Millis(self.at), "okay_nabu"))

    def _until_due(self) -> None:
        if self.conversation.deadline is not None:
            self._pass(self._due - self.at)

    # ---- sound

    def _hold(self) -> None:
        assert self.speaker.turn is not None
        self.speaker.hold()
        onset = max(self.at - 160, 0)
        held = ev.Held(Millis(self.at), self.speaker.turn, frames(onset), Millis(onset), Probability(0.8), self.speaker.position)
        self._tell(held)

    def _end(self) -> None:
        assert self.speaker.turn is not None
        overlap: Frames | None = frames(max(self.at - 160, 0)) if self._pick(2) and self.speaker.allow is Allow.SPEECH else None
        self.speaker.end()
        self._tell(ev.ReplyEnded(Millis(self.at), self.speaker.turn, self.speaker.position, overlap))

    def _late_report(self) -> None:
        before = self.conversation
        late: tuple[Event, ...] = (
            ev.ReplyEnded(Millis(self.at), -1, self.speaker.position, None),
            ev.Held(Millis(self.at), -1, Frames(0), Millis(0), Probability(1.0), self.speaker.position),
            ev.DeadlineReached(Millis(self.at), tuple(Deadline)[self._pick(len(Deadline))]),
        )
        event = late[self._pick(3)]
        if not isinstance(event, ev.DeadlineReached) or event.kind is not before.deadline:
            self._tell(event)
            assert self.conversation is before, "late news changed something"

    def _lose_audio(self) -> None:
        self.speaker.lose()
        self._tell(ev.AudioLost(Millis(self.at)))

    def _lose_speaker(self) -> None:
        self.speaker.lose()
        self._tell(ev.SpeakerLost(Millis(self.at)))

    def _shut_down(self) -> None:
        self._tell(ev.ShuttingDown(Millis(self.at)))
        assert self.speaker.status not in ("playing", "held")
        self._begin()

    # ---- the hub

    def _simple(self, kind: type[Event]) -> Deed:
        return lambda: self._tell(kind(Millis(self.at)))

    def _open(self) -> None:
        self.hub = "here"
        self._tell(ev.HubOpened(Millis(self.at)))

    def _close(self, then: str) -> None:
        self.hub = then
        self._tell(ev.HubClosed(Millis(self.at)))

    def _pause(self) -> None:
        self.hub = "paused"
        self._tell(ev.HubPaused(Millis(self.at)))

    def _understand(self) -> None:
        self._tell(ev.Transcript(Millis(self.at), ("turn on the light", "stop", "")[self._pick(3)]))

    def _mishear(self) -> None:
        self._tell(ev.Transcript(Millis(self.at), " "))

    def _answer(self) -> None:
        self._tell(ev.Answered(Millis(self.at), ("the light is on", "which light?", "")[self._pick(3)]))

    def _complete(self) -> None:
        total = self.speaker.complete() if self.speaker.status in ("playing", "held") else 1000
        self._tell(ev.AnswerComplete(Millis(self.at), Millis(total)))

    def _doubtful(self) -> None:
        self._tell(ev.AnswerAudio(Millis(self.at), is_certain=False))

    def _announce(self, may_be_rest: bool) -> None:
        self._announcements += 1
        self._tell(ev.AnnouncementAudio(Millis(self.at), may_be_rest, id=-self._announcements))

    def _error(self, code: str) -> None:
        self._tell(ev.HubError(Millis(self.at), code, ""))
