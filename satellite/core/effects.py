"""What the rows of the transition table do: each takes the conversation and an event, and gives the next and actions."""

from collections.abc import Callable
from dataclasses import replace
from typing import TypeAlias

from satellite.core import actions as act
from satellite.core import events as ev
from satellite.core.actions import Action
from satellite.core.burst import Burst, Judgement
from satellite.core.conversation import Conversation, Kept
from satellite.core.endpoint import Endpointer
from satellite.core.events import Deadline
from satellite.core.interrupt import Interrupt, Phase, Reason
from satellite.core.say import NOWHERE, Allow, Say, SayState
from satellite.core.state import Stage, State
from satellite.core.units import Frames, Millis, Probability, frames

Result: TypeAlias = tuple[Conversation, tuple[Action, ...]]
Effect: TypeAlias = Callable[..., Result]
Guard: TypeAlias = Callable[..., bool]

ABORT_ACK_CODE = "validation-error"
NOTHING_UNDERSTOOD_CODE = "stt-no-text-recognized"


# ---- guards


def is_linked(c: Conversation, e: ev.Event) -> bool:
    """A hub is connected."""
    return c.is_linked


def is_due(*kinds: Deadline) -> Guard:
    """The deadline is one of these."""
    return lambda c, e: e.kind in kinds


def may_try_again(*kinds: Deadline) -> Guard:
    """The deadline is one of these and the utterance may be sent once more."""
    return lambda c, e: e.kind in kinds and c.attempt < c.rule.attempts


def is_asked(c: Conversation, e: ev.HubReady) -> bool:
    """A run was asked for, and this is the first sign of it."""
    return c.stage is Stage.ASKED


def is_abort_ack(c: Conversation, e: ev.HubError) -> bool:
    """The hub has cancelled what we asked it to cancel."""
    return c.stage is Stage.ABORTING


def is_late_ack(c: Conversation, e: ev.HubError) -> bool:
    """The hub took longer to cancel than we waited, so the run we asked for since is deaf; it may be asked once more."""
    unheard = c.stage in (Stage.ASKED, Stage.HEARING)
    return unheard and e.code == ABORT_ACK_CODE and c.attempt < c.rule.attempts


def heard_nothing(c: Conversation, e: ev.Event) -> bool:
    """The hub found no words in what interrupted a reply that can still go on."""
    silent = e.text.strip() == "" if isinstance(e, ev.Transcript) else getattr(e, "code", "") == NOTHING_UNDERSTOOD_CODE
    return silent and c.kept is not None and e.at - c.kept.at < c.rule.limits.take_up_again


def utterance_ends(c: Conversation, e: ev.VoiceWindow) -> bool:
    """With this window the user has finished speaking."""
    return c.endpoint.add(e).has_ended(c.rule.endpoint)


def something_said(c: Conversation, e: ev.Event) -> bool:
    """There was speech in this utterance."""
    return c.endpoint.has_speech(c.rule.endpoint)


def words(c: Conversation, e: ev.VoiceWindow) -> bool:
    """With this window the voice is words that mean us."""
    return c.burst.add(e).around(c.onset, c.rule.burst).judge(c.rule.burst) is Judgement.WORDS


def noise(c: Conversation, e: ev.VoiceWindow) -> bool:
    """With this window the voice has turned out to be none."""
    return c.burst.add(e).around(c.onset, c.rule.burst).judge(c.rule.burst) is Judgement.NOISE


def still_talking(c: Conversation, e: ev.Event) -> bool:
    """There is voice, or was just now."""
    burst = c.burst.since(c.onset)
    return burst.active_ms > 0 and burst.quiet_ms < c.rule.burst.quiet_ms


def reply_is_over(c: Conversation, e: ev.Event) -> bool:
    """What is held has nothing left to play."""
    return c.reply is not None and c.reply.state is SayState.PLAYED


def over(guard: Guard) -> Guard:
    """The guard holds and the reply has nothing left to play."""
    return lambda c, e: guard(c, e) and reply_is_over(c, e)


def unlinked(guard: Guard) -> Guard:
    """The guard holds and there is no hub to talk to."""
    return lambda c, e: guard(c, e) and not c.is_linked


