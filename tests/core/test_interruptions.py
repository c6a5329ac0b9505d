"""Talk over a reply: hold, commit, resume, and what the server is told."""

from collections.abc import Callable

import pytest

from satellite.core import actions as act
from satellite.core import events as ev
from satellite.core.conversation import ConversationRule
from satellite.core.events import Deadline
from satellite.core.interrupt import Phase, Reason
from satellite.core.say import Allow
from satellite.core.state import Stage, State, Why
from satellite.core.units import Frames, Millis, frames
from tests.core.driver import SPEECH_OVER_SPEECH, Driver, kinds, of, phases, position, why
from tests.core.situations import (
    answered,
    held,
    held_for_a_cough,
    held_for_ever,
    interrupted,
    listening,
    over,
    processing,
    speaking,
    speaking_alone,
    thinking_aloud,
)

# ---- hold


def test_a_hold_is_told_at_once_and_provisionally() -> None:
    """In the very step in which it is learnt; the server knows how far the reply has come."""
    driver = speaking()
    driver.wait(1000)
    actions = driver.hold(played=1200, received=5000)
    assert kinds(actions) == ["SendInterrupt", "SetDeadline", "Become"]
    (told,) = driver.interrupts
    assert (told.phase, told.reason, told.turn, told.state) == (Phase.PROVISIONAL, Reason.SPEECH, 1, "speaking")
    assert (told.position, told.complete) == (position(1200, 5000, 5000), True)
    assert told.speech_started == driver.at - 150
    assert driver.state.public == "speaking"


def test_a_hold_is_kept_to_ourselves_if_the_server_wants_it_so() -> None:
    """`interrupt.phases: confirmed`: neither the provisional nor its cancellation is sent."""
    driver = Driver(ConversationRule(tell_provisional=False)).held()
    driver.silence(384)
    assert driver.interrupts == []
    driver.hold()
    driver.voice(SPEECH_OVER_SPEECH)
    assert phases(driver) == [Phase.CONFIRMED]


def test_a_hold_before_the_first_sample_is_a_hold() -> None:
    """A reply that would begin over a voice waits, and is interrupted at nothing."""
    driver = speaking()
    driver.hold(played=0, received=400)
    driver.voice(SPEECH_OVER_SPEECH)
    assert driver.interrupts[-1].position.played == 0
    assert driver.state is State.LISTENING


# ---- commit


def test_half_a_second_of_speech_commits() -> None:
    """The reply stops, the server is told, and the words before it are sent with those to come."""
    driver = held()
    onset = driver.conversation.onset
    actions = driver.voice(SPEECH_OVER_SPEECH)
    assert kinds(actions) == [
        *("StopReply", "SendInterrupt", "SendPlayed", "SayOver"),
        *("BeginTurn", "KeepFrom", "SendRun", "StreamMic", "SetDeadline", "Become"),
    ]
    assert of(actions, act.StreamMic) == [act.StreamMic(Frames(onset - frames(300)))]
    assert phases(driver) == [Phase.PROVISIONAL, Phase.CONFIRMED]
    assert len({told.id for told in driver.interrupts}) == 1
    assert driver.state is State.LISTENING


def test_speech_with_gaps_commits() -> None:
    """People pause inside words: what counts is how much of it is speech, not that it never stops."""
    driver = held()
    for _ in range(5):
        driver.voice(96)
        driver.silence(64)
    assert driver.is_in(State.HELD)
    driver.voice(32)
    assert driver.state is State.LISTENING


def test_voice_before_the_hold_counts_from_its_onset() -> None:
    """The half second began when the user did, not when we noticed."""
    driver = speaking()
    driver.voice(320)
    driver.hold(onset_ago=320)
    driver.voice(160)
    assert driver.is_in(State.HELD)
    driver.voice(32)
    assert driver.state is State.LISTENING


def test_voice_before_the_onset_does_not_count() -> None:
    """Somebody else's words of before are not the user's, but for the moment that the detector is late."""
    driver = speaking()
    driver.voice(960)
    driver.hold(onset_ago=0)
    driver.voice(352)
    assert driver.state is State.HELD


