"""A turn of the user's: it is opened, sent, endpointed and answered, and the hub's run is watched over meanwhile."""

from dataclasses import replace

from satellite.core import actions as act
from satellite.core import events as ev
from satellite.core.burst import Burst
from satellite.core.conversation import Conversation
from satellite.core.effects import Result, wait, without_turn
from satellite.core.endpoint import Endpointer
from satellite.core.events import Deadline
from satellite.core.guards import ABORT_ACK_CODE, DUPLICATE_CODE, NOTHING_UNDERSTOOD_CODE, something_said
from satellite.core.preemptive import PAUSE_MS
from satellite.core.state import Stage, State
from satellite.core.units import Frames, frames

# Home Assistant refuses the same word within 2 s, by its own clock, and the network may be slower the second time
WORD_AGAIN_MS = 2300


def wake(c: Conversation, e: ev.WakeHeard) -> Result:
    """A turn opened by a wake word. The hub hears of the word, so that it can tell several satellites apart.

    But not of one that is said again at once: it would take us for two.
    """
    first = Frames(max(e.end - frames(c.rule.wake_backtrack_ms), 0))
    if c.last_word is not None and c.last_word.name == e.name and e.at - c.last_word.at < WORD_AGAIN_MS:
        return open_turn(c, first, Endpointer())
    return open_turn(replace(c, detection=e.name, last_word=e), first, Endpointer())


def listen_now(c: Conversation, e: ev.ListenAsked) -> Result:
    """A turn opened by a button or a program."""
    return open_turn(c, e.end, Endpointer())


def open_turn(c: Conversation, first: Frames, endpoint: Endpointer) -> Result:
    """A new turn: at once if the hub is free, else after its old run is dead."""
    fresh = replace(
        c,
        turn=c.turn + 1,
        utterance=first,
        endpoint=endpoint.after(c.endpoint),
        attempt=1,
        is_follow_up=False,
        is_barge_in=False,
        burst=Burst(),
        reply=None,
        interrupt=None,
        answer_text="",
        aside=None,
    )
    begin = (act.BeginTurn(fresh.turn, owed=_answer_is_owed(c)), act.KeepFrom(first))
    if c.stage is Stage.NONE:
        asked, actions = _run(fresh)
        return asked, (*begin, *actions)
    aborted, actions = abort(fresh)
    return aborted, (*begin, *actions)


def _answer_is_owed(c: Conversation) -> bool:
    """Speech of the turn that is given up is still being made: its text is known, and no audio has come."""
    return c.state is State.PROCESSING and c.answer_text != ""


def _run(c: Conversation) -> Result:
    # just before the run: audio between the two would have the hub start one by itself
    told = (act.SendDetection(c.detection),) if c.detection else ()
    asked = replace(c, stage=Stage.ASKED, detection="")
    return wait(asked, Deadline.HUB_READY, c.rule.limits.hub_ready, *told, act.SendRun(), act.StreamMic(c.utterance))


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


def fail_over(c: Conversation, e: ev.HubError) -> Result:
    """A server is gone before it understood: ask the next one, and send it the utterance whole."""
    return abort(replace(c, attempt=c.attempt + 1))


def ready(c: Conversation, e: ev.Event) -> Result:
    """The hub hears us."""
    heard = replace(c, stage=Stage.HEARING, resend=())
    if something_said(c, e):
        return wait(heard, Deadline.END_OF_SPEECH, c.rule.limits.utterance)
    return wait(heard, Deadline.SPEECH, c.rule.follow_up_ms if c.is_follow_up else c.rule.limits.speech)


def ready_late(c: Conversation, e: ev.Event) -> Result:
    """The hub hears us, and the utterance it gets is over already."""
    heard = replace(c, stage=Stage.HEARING, resend=())
    return wait(heard, Deadline.TRANSCRIPT, c.rule.limits.transcript, act.StopMic(True))


