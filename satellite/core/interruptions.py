"""Somebody talks over a reply or a thought: hold, commit, take up again; and the ends that the user did not bring about."""

from dataclasses import replace

from satellite.core import actions as act
from satellite.core import events as ev
from satellite.core.actions import Action
from satellite.core.burst import Burst
from satellite.core.conversation import MOST_RESENT, Conversation, Kept
from satellite.core.effects import Result, over, played, wait, without_turn
from satellite.core.endpoint import Endpointer, EndpointRule
from satellite.core.events import Deadline
from satellite.core.guards import reply_is_over
from satellite.core.interrupt import Interrupt, Phase, Reason
from satellite.core.replies import resumed
from satellite.core.say import NOWHERE, SayState
from satellite.core.says import drop_all, drop_train_of_thought
from satellite.core.state import Stage, State
from satellite.core.turns import abort, give_up, open_turn
from satellite.core.units import Frames, Millis, Probability, frames, millis


def hold(c: Conversation, e: ev.Held) -> Result:
    """The reflex has stopped the reply. Tell the server at once; whether it stays so is not known yet."""
    assert c.reply is not None
    held = replace(c, reply=replace(c.reply, position=e.position), onset=e.onset)
    told = _interrupt(held, e.at, Reason.SPEECH, Phase.PROVISIONAL, e.speech_started, e.probability)
    tell = _tell(c, told) if c.rule.tell_provisional else ()
    return wait(replace(held, interrupt=told, is_hold_told=tell != ()), Deadline.HELD, c.rule.limits.held, *tell)


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
    known, tell = take_back(c, e)
    return resumed(replace(known, interrupt=None, burst=Burst()), c.reply, *tell)


def take_back(c: Conversation, e: ev.Event) -> Result:
    """What the hub was told of a hold is taken back: now, or when one is there again."""
    if c.interrupt is None or not c.is_hold_told:
        return c, ()
    told = c.interrupt.in_phase(Phase.CANCELLED, e.at)
    return (c, _tell(c, told)) if c.is_linked else (_remember(c, told), ())


def take_up_after_empty(c: Conversation, e: ev.Event) -> Result:
    """A commit that the hub found no words in: the reply goes on, once."""
    assert c.kept is not None
    kept = c.kept
    say = kept.say.become(SayState.PLAYING)
    tell = _tell(c, kept.interrupt.in_phase(Phase.CANCELLED, e.at))
    clear = (act.StopMic(False), act.KeepFrom(None))
    return resumed(replace(without_turn(c), resend=()), say, *clear, *tell)


def commit_speech(c: Conversation, e: ev.Event) -> Result:
    """The user means us: the reply is over, and his words are the next turn."""
    burst = c.burst.add(e).since(c.onset) if isinstance(e, ev.VoiceWindow) else c.burst.since(c.onset)
    return _commit(c, e.at, Reason.SPEECH, _first(c, c.onset), _endpointer(burst, c.rule.endpoint))


def _first(c: Conversation, onset: Frames) -> Frames:
    """Where the audio of a turn begins that a voice opens: before its onset, but not in the last utterance, which was sent."""
    return Frames(max(onset - frames(c.rule.preroll_ms), c.endpoint.spoken_until))


def _endpointer(burst: Burst, rule: EndpointRule) -> Endpointer:
    """What has been heard of an utterance that began before its turn."""
    endpoint = Endpointer()
    for window in burst.windows:
        endpoint = endpoint.add(window, rule)
    return endpoint


def listen_for_answer(c: Conversation, e: ev.ReplyEnded) -> Result:
    """The answer has ended and may be answered: a turn without a wake word, from now on, or from the onset of a quick user."""
    if e.overlap is None:
        first, endpoint = c.burst.windows[-1].end, Endpointer()
    else:
        first, endpoint = _first(c, e.overlap), _endpointer(c.burst.since(e.overlap), c.rule.endpoint)
    opened, actions = open_turn(c, first, endpoint)
    told = over(c.reply, SayState.PLAYED, e.position)
    return replace(opened, is_follow_up=True), (*played(c), *told, *actions)


