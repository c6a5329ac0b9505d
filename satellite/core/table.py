"""The conversation's transition table, and the engine that reads it.

Theory of operation
-------------------
1. Whatever changes the state of a conversation stands in this file. A row says: in this state, at this event, if this
   holds, do this and be in that state. Rows of one state and event are tried from the top; if none holds, nothing happens.
2. A pair of state and event with no row at all is our own mistake: `step` raises ProtocolMisuse.
3. Events that are late are no mistake, and are dropped before the table is asked: news of a reply that is not the present
   one, what the hub still says of a run before the present one, and a deadline for something that is no longer waited for.
4. At most one deadline runs. It is set by the row that begins to wait, and a change of state that sets none clears it.
   `listening`, `processing`, `speaking` and `held` always have one; in `offline`, `idle` and `muted` the satellite may rest.
5. Where the satellite rests, what a program wants said can begin: after every event the table is asked once more, by `Rested`.
6. A row that leads to `offline` leads to `muted` where a hub has muted us: that is where we rest then.
7. `step` is pure: time comes with the event.

The diagram in the README is made from these rows (`python -m satellite.core.diagram`).
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from satellite.core import actions as act
from satellite.core import events as ev
from satellite.core import guards as when
from satellite.core import interruptions, linking, replies, says, turns, waking
from satellite.core.conversation import Conversation
from satellite.core.effects import Effect, Result, nothing
from satellite.core.events import Deadline, Event
from satellite.core.guards import ABORT_ACK_CODE, Guard, always
from satellite.core.say import SayState
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
    when: Guard = always


def _stay(state: State, event: type[Event], effect: Effect, when: Guard = always) -> Row:
    return Row(state, event, effect, state, None, when)


def _ignore(state: State, *events: type[Event]) -> tuple[Row, ...]:
    return tuple(_stay(state, event, nothing) for event in events)


def _everywhere(event: type[Event], effect: Effect) -> tuple[Row, ...]:
    return tuple(_stay(state, event, effect) for state in State)


_HUB_TALK = (
    *(ev.HubWoke, ev.HubReady, ev.HubHeardEnd, ev.Transcript, ev.Answered, ev.AnswerAudio, ev.AnswerComplete),
    *(ev.HubError, ev.NothingToSay),
)
# a microphone, or a speaker, can be done without for a while
_HALF_LOST = (ev.MicrophoneLost, ev.SpeakerLost)
_LATE_TALK = (ev.HubWoke, ev.HubReady, ev.HubHeardEnd, ev.Transcript, ev.NothingToSay)

ROWS: tuple[Row, ...] = (
    # ---- no hub
    Row(OFFLINE, ev.HubOpened, linking.link, IDLE, Why.CONNECTED),
    *_ignore(OFFLINE, *_HALF_LOST),
    *_ignore(OFFLINE, ev.VoiceWindow, ev.WakeHeard, ev.StopWordHeard, ev.ListenAsked, ev.MicrophoneStalled, ev.AudioLost),
    # ---- waiting for the wake word
    Row(IDLE, ev.WakeHeard, turns.wake, LISTENING, Why.WAKE_WORD),
    Row(IDLE, ev.ListenAsked, turns.listen_now, LISTENING, Why.LISTEN),
    Row(IDLE, ev.AnnouncementAudio, replies.announce, SPEAKING, Why.ANNOUNCEMENT),
    # where the hub finds the wake word
    Row(IDLE, ev.HubWoke, waking.woken, LISTENING, Why.WAKE_WORD, waking.is_waiting),
    _stay(IDLE, ev.VoiceWindow, waking.begin, waking.may_begin),
    _stay(IDLE, ev.VoiceWindow, waking.give_back, waking.is_quiet),
    _stay(IDLE, ev.VoiceWindow, waking.follow, waking.is_waiting),
    _stay(IDLE, ev.HubError, waking.failed, waking.is_waiting),
    _stay(IDLE, ev.HubError, nothing, waking.has_paused),
    _stay(IDLE, ev.DeadlineReached, waking.give_back, when.is_due(Deadline.WAKE_RUN)),
    # and everywhere
    _stay(IDLE, ev.HubError, turns.idle_acked),
    _stay(IDLE, ev.DeadlineReached, turns.idle_unacked),
    Row(IDLE, ev.HubClosed, linking.unlink, OFFLINE, Why.DISCONNECTED),
    Row(IDLE, ev.HubPaused, linking.mute, MUTED, Why.MUTED),
    *_ignore(IDLE, *_HALF_LOST),
    *_ignore(IDLE, ev.VoiceWindow, ev.StopWordHeard, ev.MicrophoneStalled, ev.AudioLost),
    *_ignore(IDLE, *(e for e in _HUB_TALK if e not in (ev.HubError, ev.HubWoke))),
    # ---- the user speaks
    _stay(LISTENING, ev.HubReady, turns.ready, when.is_asked),
    Row(LISTENING, ev.VoiceWindow, turns.end_utterance, PROCESSING, Why.END_OF_SPEECH, when.utterance_ends),
    _stay(LISTENING, ev.VoiceWindow, turns.listen),
    Row(LISTENING, ev.HubHeardEnd, turns.hub_ended_utterance, PROCESSING, Why.END_OF_SPEECH),
    Row(LISTENING, ev.StopWordHeard, turns.give_up, IDLE, Why.INTERRUPTED, when.was_stop_word),
    Row(LISTENING, ev.StopAsked, turns.give_up, IDLE, Why.CANCELLED),
    Row(LISTENING, ev.Transcript, interruptions.take_up_after_empty, SPEAKING, Why.FALSE_ALARM, when.heard_nothing),
    Row(LISTENING, ev.Transcript, turns.understood, PROCESSING, Why.END_OF_SPEECH),
    Row(LISTENING, ev.Answered, turns.answered, PROCESSING, Why.END_OF_SPEECH),
    _stay(LISTENING, ev.HubError, turns.acked, when.is_abort_ack),
    _stay(LISTENING, ev.HubError, turns.try_again, when.is_late_ack),
    Row(LISTENING, ev.HubError, interruptions.take_up_after_empty, SPEAKING, Why.FALSE_ALARM, when.heard_nothing),
    _stay(LISTENING, ev.HubError, turns.fail_over, when.may_fail_over),
    Row(LISTENING, ev.HubError, turns.fail, IDLE, Why.HUB_ERROR),
    _stay(LISTENING, ev.DeadlineReached, turns.run_unacked, when.is_due(Deadline.ABORT_ACK)),
    _stay(LISTENING, ev.DeadlineReached, turns.try_again, when.may_try_again(Deadline.HUB_READY)),
    Row(LISTENING, ev.DeadlineReached, turns.give_up, IDLE, Why.NOTHING_SAID, when.is_due(Deadline.SPEECH)),
    Row(LISTENING, ev.DeadlineReached, turns.end_utterance, PROCESSING, Why.TIME_LIMIT, when.is_due(Deadline.END_OF_SPEECH)),
    Row(LISTENING, ev.DeadlineReached, turns.fail, IDLE, Why.TIME_LIMIT),
    Row(LISTENING, ev.AnnouncementAudio, replies.announce, SPEAKING, Why.ANNOUNCEMENT),
    Row(LISTENING, ev.HubClosed, linking.unlink, OFFLINE, Why.DISCONNECTED),
    Row(LISTENING, ev.HubPaused, linking.mute, MUTED, Why.MUTED),
    Row(LISTENING, ev.MicrophoneLost, turns.give_up, IDLE, Why.DEVICE_LOST),
    Row(LISTENING, ev.AudioLost, turns.give_up, IDLE, Why.DEVICE_LOST),
    Row(LISTENING, ev.ShuttingDown, interruptions.shut_down, IDLE, Why.SHUTDOWN),
    *_ignore(LISTENING, ev.WakeHeard, ev.ListenAsked, ev.HubWoke, ev.MicrophoneStalled, ev.AnswerAudio, ev.AnswerComplete),
    *_ignore(LISTENING, ev.NothingToSay, ev.SpeakerLost),
    # ---- the hub thinks
    Row(PROCESSING, ev.HubReady, turns.ready, LISTENING, Why.MORE_SPEECH, when.is_asked_too_early),
    _stay(PROCESSING, ev.HubReady, turns.ready_late, when.is_asked),
    Row(PROCESSING, ev.Transcript, interruptions.take_up_after_empty, SPEAKING, Why.FALSE_ALARM, when.heard_nothing),
    _stay(PROCESSING, ev.Transcript, turns.understood),
    _stay(PROCESSING, ev.Answered, turns.answered),
    _stay(PROCESSING, ev.AnswerAudio, replies.set_aside, when.is_in_doubt),
    Row(PROCESSING, ev.AnswerAudio, replies.speak, SPEAKING, Why.ANSWER),
    _stay(PROCESSING, ev.AnswerComplete, replies.learn_length_of_aside, when.is_set_aside),
    _stay(PROCESSING, ev.VoiceWindow, turns.listen_on, when.is_unheard),
    Row(PROCESSING, ev.VoiceWindow, interruptions.interrupt_thought, LISTENING, Why.INTERRUPTED, when.words_allowed),
    _stay(PROCESSING, ev.VoiceWindow, replies.follow_voice),
    Row(PROCESSING, ev.WakeHeard, interruptions.interrupt_thought, LISTENING, Why.INTERRUPTED),
    Row(PROCESSING, ev.ListenAsked, interruptions.interrupt_thought, LISTENING, Why.INTERRUPTED),
    Row(PROCESSING, ev.StopWordHeard, interruptions.stop_thought, IDLE, Why.INTERRUPTED, when.stops_thought),
    Row(PROCESSING, ev.StopAsked, interruptions.stop_thought, IDLE, Why.CANCELLED),
    _stay(PROCESSING, ev.HubError, turns.acked, when.is_abort_ack),
    _stay(PROCESSING, ev.HubError, turns.try_again, when.is_late_ack),
    Row(PROCESSING, ev.HubError, interruptions.take_up_after_empty, SPEAKING, Why.FALSE_ALARM, when.heard_nothing),
    _stay(PROCESSING, ev.HubError, turns.fail_over, when.may_fail_over),
    Row(PROCESSING, ev.HubError, turns.fail, IDLE, Why.HUB_ERROR),
    Row(PROCESSING, ev.NothingToSay, turns.nothing_to_say, IDLE, Why.NO_ANSWER),
    _stay(PROCESSING, ev.DeadlineReached, turns.run_unacked, when.is_due(Deadline.ABORT_ACK)),
    _stay(PROCESSING, ev.DeadlineReached, turns.try_again, when.may_try_again(Deadline.HUB_READY, Deadline.TRANSCRIPT)),
    Row(PROCESSING, ev.DeadlineReached, replies.speak_aside, SPEAKING, Why.ANSWER, when.no_other_came),
    # nothing follows an answer without words in some hubs, so not every wait that is over is a fault
    Row(PROCESSING, ev.DeadlineReached, turns.give_up, IDLE, Why.TIME_LIMIT, when.is_due(Deadline.ANSWER)),
    Row(PROCESSING, ev.DeadlineReached, turns.fail, IDLE, Why.TIME_LIMIT),
    Row(PROCESSING, ev.AnnouncementAudio, replies.announce, SPEAKING, Why.ANNOUNCEMENT),
    Row(PROCESSING, ev.HubClosed, linking.unlink, OFFLINE, Why.DISCONNECTED),
    Row(PROCESSING, ev.HubPaused, linking.mute, MUTED, Why.MUTED),
    Row(PROCESSING, ev.AudioLost, turns.give_up, IDLE, Why.DEVICE_LOST),
    Row(PROCESSING, ev.ShuttingDown, interruptions.shut_down, IDLE, Why.SHUTDOWN),
    *_ignore(PROCESSING, *_HALF_LOST),
    *_ignore(PROCESSING, ev.HubWoke, ev.MicrophoneStalled, ev.HubHeardEnd),
    # ---- we speak
    Row(SPEAKING, ev.Held, interruptions.hold, HELD, Why.VOICE),
    Row(SPEAKING, ev.WakeHeard, interruptions.commit_wake, LISTENING, Why.INTERRUPTED, when.linked_wake_word),
    Row(SPEAKING, ev.WakeHeard, interruptions.commit_wake, OFFLINE, Why.INTERRUPTED, when.wake_word_allowed),
    Row(SPEAKING, ev.StopWordHeard, interruptions.stop_at_word, IDLE, Why.INTERRUPTED, when.linked_stop_word),
    Row(SPEAKING, ev.StopWordHeard, interruptions.stop_at_word, OFFLINE, Why.INTERRUPTED, when.stop_word_allowed),
    Row(SPEAKING, ev.ListenAsked, interruptions.commit_listen, LISTENING, Why.INTERRUPTED, when.is_linked),
    Row(SPEAKING, ev.StopAsked, interruptions.stop_asked, IDLE, Why.CANCELLED, when.is_linked),
    Row(SPEAKING, ev.StopAsked, interruptions.stop_asked, OFFLINE, Why.CANCELLED),
    Row(SPEAKING, ev.ReplyCancelled, interruptions.cancel, IDLE, Why.CANCELLED, when.is_linked),
    Row(SPEAKING, ev.ReplyCancelled, interruptions.cancel, OFFLINE, Why.CANCELLED),
    _stay(SPEAKING, ev.VoiceWindow, replies.follow_voice),
    Row(SPEAKING, ev.ReplyEnded, interruptions.listen_for_answer, LISTENING, Why.FOLLOW_UP, when.asks_back),
    Row(SPEAKING, ev.ReplyEnded, replies.ended_overlapped, HELD, Why.VOICE, when.is_overlapped),
    Row(SPEAKING, ev.ReplyEnded, replies.ended, IDLE, Why.FINISHED, when.is_linked),
    Row(SPEAKING, ev.ReplyEnded, replies.ended, OFFLINE, Why.FINISHED),
    _stay(SPEAKING, ev.Answered, replies.learn_text),
    _stay(SPEAKING, ev.AnswerComplete, replies.learn_length),
    _stay(SPEAKING, ev.HubError, replies.cut_short),
    Row(SPEAKING, ev.DeadlineReached, interruptions.stop_reply, IDLE, Why.TIME_LIMIT, when.is_linked),
    Row(SPEAKING, ev.DeadlineReached, interruptions.stop_reply, OFFLINE, Why.TIME_LIMIT),
    _stay(SPEAKING, ev.HubClosed, linking.unlink_reply),
    _stay(SPEAKING, ev.HubOpened, linking.relink),
    Row(SPEAKING, ev.HubPaused, linking.mute, MUTED, Why.MUTED),
    Row(SPEAKING, ev.SpeakerLost, interruptions.stop_reply, IDLE, Why.DEVICE_LOST, when.is_linked),
    Row(SPEAKING, ev.SpeakerLost, interruptions.stop_reply, OFFLINE, Why.DEVICE_LOST),
    Row(SPEAKING, ev.AudioLost, interruptions.stop_reply, IDLE, Why.DEVICE_LOST, when.is_linked),
    Row(SPEAKING, ev.AudioLost, interruptions.stop_reply, OFFLINE, Why.DEVICE_LOST),
    Row(SPEAKING, ev.ShuttingDown, interruptions.shut_down, IDLE, Why.SHUTDOWN),
    _stay(SPEAKING, ev.AnnouncementAudio, replies.go_on, when.is_rest),
    _stay(SPEAKING, ev.AnnouncementAudio, says.queue_announcement, says.may_queue),
    *_ignore(SPEAKING, ev.ListenAsked, ev.MicrophoneStalled, ev.MicrophoneLost, ev.AnswerAudio, *_LATE_TALK),
    # ---- somebody may be talking over us
    Row(HELD, ev.VoiceWindow, interruptions.stop_ring, IDLE, Why.INTERRUPTED, when.linked(when.ends_ring)),
    Row(HELD, ev.VoiceWindow, interruptions.stop_ring, OFFLINE, Why.INTERRUPTED, when.ends_ring),
    Row(HELD, ev.VoiceWindow, interruptions.commit_speech, OFFLINE, Why.INTERRUPTED, when.unlinked(when.words)),
    Row(HELD, ev.VoiceWindow, interruptions.commit_speech, LISTENING, Why.INTERRUPTED, when.words),
    Row(HELD, ev.VoiceWindow, replies.over_without_words, IDLE, Why.FINISHED, when.over(when.noise)),
    Row(HELD, ev.VoiceWindow, interruptions.take_up, SPEAKING, Why.FALSE_ALARM, when.noise),
    _stay(HELD, ev.VoiceWindow, replies.follow_voice),
    Row(HELD, ev.WakeHeard, interruptions.commit_wake, OFFLINE, Why.INTERRUPTED, when.unlinked(when.always)),
    Row(HELD, ev.WakeHeard, interruptions.commit_wake, LISTENING, Why.INTERRUPTED),
    Row(HELD, ev.StopWordHeard, interruptions.stop_at_word, IDLE, Why.INTERRUPTED, when.is_linked),
    Row(HELD, ev.StopWordHeard, interruptions.stop_at_word, OFFLINE, Why.INTERRUPTED),
    Row(HELD, ev.ListenAsked, interruptions.commit_listen, LISTENING, Why.INTERRUPTED, when.is_linked),
    Row(HELD, ev.StopAsked, interruptions.stop_asked, IDLE, Why.CANCELLED, when.is_linked),
    Row(HELD, ev.StopAsked, interruptions.stop_asked, OFFLINE, Why.CANCELLED),
    Row(HELD, ev.ReplyCancelled, interruptions.cancel, IDLE, Why.CANCELLED, when.is_linked),
    Row(HELD, ev.ReplyCancelled, interruptions.cancel, OFFLINE, Why.CANCELLED),
    Row(HELD, ev.DeadlineReached, interruptions.commit_speech, OFFLINE, Why.INTERRUPTED, when.unlinked(when.still_talking)),
    Row(HELD, ev.DeadlineReached, interruptions.commit_speech, LISTENING, Why.INTERRUPTED, when.still_talking),
    Row(HELD, ev.DeadlineReached, replies.over_without_words, IDLE, Why.FINISHED, when.reply_is_over),
    Row(HELD, ev.DeadlineReached, interruptions.take_up, SPEAKING, Why.FALSE_ALARM),
    Row(HELD, ev.MicrophoneLost, replies.over_without_words, IDLE, Why.FINISHED, when.reply_is_over),
    Row(HELD, ev.MicrophoneLost, interruptions.take_up, SPEAKING, Why.FALSE_ALARM),
    Row(HELD, ev.MicrophoneStalled, replies.over_without_words, IDLE, Why.FINISHED, when.reply_is_over),
    Row(HELD, ev.MicrophoneStalled, interruptions.take_up, SPEAKING, Why.FALSE_ALARM),
    _stay(HELD, ev.Answered, replies.learn_text),
    _stay(HELD, ev.AnswerComplete, replies.learn_length),
    _stay(HELD, ev.HubError, replies.cut_short),
    Row(HELD, ev.HubClosed, linking.drop_overlap, OFFLINE, Why.DISCONNECTED, when.reply_is_over),
    _stay(HELD, ev.HubClosed, linking.unlink_reply),
    _stay(HELD, ev.HubOpened, linking.relink),
    Row(HELD, ev.HubPaused, linking.mute, MUTED, Why.MUTED),
    Row(HELD, ev.SpeakerLost, interruptions.stop_reply, IDLE, Why.DEVICE_LOST, when.is_linked),
    Row(HELD, ev.SpeakerLost, interruptions.stop_reply, OFFLINE, Why.DEVICE_LOST),
    Row(HELD, ev.AudioLost, interruptions.stop_reply, IDLE, Why.DEVICE_LOST, when.is_linked),
    Row(HELD, ev.AudioLost, interruptions.stop_reply, OFFLINE, Why.DEVICE_LOST),
    Row(HELD, ev.ShuttingDown, interruptions.shut_down, IDLE, Why.SHUTDOWN),
    _stay(HELD, ev.AnnouncementAudio, replies.go_on, when.is_rest),
    _stay(HELD, ev.AnnouncementAudio, says.queue_announcement, says.may_queue),
    *_ignore(HELD, ev.ListenAsked, ev.AnswerAudio, *_LATE_TALK),
    # ---- the hub's mute switch
    Row(MUTED, ev.HubOpened, linking.link, IDLE, Why.CONNECTED),
    # a hub that stops mutes us first, and one that has muted us stays connected
    Row(MUTED, ev.HubClosed, linking.unmute, OFFLINE, Why.DISCONNECTED),
    *_ignore(MUTED, ev.HubPaused, ev.AnnouncementAudio, *_HUB_TALK),
    *_ignore(MUTED, *_HALF_LOST),
    *_ignore(MUTED, ev.VoiceWindow, ev.WakeHeard, ev.StopWordHeard, ev.ListenAsked, ev.MicrophoneStalled, ev.AudioLost),
    # ---- what a program wants said
    *_everywhere(ev.SayAsked, says.ask),
    *_everywhere(ev.SaySpeech, says.speech),
    *_everywhere(ev.SayComplete, says.complete),
    *_everywhere(ev.SayFailed, says.failed),
    *_everywhere(ev.SayWithdrawn, says.withdraw),
    Row(IDLE, ev.Rested, says.begin, SPEAKING, Why.SAY, says.is_made),
    _stay(IDLE, ev.Rested, says.free_hub, says.waits_for_hub),
    _stay(IDLE, ev.Rested, says.make, says.may_make),
    Row(OFFLINE, ev.Rested, says.begin, SPEAKING, Why.SAY, says.is_made),
    _stay(OFFLINE, ev.Rested, says.make, says.may_make),
    Row(MUTED, ev.Rested, says.begin, SPEAKING, Why.SAY, says.is_made),
    _stay(MUTED, ev.Rested, says.make, says.may_make),
    *(_stay(state, event, says.drop_all) for state in (OFFLINE, IDLE, MUTED) for event in (ev.ShuttingDown, ev.StopAsked)),
)


def _indexed() -> Mapping[tuple[State, type[Event]], tuple[Row, ...]]:
    index: dict[tuple[State, type[Event]], tuple[Row, ...]] = {}
    for row in ROWS:
        index[row.state, row.event] = (*index.get((row.state, row.event), ()), row)
    return index


TRANSITIONS = _indexed()


def step(conversation: Conversation, event: Event) -> Result:
    """The conversation after an event, and what is to be done. ProtocolMisuse if the event cannot be in this state."""
    after, actions = _answer(conversation, event)
    if (after.state, ev.Rested) not in TRANSITIONS or isinstance(event, ev.ShuttingDown):
        return after, actions
    rested, more = _answer(after, ev.Rested(event.at))
    return rested, (*actions, *more)


def _answer(conversation: Conversation, event: Event) -> Result:
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
        case ev.ReplyCancelled(turn=turn):
            return c.reply is None or c.reply.turn != turn or c.reply.state is not SayState.PLAYING
        case ev.HubReady() | ev.AnswerAudio():
            return c.stage is Stage.ABORTING
        case ev.HubHeardEnd() | ev.Transcript() | ev.Answered() | ev.NothingToSay():
            # a hub that cancels without a word may still be at the old run: the new one's first word is that it is ready
            return c.stage in (Stage.ABORTING, Stage.ASKED)
        case ev.HubError(code=code):
            return c.stage is Stage.ABORTING and code != ABORT_ACK_CODE
        case ev.DeadlineReached(kind=kind):
            return c.deadline is not kind
        case _:
            return False


def _take(before: Conversation, event: Event, row: Row) -> Result:
    after, actions = row.effect(before, event)
    if row.to is before.state:
        return after, actions
    assert row.why is not None
    to = MUTED if row.to is OFFLINE and after.is_muted else row.to
    become = act.Become(before.state, to, row.why)
    if any(isinstance(a, act.SetDeadline) for a in actions):
        return replace(after, state=to), (*actions, become)
    return replace(after, state=to, deadline=None), (*actions, act.ClearDeadline(), become)