def always(c: Conversation, e: ev.Event) -> bool:
    """Holds."""
    return True


def is_overlapped(c: Conversation, e: ev.ReplyEnded) -> bool:
    """Somebody was speaking when the reply ended, and a hub is there to hear what follows."""
    return e.overlap is not None and c.is_linked


def wake_word_allowed(c: Conversation, e: ev.WakeHeard) -> bool:
    """The utterance that plays may be interrupted by a wake word."""
    return c.reply is not None and c.reply.allow_interruptions in (Allow.SPEECH, Allow.WAKE_WORD)


def linked_wake_word(c: Conversation, e: ev.WakeHeard) -> bool:
    """That, and a hub is there to hear what follows."""
    return c.is_linked and wake_word_allowed(c, e)


# ---- the hub's connection


def nothing(c: Conversation, e: ev.Event) -> Result:
    """The event changes nothing here."""
    return c, ()


def link(c: Conversation, e: ev.Event) -> Result:
    """A hub is there: tell it what the last one may have missed, and learn whether it acknowledges aborts."""
    again = (act.SendInterrupt(c.resend),) if c.resend else ()
    linked = replace(c, is_linked=True, hub_acks_abort=False, resend=None, stage=Stage.ABORTING)
    return wait(linked, Deadline.ABORT_ACK, c.rule.limits.abort_unacked, *again, act.SendAbort())


def relink(c: Conversation, e: ev.Event) -> Result:
    """A hub is there again while a reply plays that the last one sent."""
    again = (act.SendInterrupt(c.resend),) if c.resend else ()
    return replace(c, is_linked=True, hub_acks_abort=False, resend=None), again


def unlink(c: Conversation, e: ev.Event) -> Result:
    """The hub is gone, and what it was asked with it."""
    return _without_turn(replace(c, is_linked=False)), (act.StopMic(False), act.KeepFrom(None))


def unlink_reply(c: Conversation, e: ev.Event) -> Result:
    """The hub is gone, but the reply it sent goes on."""
    finish = (act.FinishReply(c.reply.turn),) if c.reply and not c.reply.complete else ()
    return replace(c, is_linked=False, stage=Stage.NONE), finish


def drop_overlap(c: Conversation, e: ev.Event) -> Result:
    """The hub is gone, and the reply had ended."""
    return replace(_without_turn(c), is_linked=False, reply=None), ()


def mute(c: Conversation, e: ev.Event) -> Result:
    """Nothing is heard, sent or said."""
    stop = (act.StopReply(c.reply.turn, keep=False),) if c.reply else ()
    quiet = replace(_without_turn(c), reply=None, is_linked=False)
    return quiet, (*stop, act.StopMic(False), act.KeepFrom(None))


def _without_turn(c: Conversation) -> Conversation:
    return replace(c, stage=Stage.NONE, kept=None, interrupt=None, burst=Burst(), attempt=0, answer_text="")


# ---- a turn


def wait(c: Conversation, kind: Deadline, after: Millis, *actions: Action) -> Result:
    """Do this, and wait for one thing so long."""
    return replace(c, deadline=kind), (*actions, act.SetDeadline(kind, after))


def wake(c: Conversation, e: ev.WakeHeard) -> Result:
    """A turn opened by a wake word. The hub hears of the word, so that it can tell several satellites apart."""
    first = Frames(max(e.end - frames(c.rule.wake_backtrack_ms), 0))
    return _open_turn(c, first, Endpointer(), act.SendDetection(e.name))


def _open_turn(c: Conversation, first: Frames, endpoint: Endpointer, *told: Action) -> Result:
    """A new turn: at once if the hub is free, else after its old run is dead."""
    fresh = replace(
        c,
        turn=c.turn + 1,
        utterance=first,
        endpoint=endpoint,
        attempt=1,
        burst=Burst(),
        reply=None,
        interrupt=None,
        answer_text="",
    )
    begin = (act.BeginTurn(fresh.turn, owed=_answer_is_owed(c)), act.KeepFrom(first))
    if c.stage is Stage.NONE:
        asked, actions = _run(fresh, told)
        return asked, (*begin, *actions)
    aborted, actions = abort(fresh)
    return aborted, (*begin, *actions)