def commit_wake(c: Conversation, e: ev.WakeHeard) -> Result:
    """The wake word over a reply: stop and listen. The hub is not told of the word, or it would take us for two satellites."""
    first = Frames(max(e.end - frames(c.rule.wake_backtrack_ms), 0))
    return _commit(_at_position(c, e.position), e.at, Reason.WAKE_WORD, first, Endpointer())


def commit_listen(c: Conversation, e: ev.ListenAsked) -> Result:
    """A button or a program wants to be listened to, over a reply: the same, from now on."""
    c = _at_position(c, e.position)
    return _commit(c, e.at, Reason.BUTTON, e.end, Endpointer())


def _at_position(c: Conversation, position: ev.Position | None) -> Conversation:
    """The reply that plays has come so far. One that is held has not moved since."""
    if position is None or c.reply is None or c.state is not State.SPEAKING:
        return c
    return replace(c, reply=replace(c.reply, position=position))


def _commit(c: Conversation, at: Millis, reason: Reason, first: Frames, endpoint: Endpointer) -> Result:
    assert c.reply is not None
    if c.reply.state is SayState.PLAYED:
        opened, actions = open_turn(c, first, endpoint)
        return replace(opened, is_barge_in=reason is Reason.SPEECH), (*played(c), *actions)
    c, dropped = drop_train_of_thought(c)
    assert c.reply is not None
    told = _confirmed(c, at, reason, Probability(1.0))
    can_go_on = reason is Reason.SPEECH and c.is_linked and c.reply.complete and c.stage is Stage.NONE
    said = c.reply.become(SayState.INTERRUPTED)
    is_over = (*over(c.reply, SayState.INTERRUPTED), *dropped)
    stop = (act.StopReply(c.reply.turn, keep=can_go_on), *_tell(c, told), *played(c), *is_over)
    after = replace(_remember(c, told), kept=Kept(said, told, at) if can_go_on else None)
    if not c.is_linked:
        return replace(without_turn(after), reply=None), stop
    opened, actions = open_turn(after, first, endpoint)
    return replace(opened, is_barge_in=reason is Reason.SPEECH), (*stop, *actions)


def _confirmed(c: Conversation, at: Millis, reason: Reason, probability: Probability) -> Interrupt:
    """The interruption that was told provisionally, or the first word of it."""
    if c.interrupt is not None:
        return c.interrupt.in_phase(Phase.CONFIRMED, at, reason)
    return _interrupt(c, at, reason, Phase.CONFIRMED, at, probability)


def stop_at_word(c: Conversation, e: ev.StopWordHeard) -> Result:
    """The stop word over a reply: that is over, the hub's run with it, and nobody listens."""
    if reply_is_over(c, e):
        return _rest(c)
    c, dropped = drop_train_of_thought(c)
    stopped, actions = _stop_now(_at_position(c, e.position), e.at, Reason.STOP_WORD, Probability(1.0), SayState.INTERRUPTED)
    return stopped, (*actions, *dropped)


def cancel(c: Conversation, e: ev.ReplyCancelled) -> Result:
    """A program wants no more of it: the server is told how far it came, as if a user had."""
    return _stop_now(_at_position(c, e.position), e.at, Reason.BUTTON, Probability(0.0), SayState.CANCELLED)


def stop_ring(c: Conversation, e: ev.VoiceWindow) -> Result:
    """Whoever says a word over the ring of a timer means that; it is no command, and nobody need answer it."""
    return _stop_now(c, e.at, Reason.SPEECH, Probability(1.0), SayState.INTERRUPTED)


def stop_asked(c: Conversation, e: ev.StopAsked) -> Result:
    """A button says that it is enough: of what is spoken, and of what was to follow it."""
    if reply_is_over(c, e):
        return _rest(c)
    c, dropped = drop_train_of_thought(c)
    stopped, actions = _stop_now(_at_position(c, e.position), e.at, Reason.BUTTON, Probability(0.0), SayState.CANCELLED)
    return stopped, (*actions, *dropped)


