"""The conversation's transition table, and the engine that reads it.

Theory of operation
-------------------
1. Whatever changes the state of a conversation stands in this file. A row says: in this state, at this event, if this
   holds, do this and be in that state. Rows of one state and event are tried from the top; if none holds, nothing happens.
2. A pair of state and event with no row at all is our own mistake: `step` raises ProtocolMisuse.
3. Events that are late are no mistake, and are dropped before the table is asked: news of a reply that is not the present
   one, what the hub still says of a run that it is cancelling, and a deadline for something that is no longer waited for.
4. At most one deadline runs. It is set by the row that begins to wait, and a change of state that sets none clears it.
   `listening`, `processing`, `speaking` and `held` always have one; in `offline`, `idle` and `muted` the satellite may rest.
5. `step` is pure: time comes with the event.

The diagram in the README is made from these rows (`python -m satellite.core.diagram`).
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from satellite.core import actions as act
from satellite.core import effects as do
from satellite.core import events as ev
from satellite.core import waking
from satellite.core.conversation import Conversation
from satellite.core.effects import Effect, Guard, Result
from satellite.core.events import Deadline, Event
from satellite.core.state import Stage, State, Why
from satellite.errors import ProtocolMisuse

OFFLINE, IDLE, LISTENING, PROCESSING = State.OFFLINE, State.IDLE, State.LISTENING, State.PROCESSING
SPEAKING, HELD, MUTED = State.SPEAKING, State.HELD, State.MUTED


@dataclass(frozen=True, slots=True)
class Row:
    """One transition. `why` is None where the state stays."""

    state: State
    event: type[Event]
    effect: Effect
    to: State
    why: Why | None = None
    when: Guard = do.always


def _stay(state: State, event: type[Event], effect: Effect, when: Guard = do.always) -> Row:
    return Row(state, event, effect, state, None, when)


def _ignore(state: State, *events: type[Event]) -> tuple[Row, ...]:
    return tuple(_stay(state, event, do.nothing) for event in events)


_HUB_TALK = (ev.HubWoke, ev.HubReady, ev.HubHeardEnd, ev.Transcript, ev.Answered, ev.AnswerAudio, ev.AnswerComplete, ev.HubError)

ROWS: tuple[Row, ...] = (
    # ---- no hub
    Row(OFFLINE, ev.HubOpened, do.link, IDLE, Why.CONNECTED),
    *_ignore(OFFLINE, ev.VoiceWindow, ev.WakeHeard, ev.MicrophoneStalled, ev.AudioLost, ev.ShuttingDown),
    # ---- waiting for the wake word
    Row(IDLE, ev.WakeHeard, do.wake, LISTENING, Why.WAKE_WORD),
    Row(IDLE, ev.AnnouncementAudio, do.announce, SPEAKING, Why.ANNOUNCEMENT),
    # where the hub finds the wake word
    Row(IDLE, ev.HubWoke, waking.woken, LISTENING, Why.WAKE_WORD, waking.is_waiting),
    _stay(IDLE, ev.VoiceWindow, waking.begin, waking.may_begin),
    _stay(IDLE, ev.VoiceWindow, waking.give_back, waking.is_quiet),
    _stay(IDLE, ev.VoiceWindow, waking.follow, waking.is_waiting),
    _stay(IDLE, ev.HubError, waking.failed, waking.is_waiting),
    _stay(IDLE, ev.HubError, do.nothing, waking.has_paused),
    _stay(IDLE, ev.DeadlineReached, waking.give_back, do.is_due(Deadline.WAKE_RUN)),
    # and everywhere
    _stay(IDLE, ev.HubError, do.idle_acked),
    _stay(IDLE, ev.DeadlineReached, do.idle_unacked),
    Row(IDLE, ev.HubClosed, do.unlink, OFFLINE, Why.DISCONNECTED),
    Row(IDLE, ev.HubPaused, do.mute, MUTED, Why.MUTED),
    *_ignore(IDLE, ev.VoiceWindow, ev.MicrophoneStalled, ev.AudioLost, ev.ShuttingDown),
    *_ignore(IDLE, *(e for e in _HUB_TALK if e not in (ev.HubError, ev.HubWoke))),
    # ---- the user speaks
    _stay(LISTENING, ev.HubReady, do.ready, do.is_asked),
    Row(LISTENING, ev.VoiceWindow, do.end_utterance, PROCESSING, Why.END_OF_SPEECH, do.utterance_ends),
    _stay(LISTENING, ev.VoiceWindow, do.listen),
    Row(LISTENING, ev.HubHeardEnd, do.hub_ended_utterance, PROCESSING, Why.END_OF_SPEECH),
    Row(LISTENING, ev.Transcript, do.take_up_after_empty, SPEAKING, Why.FALSE_ALARM, do.heard_nothing),
    Row(LISTENING, ev.Transcript, do.understood, PROCESSING, Why.END_OF_SPEECH),
    Row(LISTENING, ev.Answered, do.answered, PROCESSING, Why.END_OF_SPEECH),
    _stay(LISTENING, ev.HubError, do.acked, do.is_abort_ack),
    _stay(LISTENING, ev.HubError, do.try_again, do.is_late_ack),
    Row(LISTENING, ev.HubError, do.take_up_after_empty, SPEAKING, Why.FALSE_ALARM, do.heard_nothing),
    Row(LISTENING, ev.HubError, do.give_up, IDLE, Why.HUB_ERROR),
    _stay(LISTENING, ev.DeadlineReached, do.run_unacked, do.is_due(Deadline.ABORT_ACK)),
    _stay(LISTENING, ev.DeadlineReached, do.try_again, do.may_try_again(Deadline.HUB_READY)),
    Row(LISTENING, ev.DeadlineReached, do.give_up, IDLE, Why.NOTHING_SAID, do.is_due(Deadline.SPEECH)),
    Row(LISTENING, ev.DeadlineReached, do.end_utterance, PROCESSING, Why.TIME_LIMIT, do.is_due(Deadline.END_OF_SPEECH)),
    Row(LISTENING, ev.DeadlineReached, do.give_up, IDLE, Why.TIME_LIMIT),
    Row(LISTENING, ev.AnnouncementAudio, do.announce, SPEAKING, Why.ANNOUNCEMENT),
    Row(LISTENING, ev.HubClosed, do.unlink, OFFLINE, Why.DISCONNECTED),
    Row(LISTENING, ev.HubPaused, do.mute, MUTED, Why.MUTED),
    Row(LISTENING, ev.AudioLost, do.give_up, IDLE, Why.DEVICE_LOST),
    Row(LISTENING, ev.ShuttingDown, do.shut_down, IDLE, Why.SHUTDOWN),
    *_ignore(LISTENING, ev.WakeHeard, ev.HubWoke, ev.MicrophoneStalled, ev.AnswerAudio, ev.AnswerComplete),
    # ---- the hub thinks
    _stay(PROCESSING, ev.HubReady, do.ready_late, do.is_asked),
    Row(PROCESSING, ev.Transcript, do.take_up_after_empty, SPEAKING, Why.FALSE_ALARM, do.heard_nothing),
    _stay(PROCESSING, ev.Transcript, do.understood),
    _stay(PROCESSING, ev.Answered, do.answered),
    Row(PROCESSING, ev.AnswerAudio, do.speak, SPEAKING, Why.ANSWER),
    Row(PROCESSING, ev.VoiceWindow, do.interrupt_thought, LISTENING, Why.INTERRUPTED, do.words),
    _stay(PROCESSING, ev.VoiceWindow, do.follow_voice),
    Row(PROCESSING, ev.WakeHeard, do.interrupt_thought, LISTENING, Why.INTERRUPTED),
    _stay(PROCESSING, ev.HubError, do.acked, do.is_abort_ack),
    _stay(PROCESSING, ev.HubError, do.try_again, do.is_late_ack),
    Row(PROCESSING, ev.HubError, do.take_up_after_empty, SPEAKING, Why.FALSE_ALARM, do.heard_nothing),
    Row(PROCESSING, ev.HubError, do.give_up, IDLE, Why.HUB_ERROR),
    _stay(PROCESSING, ev.DeadlineReached, do.run_unacked, do.is_due(Deadline.ABORT_ACK)),
    _stay(PROCESSING, ev.DeadlineReached, do.try_again, do.may_try_again(Deadline.HUB_READY, Deadline.TRANSCRIPT)),
    Row(PROCESSING, ev.DeadlineReached, do.give_up, IDLE, Why.TIME_LIMIT),
    Row(PROCESSING, ev.AnnouncementAudio, do.announce, SPEAKING, Why.ANNOUNCEMENT),
    Row(PROCESSING, ev.HubClosed, do.unlink, OFFLINE, Why.DISCONNECTED),
    Row(PROCESSING, ev.HubPaused, do.mute, MUTED, Why.MUTED),
    Row(PROCESSING, ev.AudioLost, do.give_up, IDLE, Why.DEVICE_LOST),
    Row(PROCESSING, ev.ShuttingDown, do.shut_down, IDLE, Why.SHUTDOWN),
    *_ignore(PROCESSING, ev.HubWoke, ev.MicrophoneStalled, ev.HubHeardEnd, ev.AnswerComplete),
    # ---- we speak
    Row(SPEAKING, ev.Held, do.hold, HELD, Why.VOICE),
    Row(SPEAKING, ev.WakeHeard, do.commit_wake, LISTENING, Why.INTERRUPTED, do.linked_wake_word),
    Row(SPEAKING, ev.WakeHeard, do.commit_wake, OFFLINE, Why.INTERRUPTED, do.wake_word_allowed),
    _stay(SPEAKING, ev.VoiceWindow, do.follow_voice),
    Row(SPEAKING, ev.ReplyEnded, do.ended_overlapped, HELD, Why.VOICE, do.is_overlapped),
    Row(SPEAKING, ev.ReplyEnded, do.ended, IDLE, Why.FINISHED, do.is_linked),
    Row(SPEAKING, ev.ReplyEnded, do.ended, OFFLINE, Why.FINISHED),
    _stay(SPEAKING, ev.Answered, do.reply_text),
    _stay(SPEAKING, ev.AnswerComplete, do.reply_complete),
    _stay(SPEAKING, ev.HubError, do.reply_cut_short),
    Row(SPEAKING, ev.DeadlineReached, do.stop_reply, IDLE, Why.TIME_LIMIT, do.is_linked),
    Row(SPEAKING, ev.DeadlineReached, do.stop_reply, OFFLINE, Why.TIME_LIMIT),
    _stay(SPEAKING, ev.HubClosed, do.unlink_reply),
    _stay(SPEAKING, ev.HubOpened, do.relink),
    Row(SPEAKING, ev.HubPaused, do.mute, MUTED, Why.MUTED),
    Row(SPEAKING, ev.AudioLost, do.stop_reply, IDLE, Why.DEVICE_LOST, do.is_linked),
    Row(SPEAKING, ev.AudioLost, do.stop_reply, OFFLINE, Why.DEVICE_LOST),
    Row(SPEAKING, ev.ShuttingDown, do.shut_down, IDLE, Why.SHUTDOWN),
    *_ignore(SPEAKING, ev.MicrophoneStalled, ev.AnnouncementAudio, ev.AnswerAudio),
    *_ignore(SPEAKING, ev.HubWoke, ev.HubReady, ev.HubHeardEnd, ev.Transcript),
    # ---- somebody may be talking over us
    Row(HELD, ev.VoiceWindow, do.commit_speech, OFFLINE, Why.INTERRUPTED, do.unlinked(do.words)),
    Row(HELD, ev.VoiceWindow, do.commit_speech, LISTENING, Why.INTERRUPTED, do.words),
    Row(HELD, ev.VoiceWindow, do.over_without_words, IDLE, Why.FINISHED, do.over(do.noise)),
    Row(HELD, ev.VoiceWindow, do.take_up, SPEAKING, Why.FALSE_ALARM, do.noise),
    _stay(HELD, ev.VoiceWindow, do.follow_voice),
    Row(HELD, ev.WakeHeard, do.commit_wake, OFFLINE, Why.INTERRUPTED, do.unlinked(do.always)),
    Row(HELD, ev.WakeHeard, do.commit_wake, LISTENING, Why.INTERRUPTED),
    Row(HELD, ev.DeadlineReached, do.commit_speech, OFFLINE, Why.INTERRUPTED, do.unlinked(do.still_talking)),
    Row(HELD, ev.DeadlineReached, do.commit_speech, LISTENING, Why.INTERRUPTED, do.still_talking),
    Row(HELD, ev.DeadlineReached, do.over_without_words, IDLE, Why.FINISHED, do.reply_is_over),
    Row(HELD, ev.DeadlineReached, do.take_up, SPEAKING, Why.FALSE_ALARM),
    Row(HELD, ev.MicrophoneStalled, do.over_without_words, IDLE, Why.FINISHED, do.reply_is_over),
    Row(HELD, ev.MicrophoneStalled, do.take_up, SPEAKING, Why.FALSE_ALARM),
    _stay(HELD, ev.Answered, do.reply_text),
    _stay(HELD, ev.AnswerComplete, do.reply_complete),
    _stay(HELD, ev.HubError, do.reply_cut_short),
    Row(HELD, ev.HubClosed, do.drop_overlap, OFFLINE, Why.DISCONNECTED, do.reply_is_over),
    _stay(HELD, ev.HubClosed, do.unlink_reply),
    _stay(HELD, ev.HubOpened, do.relink),
    Row(HELD, ev.HubPaused, do.mute, MUTED, Why.MUTED),
    Row(HELD, ev.AudioLost, do.stop_reply, IDLE, Why.DEVICE_LOST, do.is_linked),
    Row(HELD, ev.AudioLost, do.stop_reply, OFFLINE, Why.DEVICE_LOST),
    Row(HELD, ev.ShuttingDown, do.shut_down, IDLE, Why.SHUTDOWN),
    *_ignore(HELD, ev.HubWoke, ev.AnnouncementAudio, ev.AnswerAudio, ev.HubReady, ev.HubHeardEnd, ev.Transcript),
    # ---- the hub's mute switch
    Row(MUTED, ev.HubOpened, do.link, IDLE, Why.CONNECTED),
    *_ignore(MUTED, ev.HubClosed, ev.HubPaused, ev.AnnouncementAudio, *_HUB_TALK),
    *_ignore(MUTED, ev.VoiceWindow, ev.WakeHeard, ev.MicrophoneStalled, ev.AudioLost, ev.ShuttingDown),
)


def _indexed() -> Mapping[tuple[State, type[Event]], tuple[Row, ...]]:
    index: dict[tuple[State, type[Event]], tuple[Row, ...]] = {}
    for row in ROWS:
        index[row.state, row.event] = (*index.get((row.state, row.event), ()), row)
    return index


TRANSITIONS = _indexed()


def step(conversation: Conversation, event: Event) -> Result:
    """The conversation after an event, and what is to be done. ProtocolMisuse if the event cannot be in this state."""
    if _is_late(conversation, event):
        return conversation, ()
    try:
        rows = TRANSITIONS[conversation.state, type(event)]
    except KeyError:
        raise ProtocolMisuse(f"{type(event).__name__} while {conversation.state}") from None
    for row in rows:
        if row.when(conversation, event):
            return _take(conversation, event, row)
    return conversation, ()


def _is_late(c: Conversation, event: Event) -> bool:
    match event:
        case ev.Held(turn=turn) | ev.ReplyEnded(turn=turn):
            return c.state is not SPEAKING or c.reply is None or c.reply.turn != turn
        case ev.HubHeardEnd() | ev.Transcript() | ev.Answered() | ev.AnswerAudio():
            return c.stage is Stage.ABORTING
        case ev.DeadlineReached(kind=kind):
            return c.deadline is not kind
        case _:
            return False


def _take(before: Conversation, event: Event, row: Row) -> Result:
    after, actions = row.effect(before, event)
    if row.to is before.state:
        return after, actions
    after = replace(after, state=row.to)
    if not any(isinstance(a, act.SetDeadline) for a in actions):
        after = replace(after, deadline=None)
        actions = (*actions, act.ClearDeadline())
    assert row.why is not None
    return after, (*actions, act.Become(before.state, row.to, row.why))