def _answer_is_owed(c: Conversation) -> bool:
    """Speech of the turn that is given up is still being made: its text is known, and no audio has come."""
    return c.state is State.PROCESSING and c.answer_text != ""


def _run(c: Conversation, told: tuple[Action, ...] = ()) -> Result:
    actions = (*told, act.SendRun(), act.StreamMic(c.utterance))
    return wait(replace(c, stage=Stage.ASKED), Deadline.HUB_READY, c.rule.limits.hub_ready, *actions)


def abort(c: Conversation) -> Result:
    """Cancels the run that is alive; if that has been asked already, only waits for it."""
    ask = (act.StopMic(False), act.SendAbort()) if c.stage is not Stage.ABORTING else ()
    patience = c.rule.limits.abort_acked if c.hub_acks_abort else c.rule.limits.abort_unacked
    return wait(replace(c, stage=Stage.ABORTING), Deadline.ABORT_ACK, patience, *ask)


def acked(c: Conversation, e: ev.HubError) -> Result:
    """The old run is dead: ask for the new one."""
    return _run(replace(c, hub_acks_abort=True))


def run_unacked(c: Conversation, e: ev.Event) -> Result:
    """No acknowledgement came in time: ask anyway. If the hub was still at it, the utterance is sent once more later."""
    return _run(c)


def idle_acked(c: Conversation, e: ev.HubError) -> Result:
    """An abort while idle has been acknowledged: this hub does that."""
    acks = c.hub_acks_abort or e.code == ABORT_ACK_CODE
    return replace(c, stage=Stage.NONE, hub_acks_abort=acks, deadline=None), (act.ClearDeadline(),)


def idle_unacked(c: Conversation, e: ev.Event) -> Result:
    """No acknowledgement: the hub is free all the same."""
    return replace(c, stage=Stage.NONE, deadline=None), ()


def try_again(c: Conversation, e: ev.Event) -> Result:
    """The hub did not take the utterance: cancel, ask anew, and send it whole."""
    late = isinstance(e, ev.HubError)
    return abort(replace(c, attempt=c.attempt + 1, hub_acks_abort=c.hub_acks_abort or late))


def ready(c: Conversation, e: ev.Event) -> Result:
    """The hub hears us."""
    heard = replace(c, stage=Stage.HEARING, resend=None)
    if something_said(c, e):
        return wait(heard, Deadline.END_OF_SPEECH, c.rule.limits.utterance)
    return wait(heard, Deadline.SPEECH, c.rule.limits.speech)


def ready_late(c: Conversation, e: ev.Event) -> Result:
    """The hub hears us, and the utterance it gets is over already."""
    heard = replace(c, stage=Stage.HEARING, resend=None)
    return wait(heard, Deadline.TRANSCRIPT, c.rule.limits.transcript, act.StopMic(True))


def listen(c: Conversation, e: ev.VoiceWindow) -> Result:
    """Follow the utterance."""
    heard = replace(c, endpoint=c.endpoint.add(e))
    if c.deadline is Deadline.SPEECH and something_said(heard, e):
        return wait(heard, Deadline.END_OF_SPEECH, c.rule.limits.utterance)
    return heard, ()


def end_utterance(c: Conversation, e: ev.Event) -> Result:
    """The user has finished. A hub that is not ready yet is told when it is."""
    after = replace(c, burst=Burst(), onset=Frames(e.end if isinstance(e, ev.VoiceWindow) else c.onset))
    match c.stage:
        case Stage.HEARING:
            return wait(after, Deadline.TRANSCRIPT, c.rule.limits.transcript, act.StopMic(True))
        case Stage.ABORTING:
            return abort(after)
        case _:
            return wait(after, Deadline.HUB_READY, c.rule.limits.hub_ready)


def hub_ended_utterance(c: Conversation, e: ev.Event) -> Result:
    """The hub's own detector was first."""
    return wait(replace(c, burst=Burst()), Deadline.TRANSCRIPT, c.rule.limits.transcript, act.StopMic(False))


