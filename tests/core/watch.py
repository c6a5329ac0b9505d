"""What must hold of every conversation, whatever happens: DESIGN's ten rules, checked on each step from outside."""

from collections import deque
from collections.abc import Sequence

from satellite.core import actions as act
from satellite.core import events as ev
from satellite.core.actions import Action
from satellite.core.burst import ACTIVE_PROBABILITY
from satellite.core.conversation import Conversation
from satellite.core.events import Deadline, Event
from satellite.core.interrupt import Interrupt, Phase
from satellite.core.say import FollowUp, SayState
from satellite.core.state import Stage, State, Why
from satellite.core.table import step
from satellite.core.turns import WORD_AGAIN_MS
from satellite.core.units import Frames, Millis, frames

AT_REST = (State.OFFLINE, State.IDLE, State.MUTED)
HEARING = (State.LISTENING, State.PROCESSING)

# abort, run, twice over, then an abort while idle; and a hold before all that
MOST_DEADLINES = 10

# ids whose story is over are forgotten, so that a walk of a million events stays small
_IDS_REMEMBERED = 32


class Watch:
    """Sees every event, what it made of the conversation and what was wanted; AssertionError at the first breach."""

    def __init__(self) -> None:
        self.waits_for: Deadline | None = None
        self._mic: Frames | None = None
        self._licence: Frames | None = None
        self._pinned: Frames | None = None
        self._run_is_alive = False
        self._abort_is_open = False
        self._untold_word: str | None = None
        self._phases: dict[str, list[Phase]] = {}
        self._windows: deque[ev.VoiceWindow] = deque(maxlen=100)
        self._thinks_since = Frames(0)
        self._said_until = Frames(0)
        self._saying: int | None = None

    def see(self, before: Conversation, event: Event, after: Conversation, actions: Sequence[Action]) -> None:
        """One step."""
        self._hear_of(before, event, after)
        for action in actions:
            self._check(before, event, after, action)
        self._check_states(before, after, actions)
        self._check_waiting(before, event, after)
        self._check_privacy(after)
        self._check_resolved(before, after)
        self._check_says(before, event, after, actions)
        if isinstance(event, ev.StopWordHeard):
            self._check_stopped(before, after, actions)

    # ---- what happened

    def _hear_of(self, before: Conversation, event: Event, after: Conversation) -> None:
        if isinstance(event, ev.VoiceWindow):
            self._windows.append(event)
            if before.state is State.LISTENING and event.probability >= ACTIVE_PROBABILITY:
                self._said_until = event.end
        if isinstance(event, ev.DeadlineReached) and event.kind is self.waits_for:
            self.waits_for = None
            self._abort_is_open &= event.kind is not Deadline.ABORT_ACK
        if isinstance(event, ev.HubError) and (before.stage is not Stage.ABORTING or event.code == "validation-error"):
            self._run_is_alive = self._abort_is_open = False
        is_over = isinstance(event, ev.Answered | ev.NothingToSay) and after.stage is Stage.NONE
        if is_over or isinstance(event, ev.HubClosed | ev.HubPaused | ev.HubOpened):
            self._run_is_alive = False
        if isinstance(event, ev.HubClosed | ev.HubPaused):
            # whatever was asked of it went with it
            self._abort_is_open = False
        if isinstance(event, ev.AnnouncementAudio) and after.state is State.SPEAKING and before.state is not after.state:
            # the hub cancels its run for it
            self._run_is_alive = self._abort_is_open = False
        if isinstance(event, ev.Transcript) and before.kept is not None and after.state is State.SPEAKING:
            # a run that finds no words has ended
            self._run_is_alive = False
        if isinstance(event, ev.WakeHeard) and before.state is State.IDLE:
            last = before.last_word
            is_again = last is not None and last.name == event.name and event.at - last.at < WORD_AGAIN_MS
            self._untold_word = None if is_again else event.name
        if after.state is State.LISTENING and before.state is not State.LISTENING and after.turn > before.turn:
            self._licence = self._licence_for(before, event)
        if after.state is State.PROCESSING and before.state is not State.PROCESSING:
            self._thinks_since = self._windows[-1].end if self._windows else Frames(0)

    def _licence_for(self, before: Conversation, event: Event) -> Frames:
        """The first frame that may leave for this turn: nothing, unless the user has addressed us."""
        if isinstance(event, ev.HubWoke):
            return before.utterance
        if isinstance(event, ev.WakeHeard):
            return Frames(event.end - frames(before.rule.wake_backtrack_ms))
        if isinstance(event, ev.ListenAsked):
            return event.end
        if isinstance(event, ev.ReplyEnded):
            return self._licence_to_answer(before, event)
        rule = before.rule.burst
        since = self._thinks_since if before.state is State.PROCESSING else before.onset
        judged = [w for w in self._windows if w.end > since - frames(rule.before_onset_ms)]
        voice = sum(w.length for w in judged if w.probability >= ACTIVE_PROBABILITY or w.voicing >= rule.vowel_voicing)
        held_out = isinstance(event, ev.DeadlineReached) and before.state is State.HELD and voice > 0
        assert held_out or voice >= frames(min(rule.shortest_ms, rule.vowels_ms)), "a turn was opened by no words"
        # and not what the hub has heard already
        return Frames(max(since - frames(before.rule.preroll_ms) - self._windows[-1].length, self._said_until))

    def _licence_to_answer(self, before: Conversation, ended: ev.ReplyEnded) -> Frames:
        """Our answer has invited the user to speak; nothing of before its end but what he said over it."""
        rule, reply = before.rule, before.reply
        assert reply is not None and (reply.listens or not reply.is_announcement), "nobody was asked"
        asks = reply.listens or (rule.follow_up is FollowUp.QUESTION and reply.text.endswith("?"))
        assert rule.follow_up is FollowUp.ALWAYS or asks, "the answer was no question"
        if ended.overlap is None:
            return self._windows[-1].end
        return Frames(max(ended.overlap - frames(rule.preroll_ms), self._said_until))

    # ---- what is wanted

    def _check(self, before: Conversation, event: Event, after: Conversation, action: Action) -> None:
        match action:
            case act.SetDeadline(kind, ms):
                assert ms > 0
                self.waits_for = kind
            case act.ClearDeadline():
                self.waits_for = None
            case act.SendAbort():
                self._abort_is_open = True
                self._run_is_alive = False
            case act.SendDetection(name):
                assert name == self._untold_word, "the hub takes us for two satellites"
                self._untold_word = None
            case act.SendRun() | act.SendWakeRun():
                assert after.is_linked
                assert self._untold_word is None, "a run was asked for by a wake word that the hub was not told of"
                assert not self._run_is_alive, "a run was asked for while another was alive: the hub is deaf now"
                assert not self._abort_is_open, "a run was asked for while the abort was neither acked nor timed out"
                self._run_is_alive = True
            case act.KeepFrom(first):
                self._pinned = first
            case act.StreamMic(first):
                self._check_stream(first, after)
            case act.StopMic():
                self._mic = None
            case act.BeginTurn(turn):
                assert turn > before.turn, "a turn began twice"
            case act.Play(turn):
                assert self._saying is None, "an utterance began before the one before it was over"
                self._saying = turn
            case act.ResumeReply(turn):
                self._saying = turn
            case act.SayOver(turn) if turn:
                assert turn == self._saying, "an utterance that does not play is over"
                self._saying = None
            case act.SendInterrupt(interrupt):
                self._check_interrupt(before, event, after, interrupt)

    def _check_stream(self, first: Frames, after: Conversation) -> None:
        assert self._run_is_alive, "the microphone was streamed before the run was asked for"
        if _hub_may_listen(after):
            lead = frames(2000) if after.rule.wake_gate else 0
            assert first >= max(self._windows[-1].end - lead, 0), "audio from before it was needed was sent"
            self._mic = first
            return
        assert self._licence is not None and first >= max(self._licence, 0), "audio from before the user's words was sent"
        assert self._pinned is not None and self._pinned <= first, "audio was asked for that nobody keeps"
        self._mic = first

    def _check_interrupt(self, before: Conversation, event: Event, after: Conversation, told: Interrupt) -> None:
        position = told.position
        assert 0 <= position.heard <= position.played <= position.received, told
        assert position.total is None or position.received <= position.total
        assert told.turn <= after.turn
        assert told.phase is not Phase.PROVISIONAL or before.rule.tell_provisional
        told_before = self._phases.setdefault(told.id, [])
        match (*told_before[-2:], told.phase):
            case (Phase.PROVISIONAL,) | (Phase.CONFIRMED,):
                # a hold that was told to nobody, for its hub was away, may be confirmed to the next
                assert before.state in (State.SPEAKING, State.HELD, State.PROCESSING) or isinstance(event, ev.HubOpened)
            case (Phase.PROVISIONAL, Phase.CONFIRMED | Phase.CANCELLED):
                pass
            case (*_, Phase.CONFIRMED, Phase.CONFIRMED):
                assert isinstance(event, ev.HubOpened) and told_before.count(Phase.CONFIRMED) == 1, "told too often"
            case (*_, Phase.CONFIRMED, Phase.CANCELLED):
                assert before.kept is not None and after.state is State.SPEAKING, "only no words undo a commit"
            case phases:
                raise AssertionError(f"phases of one interruption: {phases}")
        told_before.append(told.phase)
        while len(self._phases) > _IDS_REMEMBERED:
            del self._phases[next(iter(self._phases))]

    # ---- what must be true after every step

    def _check_states(self, before: Conversation, after: Conversation, actions: Sequence[Action]) -> None:
        changes = [a for a in actions if isinstance(a, act.Become)]
        # where nothing else goes on, what a program wants said may begin in the same breath
        assert len(changes) <= 1 or (len(changes) == 2 and changes[1].why is Why.SAY)
        assert [c.old for c in changes] + [after.state] == [before.state] + [c.new for c in changes]
        after_it = actions[actions.index(changes[-1]) + 1 :] if changes else ()
        only_prepares = all(isinstance(a, act.MakeSpeech | act.StopMic | act.SendAbort | act.SetDeadline) for a in after_it)
        assert only_prepares, "observers are told last, when all is done"
        assert after.turn >= before.turn
        assert (after.reply is not None) == (after.state in (State.SPEAKING, State.HELD))

    def _check_waiting(self, before: Conversation, event: Event, after: Conversation) -> None:
        assert self.waits_for is after.deadline, "the timer that runs is not the one that is waited for"
        assert after.state in AT_REST or after.deadline is not None, f"{after.state} without a deadline"
        if after.state in (State.OFFLINE, State.MUTED):
            assert after.deadline is None
        if after.state in (State.IDLE, *HEARING):
            assert after.is_linked or isinstance(event, ev.ShuttingDown)
        if after.state in (State.OFFLINE, State.MUTED):
            assert not after.is_linked

    def _check_privacy(self, after: Conversation) -> None:
        if after.state not in HEARING:
            assert self._mic is None or _hub_may_listen(after), f"the microphone is streamed while {after.state}"
            assert self._pinned is None, f"the microphone is kept for a turn while {after.state}"
            self._licence = None
            self._untold_word = None

    def _check_resolved(self, before: Conversation, after: Conversation) -> None:
        """Whoever was told of a hold is told what became of it, as soon as a hub is there."""
        if before.interrupt and after.state is State.LISTENING:
            assert self._phases[before.interrupt.id][-1] is Phase.CONFIRMED, "a commit was told to nobody"
        if after.is_linked:
            is_open = {id for id, phases in self._phases.items() if phases[-1] is Phase.PROVISIONAL}
            assert is_open <= {after.interrupt.id if after.interrupt else None}, "a hold was never resolved"

    def _check_says(self, before: Conversation, event: Event, after: Conversation, actions: Sequence[Action]) -> None:
        """Whoever waits for an utterance is told of its end, once; and nothing that a program wants said is lost."""
        plays = after.reply is not None and after.reply.state is SayState.PLAYING
        assert (self._saying is not None) == plays, "an utterance is over and nobody was told, or the other way round"
        asked = (
            {event.say.id} if isinstance(event, ev.SayAsked) else {a.id for a in actions if isinstance(a, act.KeepAnnouncement)}
        )
        over = {a.id for a in actions if isinstance(a, act.SayOver)} - {None}
        assert (_to_be_said(before) | asked) - _to_be_said(after) == over, "something to be said was lost, or is over twice"

    def _check_stopped(self, before: Conversation, after: Conversation, actions: Sequence[Action]) -> None:
        """Where a stop word counts, all is over, and nobody listens."""
        assert not any(isinstance(a, act.SendRun | act.StreamMic) for a in actions), "a stop word began something"
        if any(isinstance(a, act.Play) for a in actions):
            assert after.reply is not None and after.reply.id is not None, "a stop word began an answer"
            is_free = after.reply.is_announcement or before.state not in (State.SPEAKING, State.HELD)
            assert is_free or before.reply is None or before.reply.state is SayState.PLAYED, "what was to follow was said"
            return
        if after.state is before.state:
            assert actions == (), "a stop word that is ignored did something"
            return
        assert after.state is (State.IDLE if before.is_linked else State.MUTED if before.is_muted else State.OFFLINE)
        assert after.reply is None and not after.stage.is_alive
        if before.interrupt and before.reply and before.reply.state is SayState.PLAYING and before.is_linked:
            assert self._phases[before.interrupt.id][-1] is Phase.CONFIRMED, "a hold that a stop word ended was not confirmed"


def _to_be_said(c: Conversation) -> set[int | None]:
    """What a program wants said, from the queue to its last sample."""
    playing = c.reply if c.reply is not None and c.reply.state is SayState.PLAYING else None
    return {say.id for say in (*c.says, c.making, playing) if say is not None} - {None}


def _hub_may_listen(c: Conversation) -> bool:
    """The operator has the hub find the wake word, and it waits for it."""
    return c.rule.hub_wakes and c.state is State.IDLE and c.stage is Stage.WAKING


def comes_to_rest(conversation: Conversation) -> bool:
    """Whether time alone, with no word from anybody, brings it to a state where nothing is waited for."""
    # what waits to be said is said first, and may end at its limit
    for _ in range(MOST_DEADLINES + 2 * len(conversation.says)):
        if conversation.deadline is None:
            return conversation.state in AT_REST
        conversation, _ = step(conversation, ev.DeadlineReached(Millis(0), conversation.deadline))
    return False