def test_a_short_command_commits_when_it_is_over() -> None:
    """A spoken "stop" is shorter than half a second, and voiced."""
    driver = held()
    driver.voice(288)
    driver.silence(320)
    assert driver.is_in(State.HELD)
    driver.silence(32)
    assert driver.state is State.LISTENING


def test_a_commit_tells_the_endpointer_what_was_said_already() -> None:
    """An interruption of one word ends as any utterance does: 0.7 s after it."""
    driver = held()
    driver.voice(288)
    driver.silence(352)
    driver.tell(ev.HubReady)
    driver.silence(352)
    assert driver.state is State.PROCESSING


def test_a_commit_while_the_hub_still_thinks_cancels_first() -> None:
    """The reply came early; the language model still runs."""
    driver = thinking_aloud()
    driver.wait(500)
    driver.hold(received=2000)
    actions = driver.voice(SPEECH_OVER_SPEECH)
    assert kinds(actions) == [
        *("StopReply", "SendInterrupt", "SendPlayed", "SayOver"),
        *("BeginTurn", "KeepFrom", "StopMic", "SendAbort", "SetDeadline", "Become"),
    ]
    assert kinds(driver.ack()) == ["SendRun", "StreamMic", "SetDeadline"]


def test_a_false_alarm_while_the_hub_thinks_does_not_kill_the_answer() -> None:
    """Nothing is aborted before the commit."""
    driver = thinking_aloud()
    aborts = len(driver.wanted(act.SendAbort))
    driver.hold(received=2000)
    driver.cough(96)
    driver.silence(384)
    assert (driver.state, driver.conversation.stage) == (State.SPEAKING, Stage.THINKING)
    assert len(driver.wanted(act.SendAbort)) == aborts


def test_a_murmur_that_is_still_there_at_the_deadline_commits() -> None:
    """It neither ends nor makes words, and a hold must resolve."""
    driver = held_for_ever()
    driver.expire()
    assert (driver.state, why(driver)) == (State.LISTENING, Why.INTERRUPTED)


def test_the_wake_word_in_a_hold_commits_at_once() -> None:
    """Same interruption, other reason; the audio begins at the word's end."""
    driver = held()
    driver.wait(200)
    actions = driver.wake()
    assert [(told.phase, told.reason) for told in driver.interrupts] == [
        (Phase.PROVISIONAL, Reason.SPEECH),
        (Phase.CONFIRMED, Reason.WAKE_WORD),
    ]
    assert of(actions, act.StreamMic) == [act.StreamMic(Frames(frames(driver.at) - frames(200)))]
    assert of(actions, act.SendDetection) == []


# ---- resume


def test_a_cough_resumes_within_the_promised_time() -> None:
    """Shorter than a word, then silence: the reply goes on, and the server is told so."""
    driver = held()
    began = driver.at
    driver.cough(160)
    while driver.state is State.HELD:
        driver.silence(32)
    assert driver.at - began - 160 <= 700
    assert phases(driver) == [Phase.PROVISIONAL, Phase.CANCELLED]
    assert driver.wanted(act.ResumeReply) == [act.ResumeReply(1)]
    assert why(driver) is Why.FALSE_ALARM


def test_a_hold_without_any_voice_resumes() -> None:
    """The reflex was wrong."""
    driver = held()
    driver.silence(352)
    assert driver.state is State.SPEAKING


def test_a_hold_of_which_nothing_more_is_heard_resumes_at_its_deadline() -> None:
    """Not a window came; still it resolves."""
    driver = held()
    assert driver.wait(2_999) == ()
    driver.wait(1)
    assert driver.state is State.SPEAKING


def test_a_microphone_that_stalls_in_a_hold_resumes() -> None:
    """A dead microphone must not silence the speaker."""
    driver = held_for_a_cough()
    driver.tell(ev.MicrophoneStalled)
    assert (driver.state, phases(driver)[-1]) == (State.SPEAKING, Phase.CANCELLED)


def test_a_reply_that_was_resumed_can_be_interrupted_again() -> None:
    """New evidence is a new interruption, with its own id."""
    driver = held()
    driver.silence(352)
    driver.hold(played=2000)
    driver.voice(SPEECH_OVER_SPEECH)
    ids = [told.id for told in driver.interrupts]
    assert phases(driver) == [Phase.PROVISIONAL, Phase.CANCELLED, Phase.PROVISIONAL, Phase.CONFIRMED]
    assert ids[0] == ids[1] != ids[2] == ids[3]
    assert driver.interrupts[-1].position.played == 2000