def understood(c: Conversation, e: ev.Transcript) -> Result:
    """The hub has the words and thinks of an answer."""
    actions = (act.StopMic(False), act.KeepFrom(None))
    return wait(replace(c, stage=Stage.THINKING, kept=None), Deadline.ANSWER, c.rule.limits.answer, *actions)


def answered(c: Conversation, e: ev.Answered) -> Result:
    """The hub's run is over; its speech comes, or never."""
    known = replace(c, stage=Stage.NONE, answer_text=e.text)
    actions = (act.StopMic(False), act.KeepFrom(None))
    return wait(known, Deadline.ANSWER_AUDIO, c.rule.limits.answer_audio, *actions)


def give_up(c: Conversation, e: ev.Event) -> Result:
    """Nothing more is expected of this turn, and what still comes of it is stale."""
    owed = _answer_is_owed(c)
    over = replace(_without_turn(c), turn=c.turn + 1, reply=None)
    begin = (act.BeginTurn(over.turn, owed), act.StopMic(False), act.KeepFrom(None))
    if c.stage is Stage.NONE or isinstance(e, ev.HubError):
        return over, begin
    aborting, actions = abort(replace(over, stage=c.stage))
    return aborting, (*begin, *actions)


# ---- a reply


def speak(c: Conversation, e: ev.Event) -> Result:
    """The answer's first audio is here."""
    say = Say(c.turn, c.rule.allow_interruptions, text=c.answer_text).become(SayState.PLAYING)
    return _play(c, say, act.StopMic(False), act.KeepFrom(None))


def announce(c: Conversation, e: ev.Event) -> Result:
    """Speech that answers nothing. The hub has cancelled whatever run there was."""
    turn = c.turn + 1
    say = Say(turn, c.rule.allow_interruptions, is_announcement=True).become(SayState.PLAYING)
    begin = (act.StopMic(False), act.KeepFrom(None), act.BeginTurn(turn, owed=False))
    return _play(replace(_without_turn(c), turn=turn), say, *begin)


def _play(c: Conversation, say: Say, *before: Action) -> Result:
    actions = (*before, act.Play(say.turn, say.allow_interruptions))
    return wait(replace(c, reply=say, kept=None), Deadline.REPLY, c.rule.limits.reply, *actions)


def reply_text(c: Conversation, e: ev.Answered) -> Result:
    """The whole text of an answer that is being spoken already; the hub's run is over."""
    assert c.reply is not None
    return replace(c, stage=Stage.NONE, answer_text=e.text, reply=replace(c.reply, text=e.text)), ()


def reply_complete(c: Conversation, e: ev.AnswerComplete) -> Result:
    """All of it has come, so it is known when it must have ended. A hold has its own deadline."""
    assert c.reply is not None
    known = replace(c, reply=c.reply.received_all(e.total))
    if c.deadline is not Deadline.REPLY:
        return known, ()
    return wait(known, Deadline.REPLY, Millis(e.total + c.rule.limits.reply_slack))


def reply_cut_short(c: Conversation, e: ev.HubError) -> Result:
    """The hub's run failed while it spoke: play what there is."""
    acks = c.hub_acks_abort or e.code == ABORT_ACK_CODE
    finish = (act.FinishReply(c.reply.turn),) if c.reply and not c.reply.complete and c.stage.is_alive else ()
    return replace(c, stage=Stage.NONE, hub_acks_abort=acks), finish


def follow_voice(c: Conversation, e: ev.VoiceWindow) -> Result:
    """Remember what was heard over the reply, in case it is held."""
    return replace(c, burst=c.burst.add(e)), ()


def ended(c: Conversation, e: ev.ReplyEnded) -> Result:
    """The last sample has left the speaker."""
    assert c.reply is not None
    return replace(_without_turn(c), stage=c.stage, reply=None), (act.SendPlayed(),)


def ended_overlapped(c: Conversation, e: ev.ReplyEnded) -> Result:
    """It ended under the user's words: nothing to interrupt, but perhaps a new turn."""
    assert c.reply is not None and e.overlap is not None
    said = c.reply.become(SayState.PLAYED, e.position)
    return wait(replace(c, reply=said, onset=e.overlap), Deadline.HELD, c.rule.limits.held)