def listen(c: Conversation, e: ev.VoiceWindow) -> Result:
    """Follow the utterance."""
    heard = replace(c, endpoint=c.endpoint.add(e, c.rule.endpoint))
    told = _told_of_pause(c, heard)
    if c.deadline is Deadline.SPEECH and something_said(heard, e):
        return wait(heard, Deadline.END_OF_SPEECH, c.rule.limits.utterance, *told)
    return heard, told


def _told_of_pause(before: Conversation, after: Conversation) -> tuple[act.Action, ...]:
    was, is_now = (c.endpoint.is_in_pause(c.rule.endpoint, PAUSE_MS) for c in (before, after))
    return (act.TellPause(is_now),) if after.rule.tells_pauses and was is not is_now else ()


def end_utterance(c: Conversation, e: ev.Event) -> Result:
    """The user has finished. A hub that is not ready yet is told when it is."""
    after = replace(c, burst=Burst())
    if isinstance(e, ev.VoiceWindow):
        after = replace(after, onset=e.end, endpoint=c.endpoint.add(e, c.rule.endpoint))
    match c.stage:
        case Stage.HEARING:
            return wait(after, Deadline.TRANSCRIPT, c.rule.limits.transcript, act.StopMic(True))
        case Stage.ABORTING:
            return abort(after)
        case _:
            return wait(after, Deadline.HUB_READY, c.rule.limits.hub_ready)


def listen_on(c: Conversation, e: ev.VoiceWindow) -> Result:
    """The hub does not listen yet, so there is no thought to interrupt: what the user adds is of the same utterance."""
    return replace(c, endpoint=c.endpoint.add(e, c.rule.endpoint)), ()


def hub_ended_utterance(c: Conversation, e: ev.Event) -> Result:
    """The hub's own detector was first."""
    # it has heard us to the end, so it is not deaf, only slow
    return wait(replace(c, burst=Burst()), Deadline.ANSWER, c.rule.limits.answer, act.StopMic(False))


def understood(c: Conversation, e: ev.Transcript) -> Result:
    """The hub has the words and thinks of an answer."""
    actions = (act.StopMic(False), act.KeepFrom(None), act.ExpectAnswer())
    return wait(replace(c, stage=Stage.THINKING, kept=None), Deadline.ANSWER, c.rule.limits.answer, *actions)


def answered(c: Conversation, e: ev.Answered) -> Result:
    """The hub's run is over; its speech comes, or never."""
    known = replace(c, stage=Stage.NONE, answer_text=e.text)
    actions = (act.StopMic(False), act.KeepFrom(None), act.ExpectAnswer())
    return wait(known, Deadline.ANSWER_AUDIO, c.rule.limits.answer_audio, *actions)


def give_up(c: Conversation, e: ev.Event) -> Result:
    """Nothing more is expected of this turn, and what still comes of it is stale."""
    # but what has not come in time, or has failed, is not coming: it must not cost the next answer its place
    owed = _answer_is_owed(c) and not isinstance(e, ev.DeadlineReached | ev.HubError)
    over = replace(without_turn(c), turn=c.turn + 1, reply=None)
    begin = (act.BeginTurn(over.turn, owed), act.StopMic(False), act.KeepFrom(None))
    if c.stage is Stage.NONE or isinstance(e, ev.HubError):
        return over, begin
    aborting, actions = abort(replace(over, stage=c.stage))
    return aborting, (*begin, *actions)


def nothing_to_say(c: Conversation, e: ev.NothingToSay) -> Result:
    """The run has ended, and so has the turn."""
    return give_up(replace(c, stage=Stage.NONE), e)


# of these nobody needs to hear: nothing was said, or another satellite answers
_QUIET_CODES = frozenset({NOTHING_UNDERSTOOD_CODE, DUPLICATE_CODE})


def fail(c: Conversation, e: ev.Event) -> Result:
    """The same, and the user, who waits for an answer, hears that there is none."""
    over, actions = give_up(c, e)
    is_quiet = isinstance(e, ev.HubError) and e.code in _QUIET_CODES
    return over, actions if is_quiet else (*actions, act.SoundError())