def test_words_after_a_resume_do_not_cancel_it() -> None:
    """A hold resolves once; what is heard later must hold the reply anew."""
    driver = held()
    driver.silence(352)
    driver.voice(960)
    assert driver.state is State.SPEAKING


def test_a_resumed_reply_has_its_whole_length_to_end_in() -> None:
    """It may be held near its beginning."""
    driver = held()
    driver.silence(352)
    assert driver.conversation.deadline is Deadline.REPLY
    assert driver.due == (driver.at + 10_000, Deadline.REPLY)


def test_a_reply_that_grows_while_it_is_held_keeps_growing() -> None:
    """Its end arrives during the hold; the hold's own deadline stays."""
    driver = Driver().speaking(total=None)
    driver.hold(received=2000)
    due = driver.due
    driver.tell(ev.AnswerComplete, total=Millis(4000))
    assert (driver.due, driver.reply.complete, driver.reply.position.total) == (due, True, 4000)


# ---- a commit that was nothing


EMPTY: dict[str, Callable[[Driver], object]] = {
    "transcript": lambda d: d.tell(ev.Transcript, text="  "),
    "error": lambda d: d.tell(ev.HubError, code="stt-no-text-recognized", text=""),
}


@pytest.mark.parametrize("empty", EMPTY.values(), ids=EMPTY.keys())
@pytest.mark.parametrize("is_over", [False, True])
def test_a_commit_without_words_goes_on_with_the_reply(empty: Callable[[Driver], object], is_over: bool) -> None:
    """Whether the hub says so during the utterance or after it; the microphone stops."""
    driver = interrupted()
    if is_over:
        driver.silence(704)
    since = len(driver.log)
    empty(driver)
    actions = tuple(action for _, action in driver.log[since:])
    assert of(actions, act.ResumeReply) == [act.ResumeReply(1)]
    assert of(actions, act.StopMic, act.KeepFrom) == [act.StopMic(tell=False), act.KeepFrom(None)]
    assert phases(driver) == [Phase.PROVISIONAL, Phase.CONFIRMED, Phase.CANCELLED]
    assert len({told.id for told in driver.interrupts}) == 1
    assert driver.state is State.SPEAKING


def test_a_commit_without_words_is_taken_back_once() -> None:
    """The next empty transcript finds nothing to take up."""
    driver = interrupted()
    driver.tell(ev.Transcript, text="")
    driver.end()
    driver.wake()
    driver.tell(ev.HubReady)
    driver.tell(ev.Transcript, text="")
    assert driver.state is State.PROCESSING
    assert len(driver.wanted(act.ResumeReply)) == 1


def test_a_reply_that_had_not_arrived_whole_is_not_taken_up() -> None:
    """What would have come of it is stale."""
    driver = Driver().speaking(total=None)
    driver.hold(received=2000)
    actions = driver.voice(SPEECH_OVER_SPEECH)
    assert of(actions, act.StopReply) == [act.StopReply(1, keep=False)]
    driver.tell(ev.HubReady)
    driver.tell(ev.Transcript, text="")
    assert driver.state is State.PROCESSING


def test_a_reply_whose_run_was_alive_is_not_taken_up() -> None:
    """The commit has killed the language model in the middle of a sentence."""
    driver = thinking_aloud()
    driver.tell(ev.AnswerComplete, total=Millis(2000))
    driver.hold(received=2000)
    actions = driver.voice(SPEECH_OVER_SPEECH)
    assert of(actions, act.StopReply) == [act.StopReply(1, keep=False)]


def test_a_reply_that_the_wake_word_stopped_is_not_taken_up() -> None:
    """There is no doubt about a wake word."""
    driver = held()
    assert of(driver.wake(), act.StopReply) == [act.StopReply(1, keep=False)]


