"""When a row of the transition table holds: each looks at the conversation and the event, and changes nothing."""

from collections.abc import Callable
from typing import TypeAlias

from satellite.core import events as ev
from satellite.core.burst import Judgement
from satellite.core.conversation import Conversation
from satellite.core.events import Deadline
from satellite.core.say import Allow, SayState
from satellite.core.state import Stage
from satellite.core.units import frames

Guard: TypeAlias = Callable[..., bool]

ABORT_ACK_CODE = "validation-error"
NOTHING_UNDERSTOOD_CODE = "stt-no-text-recognized"
DUPLICATE_CODE = "duplicate_wake_up_detected"

# where we ourselves run the conversation: a server that did not take the utterance, while another might; and one that has spoken
# half of the answer
SERVER_LOST_CODE = "server-lost"
SPEECH_LOST_CODE = "speech-lost"

# "never mind", said slowly, and the time that it takes to be found
_STOP_WORD_MS = 1500


def always(c: Conversation, e: ev.Event) -> bool:
    """Holds."""
    return True


def is_linked(c: Conversation, e: ev.Event) -> bool:
    """A hub is connected."""
    return c.is_linked


def unlinked(guard: Guard) -> Guard:
    """The guard holds and there is no hub to talk to."""
    return lambda c, e: guard(c, e) and not c.is_linked


def linked(guard: Guard) -> Guard:
    """The guard holds and there is a hub."""
    return lambda c, e: guard(c, e) and c.is_linked


def is_due(*kinds: Deadline) -> Guard:
    """The deadline is one of these."""
    return lambda c, e: e.kind in kinds


def may_try_again(*kinds: Deadline) -> Guard:
    """The deadline is one of these and the utterance may be sent once more."""
    return lambda c, e: e.kind in kinds and c.attempt < c.rule.attempts


def is_asked(c: Conversation, e: ev.HubReady) -> bool:
    """A run was asked for, and this is the first sign of it."""
    return c.stage is Stage.ASKED


def is_unheard(c: Conversation, e: ev.Event) -> bool:
    """The hub takes no audio of this turn yet."""
    return c.stage in (Stage.ABORTING, Stage.ASKED)


def is_asked_too_early(c: Conversation, e: ev.HubReady) -> bool:
    """A run was asked for, this is the first sign of it, and the user has gone on speaking meanwhile."""
    return is_asked(c, e) and not c.endpoint.has_ended(c.rule.endpoint)


def is_abort_ack(c: Conversation, e: ev.HubError) -> bool:
    """The hub has cancelled what we asked it to cancel."""
    return c.stage is Stage.ABORTING


def is_late_ack(c: Conversation, e: ev.HubError) -> bool:
    """The hub took longer to cancel than we waited, so the run we asked for since is deaf; it may be asked once more."""
    unheard = c.stage in (Stage.ASKED, Stage.HEARING)
    return unheard and e.code == ABORT_ACK_CODE and c.attempt < c.rule.attempts


def may_fail_over(c: Conversation, e: ev.HubError) -> bool:
    """The server that was to understand is gone, and the utterance, of which nothing is lost, may be sent once more."""
    is_unheard = c.stage in (Stage.ASKED, Stage.HEARING)
    return is_unheard and e.code == SERVER_LOST_CODE and c.attempt < c.rule.attempts


def heard_nothing(c: Conversation, e: ev.Event) -> bool:
    """The hub found no words in what interrupted a reply that can still go on."""
    silent = e.text.strip() == "" if isinstance(e, ev.Transcript) else getattr(e, "code", "") == NOTHING_UNDERSTOOD_CODE
    return silent and c.kept is not None and e.at - c.kept.at < c.rule.limits.take_up_again


def utterance_ends(c: Conversation, e: ev.VoiceWindow) -> bool:
    """With this window the user has finished speaking."""
    return c.endpoint.add(e, c.rule.endpoint).has_ended(c.rule.endpoint)


def something_said(c: Conversation, e: ev.Event) -> bool:
    """There was speech in this utterance."""
    return c.endpoint.has_speech(c.rule.endpoint)


def words(c: Conversation, e: ev.VoiceWindow) -> bool:
    """With this window the voice is words that mean us."""
    return c.burst.add(e).around(c.onset, c.burst_rule).judge(c.burst_rule) is Judgement.WORDS