def _stop_now(c: Conversation, at: Millis, reason: Reason, probability: Probability, state: SayState) -> Result:
    assert c.reply is not None
    told = _confirmed(c, at, reason, probability)
    stop = (act.StopReply(c.reply.turn, keep=False), *_tell(c, told), *over(c.reply, state))
    return _rest(_remember(c, told), *stop)


def stop_thought(c: Conversation, e: ev.StopWordHeard | ev.StopAsked) -> Result:
    """The stop word or a button while the hub thinks: it need not go on."""
    reason = Reason.STOP_WORD if isinstance(e, ev.StopWordHeard) else Reason.BUTTON
    told = _interrupt(c, e.at, reason, Phase.CONFIRMED, e.at, Probability(1.0))
    over, actions = give_up(_remember(c, told), e)
    return over, (act.SendInterrupt(told), *actions)


def _tell(c: Conversation, interrupt: Interrupt) -> tuple[Action, ...]:
    return (act.SendInterrupt(interrupt),) if c.is_linked else ()


def _remember(c: Conversation, interrupt: Interrupt) -> Conversation:
    """For the next hub, unless this one shows that it has read it."""
    return replace(c, resend=(*c.resend, interrupt)[-MOST_RESENT:])


def interrupt_thought(c: Conversation, e: ev.Event) -> Result:
    """Voice or wake word while the hub thinks: nothing can be resumed, so it is confirmed at once."""
    if isinstance(e, ev.WakeHeard):
        reason, endpoint = Reason.WAKE_WORD, Endpointer()
        first, started = Frames(max(e.end - frames(c.rule.wake_backtrack_ms), 0)), e.at
    elif isinstance(e, ev.ListenAsked):
        reason, endpoint, first, started = Reason.BUTTON, Endpointer(), e.end, e.at
    else:
        assert isinstance(e, ev.VoiceWindow)
        burst = c.burst.add(e).since(c.onset)
        onset = burst.onset or e.end
        reason, endpoint = Reason.SPEECH, _endpointer(burst, c.rule.endpoint)
        first, started = _first(c, onset), Millis(e.at - millis(e.end - onset))
    told = _interrupt(c, e.at, reason, Phase.CONFIRMED, started, Probability(getattr(e, "probability", 1.0)))
    opened, actions = open_turn(replace(_remember(c, told), kept=None), first, endpoint)
    return replace(opened, is_barge_in=reason is Reason.SPEECH), (act.SendInterrupt(told), *actions)


def stop_reply(c: Conversation, e: ev.Event) -> Result:
    """It is stuck, or there is nothing left to play it on."""
    known, tell = take_back(c, e)
    stop = (act.StopReply(c.reply.turn, keep=False), *over(c.reply, SayState.CANCELLED)) if c.reply else ()
    return _rest(known, *tell, *stop)


def _rest(c: Conversation, *stop: Action) -> Result:
    """No reply is left, the hub knows, and need not go on with what it says."""
    cleared = replace(without_turn(c), turn=c.turn + 1, reply=None)
    ended = (*stop, *played(c), act.BeginTurn(cleared.turn, owed=False))
    if not (c.stage.is_alive and c.is_linked):
        return cleared, ended
    aborting, actions = abort(replace(cleared, stage=c.stage))
    return aborting, (*ended, *actions)


def shut_down(c: Conversation, e: ev.ShuttingDown) -> Result:
    """The service stops: whatever plays, waits or runs ends now, and the hub is told."""
    c, dropped = drop_all(_at_position(c, e.position), e)
    stop: tuple[Action, ...] = ()
    if reply_is_over(c, e):
        stop = (act.SendPlayed(),)
    elif c.reply is not None:
        told = _confirmed(c, e.at, Reason.SHUTDOWN, Probability(0.0))
        cancelled = over(c.reply, SayState.CANCELLED)
        stop = (act.StopReply(c.reply.turn, keep=False), *_tell(c, told), act.SendPlayed(), *cancelled)
    abort = (act.SendAbort(),) if c.stage.is_alive and c.is_linked else ()
    return replace(without_turn(c), reply=None), (*stop, *dropped, act.StopMic(False), act.KeepFrom(None), *abort)