def stop_reply(c: Conversation, e: ev.Event) -> Result:
    """It is stuck, or there is nothing left to play it on."""
    stop = (*_cancel_provisional(c, e), *((act.StopReply(c.reply.turn, keep=False),) if c.reply else ()))
    cleared = replace(_without_turn(c), turn=c.turn + 1, reply=None)
    begin = act.BeginTurn(cleared.turn, owed=False)
    if not (c.stage.is_alive and c.is_linked):
        return cleared, (*stop, act.SendPlayed(), begin)
    aborting, actions = abort(replace(cleared, stage=c.stage))
    return aborting, (*stop, act.SendPlayed(), begin, *actions)


# ---- an interruption


def hold(c: Conversation, e: ev.Held) -> Result:
    """The reflex has stopped the reply. Tell the server at once; whether it stays so is not known yet."""
    assert c.reply is not None
    held = replace(c, reply=replace(c.reply, position=e.position), onset=e.onset)
    told = _interrupt(held, e.at, Reason.SPEECH, Phase.PROVISIONAL, e.speech_started, e.probability)
    tell = (act.SendInterrupt(told),) if c.rule.tell_provisional else ()
    return wait(replace(held, interrupt=told), Deadline.HELD, c.rule.limits.held, *tell)


def _interrupt(c: Conversation, at: Millis, reason: Reason, phase: Phase, started: Millis, probability: Probability) -> Interrupt:
    say = c.reply
    turn = say.turn if say else c.turn
    return Interrupt(
        id=f"{c.boot}-{turn}-{at}",
        response_id=f"{c.boot}-{turn}",
        turn=turn,
        phase=phase,
        reason=reason,
        state=c.state.public,
        timestamp=at,
        speech_started=started,
        speech_probability=probability,
        position=say.position if say else NOWHERE,
        complete=say.complete if say else False,
        text=say.text if say else c.answer_text,
    )


def take_up(c: Conversation, e: ev.Event) -> Result:
    """A false alarm: the reply goes on."""
    assert c.reply is not None
    again = replace(c, interrupt=None, burst=Burst())
    return _resumed(again, c.reply, *_cancel_provisional(c, e))


def _cancel_provisional(c: Conversation, e: ev.Event) -> tuple[Action, ...]:
    """What was told of a hold is taken back."""
    if c.interrupt is None or not c.rule.tell_provisional:
        return ()
    return _tell(c, c.interrupt.in_phase(Phase.CANCELLED, e.at))


def _resumed(c: Conversation, say: Say, *before: Action) -> Result:
    limits = c.rule.limits
    left = Millis(say.position.total + limits.reply_slack) if say.complete and say.position.total else limits.reply
    return wait(replace(c, reply=say), Deadline.REPLY, left, *before, act.ResumeReply(say.turn))


def take_up_after_empty(c: Conversation, e: ev.Event) -> Result:
    """A commit that the hub found no words in: the reply goes on, once."""
    assert c.kept is not None
    kept = c.kept
    say = kept.say.become(SayState.PLAYING)
    tell = _tell(c, kept.interrupt.in_phase(Phase.CANCELLED, e.at))
    clear = (act.StopMic(False), act.KeepFrom(None))
    return _resumed(replace(_without_turn(c), resend=None), say, *clear, *tell)


def over_without_words(c: Conversation, e: ev.Event) -> Result:
    """The reply had ended, and what was heard over its end was nothing."""
    return replace(_without_turn(c), stage=c.stage, reply=None), (act.SendPlayed(),)


def commit_speech(c: Conversation, e: ev.Event) -> Result:
    """The user means us: the reply is over, and his words are the next turn."""
    first = Frames(max(c.onset - frames(c.rule.preroll_ms), 0))
    burst = c.burst.add(e).since(c.onset) if isinstance(e, ev.VoiceWindow) else c.burst.since(c.onset)
    endpoint = Endpointer()
    for window in burst.windows:
        endpoint = endpoint.add(window)
    return _commit(c, e.at, Reason.SPEECH, first, endpoint)


