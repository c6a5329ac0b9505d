"""What we say: an answer or an announcement, from its first audio to its end."""

from dataclasses import replace

from satellite.core import actions as act
from satellite.core import events as ev
from satellite.core.actions import Action
from satellite.core.conversation import Conversation
from satellite.core.effects import Result, over, played, wait, without_turn
from satellite.core.events import Deadline
from satellite.core.guards import ABORT_ACK_CODE, SPEECH_LOST_CODE
from satellite.core.say import Say, SayState
from satellite.core.state import Stage
from satellite.core.units import Millis


def speak(c: Conversation, e: ev.Event) -> Result:
    """The answer's first audio is here."""
    say = _answer(c).become(SayState.PLAYING)
    return play(c, say, act.StopMic(False), act.KeepFrom(None))


def _answer(c: Conversation) -> Say:
    return Say(c.turn, c.rule.allow_interruptions, text=c.answer_text)


def set_aside(c: Conversation, e: ev.AnswerAudio) -> Result:
    """An earlier turn's answer may still come, and this may be it. Another that begins before the time limit is ours."""
    return replace(c, aside=_answer(c)), ()


def learn_length_of_aside(c: Conversation, e: ev.AnswerComplete) -> Result:
    """All of what waits has come."""
    assert c.aside is not None
    return replace(c, aside=c.aside.received_all(e.total)), ()


def speak_aside(c: Conversation, e: ev.Event) -> Result:
    """No other has begun, so what waits is the answer: late, for the earlier one's sake, but not lost."""
    assert c.aside is not None
    say = replace(c.aside, text=c.answer_text).become(SayState.PLAYING)
    spoken, actions = play(c, say, act.AcceptAnswer())
    if not say.complete or say.position.total is None:
        return spoken, actions
    known, timed = learn_length(spoken, ev.AnswerComplete(e.at, say.position.total))
    return known, (*actions, *timed)


def announce(c: Conversation, e: ev.Event) -> Result:
    """Speech that answers nothing. The hub has cancelled whatever run there was."""
    turn = c.turn + 1
    say = replace(c.rule.say(None, "", None, is_announcement=True), turn=turn).become(SayState.PLAYING)
    begin = (act.StopMic(False), act.KeepFrom(None), act.BeginTurn(turn, owed=False))
    return play(replace(without_turn(c), turn=turn), say, *begin)


def play(c: Conversation, say: Say, *before: Action) -> Result:
    """It is spoken from now on."""
    actions = (*before, act.Play(say.turn, say.allow_interruptions, say.sensitivity))
    return wait(replace(c, reply=say, kept=None, aside=None), Deadline.REPLY, c.rule.limits.reply, *actions)


def learn_text(c: Conversation, e: ev.Answered) -> Result:
    """The whole text of an answer that is being spoken already; the hub's run is over."""
    assert c.reply is not None
    return replace(c, stage=Stage.NONE, answer_text=e.text, reply=replace(c.reply, text=e.text)), ()


def learn_length(c: Conversation, e: ev.AnswerComplete) -> Result:
    """All of it has come, so it is known when it must have ended. A hold has its own deadline."""
    assert c.reply is not None
    known = replace(c, reply=c.reply.received_all(e.total))
    if c.deadline is not Deadline.REPLY:
        return known, ()
    return wait(known, Deadline.REPLY, Millis(e.total + c.rule.limits.reply_slack))


def go_on(c: Conversation, e: ev.Event) -> Result:
    """The hub ended its stream in the middle of the answer and goes on with another: how long it will be is open again."""
    assert c.reply is not None
    longer = replace(c, reply=c.reply.receives_more())
    if c.deadline is not Deadline.REPLY:
        return longer, (act.ContinueReply(c.reply.turn),)
    return wait(longer, Deadline.REPLY, c.rule.limits.reply, act.ContinueReply(c.reply.turn))


def cut_short(c: Conversation, e: ev.HubError) -> Result:
    """The hub's run failed while it spoke, or its speech did after that: play what there is."""
    acks = c.hub_acks_abort or e.code == ABORT_ACK_CODE
    is_cut = c.reply is not None and not c.reply.complete and (c.stage.is_alive or e.code == SPEECH_LOST_CODE)
    finish = (act.SoundError(), act.FinishReply(c.reply.turn)) if c.reply and is_cut else ()
    return replace(c, stage=Stage.NONE, hub_acks_abort=acks), finish


def follow_voice(c: Conversation, e: ev.VoiceWindow) -> Result:
    """Remember what was heard over the reply, in case it is held."""
    return replace(c, burst=c.burst.add(e)), ()


def ended(c: Conversation, e: ev.ReplyEnded) -> Result:
    """The last sample has left the speaker."""
    assert c.reply is not None
    told = over(c.reply, SayState.PLAYED, e.position)
    return replace(without_turn(c), stage=c.stage, reply=None), (*played(c), *told)


def ended_overlapped(c: Conversation, e: ev.ReplyEnded) -> Result:
    """It ended under the user's words: nothing to interrupt, but perhaps a new turn."""
    assert c.reply is not None and e.overlap is not None
    said = c.reply.become(SayState.PLAYED, e.position)
    told = over(c.reply, SayState.PLAYED, e.position)
    return wait(replace(c, reply=said, onset=e.overlap), Deadline.HELD, c.rule.limits.held, *told)


def over_without_words(c: Conversation, e: ev.Event) -> Result:
    """The reply had ended, and what was heard over its end was nothing."""
    return replace(without_turn(c), stage=c.stage, reply=None), played(c)


def resumed(c: Conversation, say: Say, *before: Action) -> Result:
    limits = c.rule.limits
    left = Millis(say.position.total + limits.reply_slack) if say.complete and say.position.total else limits.reply
    return wait(replace(c, reply=say), Deadline.REPLY, left, *before, act.ResumeReply(say.turn))
