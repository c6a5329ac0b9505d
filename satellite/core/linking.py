"""The hub comes, goes, and mutes us."""

from dataclasses import replace

from satellite.core import actions as act
from satellite.core import events as ev
from satellite.core.conversation import Conversation
from satellite.core.effects import Result, over, wait, without_turn
from satellite.core.events import Deadline
from satellite.core.interruptions import take_back
from satellite.core.say import SayState
from satellite.core.state import Stage


def link(c: Conversation, e: ev.Event) -> Result:
    """A hub is there: tell it what the last one may have missed, and learn whether it acknowledges aborts."""
    again = tuple(act.SendInterrupt(told) for told in c.resend)
    linked = replace(c, is_linked=True, is_muted=False, hub_acks_abort=False, resend=(), stage=Stage.ABORTING)
    return wait(linked, Deadline.ABORT_ACK, c.rule.limits.abort_unacked, *again, act.SendAbort())


def relink(c: Conversation, e: ev.Event) -> Result:
    """A hub is there again while a reply plays that the last one sent."""
    again = tuple(act.SendInterrupt(told) for told in c.resend)
    return replace(c, is_linked=True, is_muted=False, hub_acks_abort=False, resend=()), again


def unlink(c: Conversation, e: ev.Event) -> Result:
    """The hub is gone, and what it was asked with it."""
    return without_turn(replace(c, is_linked=False, is_muted=False)), (act.StopMic(False), act.KeepFrom(None))


def unlink_reply(c: Conversation, e: ev.Event) -> Result:
    """The hub is gone, but the reply it sent goes on."""
    finish = (act.FinishReply(c.reply.turn),) if c.reply and not c.reply.complete else ()
    return replace(c, is_linked=False, is_muted=False, stage=Stage.NONE), finish


def drop_overlap(c: Conversation, e: ev.Event) -> Result:
    """The hub is gone, and the reply had ended."""
    return replace(without_turn(c), is_linked=False, is_muted=False, reply=None), ()


def unmute(c: Conversation, e: ev.Event) -> Result:
    """The hub that muted us is gone."""
    return replace(c, is_muted=False), ()


def mute(c: Conversation, e: ev.Event) -> Result:
    """Nothing is heard or sent until a hub is there again; that one learns what became of a hold. What played ends.

    A timer may ring all the same, and what programs want said is said.
    """
    stop = (act.StopReply(c.reply.turn, keep=False), *over(c.reply, SayState.CANCELLED)) if c.reply else ()
    known, _ = take_back(replace(c, is_linked=False, is_muted=True), e)
    return replace(without_turn(known), reply=None), (*stop, act.StopMic(False), act.KeepFrom(None))