@pytest.mark.parametrize(("later", "state"), [(19_999, State.SPEAKING), (20_000, State.PROCESSING)])
def test_a_reply_of_long_ago_is_not_taken_up(later: int, state: State) -> None:
    """After 20 s nobody remembers what it was about."""
    driver = interrupted()
    committed = driver.at
    driver.tell(ev.HubHeardEnd)
    driver.at = committed + later
    driver.tell(ev.Transcript, text="")
    assert driver.state is state


def test_a_reply_is_forgotten_when_words_were_found() -> None:
    """An error later in that turn takes nothing up."""
    driver = interrupted()
    driver.tell(ev.Transcript, text="what else")
    driver.tell(ev.HubError, code="stt-no-text-recognized", text="")
    assert driver.state is State.IDLE


def test_a_reply_is_forgotten_when_another_plays() -> None:
    """A hub may answer without having sent a transcript."""
    driver = interrupted()
    driver.tell(ev.Answered, text="something else")
    driver.tell(ev.AnswerAudio)
    assert driver.conversation.kept is None


# ---- the wake word over a reply


def test_the_wake_word_over_a_reply_stops_it_and_listens() -> None:
    """Confirmed at once: there is no doubt; no detection, or the hub would take us for a second satellite."""
    driver = speaking()
    driver.wait(1000)
    actions = driver.wake()
    assert kinds(actions) == [
        *("StopReply", "SendInterrupt", "SendPlayed", "SayOver"),
        *("BeginTurn", "KeepFrom", "SendRun", "StreamMic", "SetDeadline", "Become"),
    ]
    assert [(told.phase, told.reason) for told in driver.interrupts] == [(Phase.CONFIRMED, Reason.WAKE_WORD)]


@pytest.mark.parametrize(
    ("policy", "stops"),
    [(Allow.SPEECH, True), (Allow.WAKE_WORD, True), (Allow.STOP_WORD, False), (Allow.NONE, False)],
)
def test_the_policy_says_whether_the_wake_word_interrupts(policy: Allow, stops: bool) -> None:
    """`allow_interruptions`, per utterance; the speaker is told it too."""
    driver = Driver(ConversationRule(allow_interruptions=policy)).speaking()
    assert driver.wanted(act.Play) == [act.Play(1, policy)]
    driver.wake()
    assert (driver.state is State.LISTENING) is stops


def test_the_wake_word_over_a_reply_without_a_hub_stops_it() -> None:
    """Nobody can listen, but the user has had enough; the next hub is told."""
    driver = speaking_alone()
    actions = driver.wake()
    assert of(actions, act.StopReply, act.SendInterrupt, act.SendRun) == [act.StopReply(1, keep=False)]
    assert driver.state is State.OFFLINE
    driver.tell(ev.HubOpened)
    assert [(told.phase, told.reason) for told in driver.interrupts] == [(Phase.CONFIRMED, Reason.WAKE_WORD)]


# ---- talk while the hub thinks


def test_words_while_the_hub_thinks_cancel_its_run() -> None:
    """They join the new turn; nothing could be resumed, so it is confirmed at once."""
    driver = processing()
    began = driver.at
    actions = driver.voice(SPEECH_OVER_SPEECH)
    assert kinds(actions) == [
        *("SendInterrupt", "BeginTurn", "KeepFrom"),
        *("StopMic", "SendAbort", "SetDeadline", "Become"),
    ]
    (told,) = driver.interrupts
    assert (told.phase, told.reason, told.state) == (Phase.CONFIRMED, Reason.SPEECH, "processing")
    assert (told.position.played, told.speech_started) == (0, began)
    assert of(driver.ack(), act.StreamMic) == [act.StreamMic(frames(began - 300))]


@pytest.mark.parametrize("pause_ms", [0, 32, 96, 288])
def test_words_soon_after_a_command_do_not_repeat_it(pause_ms: int) -> None:
    """The hub heard the command's end first, and 0.3 s before the new words is back in it: not that, and all after it."""
    driver = listening()
    driver.voice(640)
    said_until = driver.at
    driver.tell(ev.HubHeardEnd)
    driver.tell(ev.Transcript, text="turn on the light")
    driver.silence(pause_ms)
    driver.voice(SPEECH_OVER_SPEECH)
    assert of(driver.ack(), act.StreamMic) == [act.StreamMic(frames(said_until))]