def commit_wake(c: Conversation, e: ev.WakeHeard) -> Result:
    """The wake word over a reply: stop and listen. The hub is not told of the word, or it would take us for two satellites."""
    first = Frames(max(e.end - frames(c.rule.wake_backtrack_ms), 0))
    return _commit(_at_position(c, e.position), e.at, Reason.WAKE_WORD, first, Endpointer())


def _at_position(c: Conversation, position: ev.Position | None) -> Conversation:
    """The reply that plays has come so far. One that is held has not moved since."""
    if position is None or c.reply is None or c.state is not State.SPEAKING:
        return c
    return replace(c, reply=replace(c.reply, position=position))


def _commit(c: Conversation, at: Millis, reason: Reason, first: Frames, endpoint: Endpointer) -> Result:
    assert c.reply is not None
    if c.reply.state is SayState.PLAYED:
        opened, actions = _open_turn(c, first, endpoint)
        return opened, (act.SendPlayed(), *actions)
    told = (
        c.interrupt.in_phase(Phase.CONFIRMED, at, reason)
        if c.interrupt
        else _interrupt(c, at, reason, Phase.CONFIRMED, at, Probability(1.0))
    )
    can_go_on = reason is Reason.SPEECH and c.is_linked and c.reply.complete and c.stage is Stage.NONE
    said = c.reply.become(SayState.INTERRUPTED)
    stop = (act.StopReply(c.reply.turn, keep=can_go_on), *_tell(c, told), act.SendPlayed())
    after = replace(c, resend=told, kept=Kept(said, told, at) if can_go_on else None)
    if not c.is_linked:
        return replace(_without_turn(after), reply=None), stop
    opened, actions = _open_turn(after, first, endpoint)
    return opened, (*stop, *actions)


def _tell(c: Conversation, interrupt: Interrupt) -> tuple[Action, ...]:
    return (act.SendInterrupt(interrupt),) if c.is_linked else ()


def interrupt_thought(c: Conversation, e: ev.Event) -> Result:
    """Voice or wake word while the hub thinks: nothing can be resumed, so it is confirmed at once."""
    if isinstance(e, ev.WakeHeard):
        reason, endpoint = Reason.WAKE_WORD, Endpointer()
        first, started = Frames(max(e.end - frames(c.rule.wake_backtrack_ms), 0)), e.at
    else:
        assert isinstance(e, ev.VoiceWindow)
        burst = c.burst.add(e).since(c.onset)
        onset = burst.onset or e.end
        reason, endpoint = Reason.SPEECH, Endpointer(speech=sum(w.length for w in burst.active))
        first, started = (
            Frames(max(onset - frames(c.rule.preroll_ms), 0)),
            Millis(e.at - (e.end - onset) * 1000 // frames(1000)),
        )
    told = _interrupt(c, e.at, reason, Phase.CONFIRMED, started, Probability(getattr(e, "probability", 1.0)))
    opened, actions = _open_turn(replace(c, resend=told, kept=None), first, endpoint)
    return opened, (act.SendInterrupt(told), *actions)


def shut_down(c: Conversation, e: ev.ShuttingDown) -> Result:
    """The service stops: whatever plays or runs ends now, and the hub is told."""
    c = _at_position(c, e.position)
    stop: tuple[Action, ...] = ()
    if reply_is_over(c, e):
        stop = (act.SendPlayed(),)
    elif c.reply is not None:
        told = (
            c.interrupt.in_phase(Phase.CONFIRMED, e.at, Reason.SHUTDOWN)
            if c.interrupt
            else _interrupt(c, e.at, Reason.SHUTDOWN, Phase.CONFIRMED, e.at, Probability(0.0))
        )
        stop = (act.StopReply(c.reply.turn, keep=False), *_tell(c, told), act.SendPlayed())
    abort = (act.SendAbort(),) if c.stage.is_alive and c.is_linked else ()
    return replace(_without_turn(c), reply=None), (*stop, act.StopMic(False), act.KeepFrom(None), *abort)