def words_allowed(c: Conversation, e: ev.VoiceWindow) -> bool:
    """That, and words may interrupt an answer, so one that is still being thought of too."""
    return c.rule.allow_interruptions is Allow.SPEECH and words(c, e)


def noise(c: Conversation, e: ev.VoiceWindow) -> bool:
    """With this window the voice has turned out to be none."""
    return c.burst.add(e).around(c.onset, c.burst_rule).judge(c.burst_rule) is Judgement.NOISE


def ends_ring(c: Conversation, e: ev.VoiceWindow) -> bool:
    """With this window somebody has said a word or a few over the ring of a timer, and is silent."""
    if c.reply is None or not c.reply.is_ring:
        return False
    burst, rule = c.burst.add(e).around(c.onset, c.burst_rule), c.burst_rule
    is_silent = burst.quiet_ms(rule) >= rule.quiet_ms
    return is_silent and (burst.is_word(rule) or burst.is_long(c.rule.burst))


def still_talking(c: Conversation, e: ev.Event) -> bool:
    """There is voice, or was just now."""
    burst = c.burst.since(c.onset)
    return burst.active_ms > 0 and burst.quiet_ms(c.burst_rule) < c.burst_rule.quiet_ms


def reply_is_over(c: Conversation, e: ev.Event) -> bool:
    """What is held has nothing left to play."""
    return c.reply is not None and c.reply.state is SayState.PLAYED


def over(guard: Guard) -> Guard:
    """The guard holds and the reply has nothing left to play."""
    return lambda c, e: guard(c, e) and reply_is_over(c, e)


def is_in_doubt(c: Conversation, e: ev.AnswerAudio) -> bool:
    """The speech that begins may be an earlier turn's."""
    return not e.is_certain


def is_set_aside(c: Conversation, e: ev.Event) -> bool:
    """Speech waits that may be an earlier turn's."""
    return c.aside is not None


def no_other_came(c: Conversation, e: ev.DeadlineReached) -> bool:
    """Speech waits, and by now any other would have come: what waits is the present answer."""
    return c.aside is not None and e.kind is Deadline.ANSWER_AUDIO


def is_rest(c: Conversation, e: ev.AnnouncementAudio) -> bool:
    """The speech that begins goes on with the answer, which has not ended yet."""
    return e.may_be_rest and c.reply is not None and c.reply.state is SayState.PLAYING and not c.reply.is_announcement


def is_overlapped(c: Conversation, e: ev.ReplyEnded) -> bool:
    """Somebody was speaking when the reply ended, and a hub is there to hear what follows."""
    return e.overlap is not None and c.is_linked


def asks_back(c: Conversation, e: ev.ReplyEnded) -> bool:
    """The answer lets the user answer, a hub is there to hear it, and so is the microphone."""
    return c.is_linked and c.reply is not None and c.reply.lets_answer(c.rule.follow_up) and c.burst.windows != ()


def wake_word_allowed(c: Conversation, e: ev.WakeHeard) -> bool:
    """The utterance that plays may be interrupted by a wake word."""
    return c.reply is not None and c.reply.allow_interruptions.lets_in(Allow.WAKE_WORD)


def linked_wake_word(c: Conversation, e: ev.WakeHeard) -> bool:
    """That, and a hub is there to hear what follows."""
    return c.is_linked and wake_word_allowed(c, e)


def stop_word_allowed(c: Conversation, e: ev.StopWordHeard) -> bool:
    """The utterance that plays may be interrupted by a stop word."""
    return c.reply is not None and c.reply.allow_interruptions.lets_in(Allow.STOP_WORD)


def linked_stop_word(c: Conversation, e: ev.StopWordHeard) -> bool:
    """That, and a hub is there, so the satellite rests where it can be woken."""
    return c.is_linked and stop_word_allowed(c, e)


def was_stop_word(c: Conversation, e: ev.StopWordHeard) -> bool:
    """What opened this turn over a reply, and was taken for words before it was found, was the stop word."""
    return c.is_barge_in and e.end - c.utterance <= frames(c.rule.preroll_ms + _STOP_WORD_MS)


def stops_thought(c: Conversation, e: ev.StopWordHeard) -> bool:
    """That, or it was said when the command was over; a command may end with such a word, and is one all the same."""
    return was_stop_word(c, e) or e.end - frames(c.rule.wake_backtrack_ms) > c.endpoint.spoken_until
