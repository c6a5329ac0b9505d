"""What a program wants said: it queues, is made into speech while nothing else goes on, and is spoken in its turn.

One is made at a time, and never while the user has the floor: whatever makes speech makes the answers, too. What has been made
waits for its turn if the user was faster. What a hub announces while a reply plays, and the ring of a timer, queue with them;
their audio is here already, so they need no making, and go first.
"""

from collections.abc import Callable
from dataclasses import replace

from satellite.core import actions as act
from satellite.core import events as ev
from satellite.core.actions import Action
from satellite.core.conversation import Conversation
from satellite.core.effects import Result
from satellite.core.replies import learn_length, play
from satellite.core.say import Say, SayState
from satellite.core.state import Stage
from satellite.core.turns import abort

# more than anybody listens to; whoever asks is refused before
MOST_SAYS = 50
# a hub's are here with all their sound, of ten minutes and 26 MB at the most; Home Assistant itself has one at a time
MOST_ANNOUNCEMENTS = 4

# ---- guards


def is_made(c: Conversation, e: ev.Event) -> bool:
    """The next of them can begin."""
    return _next_here(c, e) is not None and c.stage is Stage.NONE


def waits_for_hub(c: Conversation, e: ev.Event) -> bool:
    """It could, but for a run of the hub's."""
    return _next_here(c, e) is not None and c.stage.is_alive


def may_make(c: Conversation, e: ev.Event) -> bool:
    """There is one, and none is being made."""
    return c.making is None and any(not say.is_here for say in c.says)


def may_queue(c: Conversation, e: ev.Event) -> bool:
    """There is room for one more of the hub's."""
    return len(c.says) < MOST_SAYS and sum(say.is_of_hub for say in c.says) < MOST_ANNOUNCEMENTS


def _next_here(c: Conversation, e: ev.Event) -> Say | None:
    """The one whose turn it is, if there is audio of any."""
    waiting = next((say for say in c.says if say.is_here), None)
    return waiting or (c.making if c.is_made else None)


# ---- effects


def ask(c: Conversation, e: ev.SayAsked) -> Result:
    """Another, behind those of its kind: announcements go before what only continues a conversation."""
    first = [say for say in c.says if say.is_announcement]
    rest = [say for say in c.says if not say.is_announcement]
    (first if e.say.is_announcement else rest).append(e.say)
    return replace(c, says=(*first, *rest)), ()


def make(c: Conversation, e: ev.Event) -> Result:
    """The next is made into speech."""
    say = next(say for say in c.says if not say.is_here)
    return replace(c, says=_without(c, say), making=say, is_made=False), (act.MakeSpeech(say),)


def queue_announcement(c: Conversation, e: ev.AnnouncementAudio) -> Result:
    """A hub announces something while a reply plays: it waits for its end."""
    say = replace(c.rule.say(e.id, "", None, is_announcement=True), is_here=True)
    asked, _ = ask(c, ev.SayAsked(e.at, say))
    return asked, (act.KeepAnnouncement(e.id),)


def speech(c: Conversation, e: ev.SaySpeech) -> Result:
    """There is something to begin with."""
    return replace(c, is_made=c.is_made or _is_made_of(c, e.id)), ()


def complete(c: Conversation, e: ev.SayComplete) -> Result:
    """There is all of it, whether it is spoken already or not."""
    if c.making is not None and c.making.id == e.id:
        return replace(c, making=c.making.received_all(e.total), is_made=True), ()
    if any(say.id == e.id for say in c.says):
        return replace(c, says=tuple(say.received_all(e.total) if say.id == e.id else say for say in c.says)), ()
    if c.reply is not None and c.reply.id == e.id and c.reply.state is SayState.PLAYING:
        return learn_length(c, ev.AnswerComplete(e.at, e.total))
    return c, ()


def failed(c: Conversation, e: ev.SayFailed) -> Result:
    """It cannot be said, or not to its end."""
    if c.making is not None and c.making.id == e.id:
        say = c.making
        return replace(c, making=None, is_made=False), (act.SoundError(), act.DropSpeech(e.id), *_cancelled(say))
    if c.reply is not None and c.reply.id == e.id and not c.reply.complete:
        return c, (act.SoundError(), act.FinishReply(c.reply.turn))
    return _drop(c, lambda say: say.id == e.id)


def withdraw(c: Conversation, e: ev.SayWithdrawn) -> Result:
    """It is not to be said after all."""
    if c.making is not None and c.making.id == e.id:
        say = c.making
        return replace(c, making=None, is_made=False), (act.DropSpeech(e.id), *_cancelled(say))
    return _drop(c, lambda say: say.id == e.id)


def drop_all(c: Conversation, e: ev.Event) -> Result:
    """Nothing more is said."""
    return _drop(c, lambda say: True)


def drop_train_of_thought(c: Conversation) -> Result:
    """Whoever talks over an utterance wants none of those that were to follow it. Announcements follow nothing, and stay."""
    return _drop(c, lambda say: not say.is_announcement)


def _drop(c: Conversation, is_dropped: Callable[[Say], bool]) -> Result:
    told = tuple(over for say in c.says if is_dropped(say) for over in _cancelled(say))
    if any(say.is_of_hub and is_dropped(say) for say in c.says):
        # the hub waits to hear of it
        told = (*told, act.SendPlayed())
    rest = replace(c, says=tuple(say for say in c.says if not is_dropped(say)))
    if c.making is None or c.making.id is None or not is_dropped(c.making):
        return rest, told
    return replace(rest, making=None, is_made=False), (act.DropSpeech(c.making.id), *_cancelled(c.making), *told)


def free_hub(c: Conversation, e: ev.Event) -> Result:
    """A run in which the hub waits for its wake word would take what is spoken for the user's: it is given back first."""
    return abort(c)


def begin(c: Conversation, e: ev.Event) -> Result:
    """Nothing else goes on, so it is spoken."""
    waiting = _next_here(c, e)
    assert waiting is not None and waiting.id is not None
    turn = c.turn + 1
    say = replace(waiting, turn=turn).become(SayState.PLAYING)
    rest = replace(c, says=_without(c, waiting)) if waiting.is_here else replace(c, making=None, is_made=False)
    spoken, actions = play(replace(rest, turn=turn), say, act.BeginTurn(turn, owed=False), act.TakeSpeech(waiting.id, turn))
    if say.position.total is None:
        return spoken, actions
    known, timed = learn_length(spoken, ev.AnswerComplete(e.at, say.position.total))
    return known, (*actions, *timed)


def _without(c: Conversation, gone: Say) -> tuple[Say, ...]:
    return tuple(say for say in c.says if say is not gone)


def _is_made_of(c: Conversation, id: int) -> bool:
    return c.making is not None and c.making.id == id


def _cancelled(say: Say) -> tuple[Action, ...]:
    assert say.id is not None
    return (act.SayOver(say.turn, say.id, SayState.CANCELLED, say.position),)