def test_words_over_a_quick_answer_do_not_repeat_the_command() -> None:
    """The same, when the reply has begun meanwhile."""
    driver = listening()
    driver.voice(640)
    said_until = driver.at
    for kind, fields in ((ev.HubHeardEnd, {}), (ev.Transcript, {"text": "time"}), (ev.Answered, {"text": "noon"})):
        driver.tell(kind, **fields)
    driver.tell(ev.AnswerAudio)
    driver.silence(96)
    driver.voice(160)
    driver.hold(played=100, received=2000, onset_ago=160)
    assert of(driver.voice(SPEECH_OVER_SPEECH), act.StreamMic) == [act.StreamMic(frames(said_until))]


def test_a_word_while_the_hub_thinks_ends_as_any_utterance_does() -> None:
    """A short one is judged when it is over: the silence of the judgement is part of the 0.7 s."""
    driver = processing()
    driver.voice(288)
    driver.silence(352)
    driver.ack()
    driver.tell(ev.HubReady)
    driver.silence(352)
    assert driver.state is State.PROCESSING


def test_words_after_the_answer_is_known_need_no_abort() -> None:
    """Its run has ended; its speech, if it comes, is owed to nobody."""
    driver = answered()
    actions = driver.voice(SPEECH_OVER_SPEECH)
    assert of(actions, act.BeginTurn, act.SendAbort, act.SendRun) == [act.BeginTurn(2, owed=True), act.SendRun()]


@pytest.mark.parametrize("policy", [Allow.WAKE_WORD, Allow.STOP_WORD, Allow.NONE])
def test_words_that_may_not_interrupt_an_answer_do_not_prevent_it(policy: Allow) -> None:
    """Where the television talks, only the wake word cancels a run; and it always does, or a hub that hangs would win."""
    driver = Driver(ConversationRule(allow_interruptions=policy)).processing()
    assert driver.voice(1920) == ()
    driver.wake()
    assert driver.state is State.LISTENING


def test_a_cough_while_the_hub_thinks_is_nothing() -> None:
    """The answer is not lost for it."""
    driver = processing()
    assert (driver.cough(160), driver.silence(640)) == ((), ())


# ---- the end of the service


def test_a_shutdown_stops_the_reply_and_says_why() -> None:
    """The last words to the hub."""
    driver = speaking()
    actions = driver.tell(ev.ShuttingDown)
    assert kinds(actions)[:3] == ["StopReply", "SendInterrupt", "SendPlayed"]
    assert [(told.phase, told.reason) for told in driver.interrupts] == [(Phase.CONFIRMED, Reason.SHUTDOWN)]


def test_a_shutdown_in_a_hold_confirms_that_very_interruption() -> None:
    """One response, one interruption."""
    driver = held()
    driver.tell(ev.ShuttingDown)
    first, last = driver.interrupts
    assert (last.id, last.phase, last.reason) == (first.id, Phase.CONFIRMED, Reason.SHUTDOWN)


def test_a_shutdown_after_a_replys_end_interrupts_nothing() -> None:
    """Only what is audible is interrupted."""
    driver = over()
    actions = driver.tell(ev.ShuttingDown)
    assert of(actions, act.SendPlayed, act.SendInterrupt) == [act.SendPlayed()]


@pytest.mark.parametrize("build", [Driver.listening, Driver.processing, Driver.thinking_aloud])
def test_a_shutdown_cancels_the_run(build: Callable[[Driver], Driver]) -> None:
    """And the microphone is let go."""
    actions = build(Driver()).tell(ev.ShuttingDown)
    assert of(actions, act.StopMic, act.SendAbort) == [act.StopMic(tell=False), act.SendAbort()]


def test_what_was_sent_of_a_turn_that_failed_is_not_sent_again_two_turns_later() -> None:
    """The hub dropped a run, was asked again by the wake word at once, and the user goes on speaking: the pre-roll ends there."""
    driver = Driver().listening()
    driver.voice(960)
    said_until = frames(driver.at)
    driver.tell(ev.HubError, code="stt-stream-failed", text="")
    driver.wake()
    driver.tell(ev.HubReady)
    driver.tell(ev.Transcript, text="hello")
    driver.voice(512)
    assert driver.wanted(act.KeepFrom)[-1] == act.KeepFrom(said_until)
