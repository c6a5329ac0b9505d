"""When the hub finds the wake word (`listen: always`): guards and effects of the run that waits for it while we are idle.

That run is a run like any other: whatever we want of the hub meanwhile, it has to be aborted first. It is never asked to
restart by itself; the next voice window in `idle` asks anew, however we came there.
"""

from dataclasses import replace

from satellite.core import actions as act
from satellite.core import events as ev
from satellite.core.burst import Burst
from satellite.core.conversation import Conversation
from satellite.core.effects import Result, wait
from satellite.core.endpoint import Endpointer
from satellite.core.events import Deadline
from satellite.core.guards import ABORT_ACK_CODE
from satellite.core.state import Stage
from satellite.core.turns import abort
from satellite.core.units import Frames, frames
from satellite.core.voice_gate import HANG_FRAMES, LEAD_FRAMES, VOICE_PROBABILITY

# ---- guards


def may_begin(c: Conversation, e: ev.VoiceWindow) -> bool:
    """The hub is to wait for the wake word, and is not asked to yet; behind the gate, only while there is voice."""
    is_free = c.deadline is None and c.stage is not Stage.WAKING
    return c.rule.hub_wakes and is_free and (_is_voice(e) or not c.rule.wake_gate)


def is_waiting(c: Conversation, e: ev.Event) -> bool:
    """The hub waits for the wake word."""
    return c.stage is Stage.WAKING


def has_paused(c: Conversation, e: ev.Event) -> bool:
    """The hub could not, and will be asked again."""
    return c.deadline is Deadline.WAKE_AGAIN


def is_quiet(c: Conversation, e: ev.VoiceWindow) -> bool:
    """The hub waits, and behind the gate there has been no voice for a while."""
    return c.rule.wake_gate and c.stage is Stage.WAKING and not _is_voice(e) and e.end - c.onset >= HANG_FRAMES


def _is_voice(e: ev.VoiceWindow) -> bool:
    return e.probability >= VOICE_PROBABILITY


# ---- effects


def begin(c: Conversation, e: ev.VoiceWindow) -> Result:
    """Ask the hub to wait for the wake word; if the last turn's run has not ended, cancel that first."""
    if c.stage.is_alive:
        return abort(c)
    first = max(e.end - (LEAD_FRAMES if c.rule.wake_gate else 0), 0)
    asked = replace(c, stage=Stage.WAKING, onset=e.end, utterance=e.end)
    return wait(asked, Deadline.WAKE_RUN, c.rule.limits.wake_run, act.SendWakeRun(), act.StreamMic(Frames(first)))


def follow(c: Conversation, e: ev.VoiceWindow) -> Result:
    """Keep in mind where a command would begin, in case the hub has to be sent it once more, and when voice was last heard."""
    begins = Frames(max(e.end - frames(c.rule.wake_backtrack_ms), 0))
    return replace(c, utterance=begins, onset=e.end if _is_voice(e) else c.onset), ()


def give_back(c: Conversation, e: ev.Event) -> Result:
    """End the run: nobody speaks, or it is so old that it may be dead."""
    return abort(c)


def failed(c: Conversation, e: ev.HubError) -> Result:
    """The hub does not wait any more; ask again in a while. A late ack means that it killed the wrong run, or left it deaf."""
    if e.code == ABORT_ACK_CODE:
        return abort(replace(c, hub_acks_abort=True))
    return wait(replace(c, stage=Stage.NONE), Deadline.WAKE_AGAIN, c.rule.limits.wake_again, act.StopMic(False))


def woken(c: Conversation, e: ev.HubWoke) -> Result:
    """The hub heard the word: its run goes on with the command, and the microphone with it."""
    turn = c.turn + 1
    asked = replace(c, turn=turn, stage=Stage.ASKED, endpoint=Endpointer().after(c.endpoint), attempt=1, burst=Burst(), kept=None)
    fresh = replace(asked, answer_text="", is_follow_up=False, is_barge_in=False)
    told = (act.BeginTurn(turn, owed=False), act.KeepFrom(c.utterance))
    return wait(fresh, Deadline.HUB_READY, c.rule.limits.hub_ready, *told)
