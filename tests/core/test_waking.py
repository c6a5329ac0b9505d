"""The hub finds the wake word: the run that waits for it, what ends that run, and what follows the word."""

import pytest

from satellite.core import actions as act
from satellite.core import events as ev
from satellite.core.conversation import ConversationRule
from satellite.core.events import Deadline
from satellite.core.state import Stage, State
from satellite.core.units import Millis, frames
from satellite.core.voice_gate import HANG_FRAMES, LEAD_FRAMES
from tests.core.driver import WINDOW_MS, Driver, kinds, of
from tests.core.situations import asleep, just_opened, listening, sleepless, woken_by_the_hub


def _gated() -> Driver:
    return Driver(ConversationRule(hub_wakes=True, wake_gate=True)).opened()


def _aborted_and_asked_anew(driver: Driver, actions: tuple[act.Action, ...]) -> None:
    """The hub is told to cancel, and asked again only when it says that it has."""
    assert of(actions, act.StopMic, act.SendAbort, act.SendWakeRun) == [act.StopMic(False), act.SendAbort()]
    assert of(driver.silence(WINDOW_MS), act.SendWakeRun) == []
    driver.ack()
    assert of(driver.silence(WINDOW_MS), act.SendWakeRun) == [act.SendWakeRun()]


def test_a_hub_that_is_free_waits_for_the_word_and_hears_everything() -> None:
    """From the next window on, and not before it has said what it says to an abort."""
    driver = Driver(ConversationRule(hub_wakes=True))
    driver.tell(ev.HubOpened)
    assert driver.silence(WINDOW_MS) == ()
    driver.ack()
    actions = driver.silence(WINDOW_MS)
    assert kinds(actions) == ["SendWakeRun", "StreamMic", "SetDeadline"]
    assert of(actions, act.StreamMic) == [act.StreamMic(frames(driver.at))]
    assert driver.voice(960) == ()


def test_a_satellite_that_finds_its_words_itself_never_asks() -> None:
    """Nothing leaves it while it is idle."""
    assert Driver().opened().voice(3200) == ()


def test_the_hubs_word_opens_a_turn_in_the_same_run() -> None:
    """No abort, no new run, no detection of ours, and the microphone goes on."""
    driver = asleep()
    driver.voice(320)
    actions = driver.tell(ev.HubWoke, name="okay_nabu")
    assert kinds(actions) == ["BeginTurn", "KeepFrom", "SetDeadline", "Become"]
    assert of(actions, act.KeepFrom) == [act.KeepFrom(frames(driver.at - 200))]
    driver.tell(ev.HubReady)
    driver.voice(640)
    assert of(driver.silence(704), act.StopMic) == [act.StopMic(True)]
    assert driver.is_in(State.PROCESSING)


def test_a_command_that_the_hub_did_not_take_is_sent_again_without_the_word() -> None:
    """By a run of its own, from where the word was."""
    driver = woken_by_the_hub()
    utterance = driver.conversation.utterance
    assert of(driver.expire(), act.SendAbort) == [act.SendAbort()]
    assert of(driver.ack(), act.SendRun, act.SendWakeRun, act.StreamMic) == [act.SendRun(), act.StreamMic(utterance)]


def test_after_a_turn_the_hub_waits_again() -> None:
    """Asked by us, each time."""
    driver = woken_by_the_hub()
    driver.tell(ev.HubReady)
    driver.tell(ev.Transcript, text="what is the news")
    driver.tell(ev.Answered, text="none")
    driver.tell(ev.AnswerAudio)
    assert of(driver.silence(WINDOW_MS), act.SendWakeRun) == []
    driver.end()
    assert of(driver.silence(WINDOW_MS), act.SendWakeRun) == [act.SendWakeRun()]


def test_a_run_that_has_not_ended_with_its_reply_is_cancelled_first() -> None:
    """The hub would be deaf otherwise."""
    driver = woken_by_the_hub()
    driver.tell(ev.HubReady)
    driver.tell(ev.Transcript, text="what is the news")
    driver.tell(ev.AnswerAudio)
    driver.end()
    _aborted_and_asked_anew(driver, driver.silence(WINDOW_MS))


def test_a_word_of_ours_aborts_the_run_that_waits() -> None:
    """A run is asked for when that is dead."""
    driver = asleep()
    assert of(driver.wake(), act.SendAbort, act.SendRun) == [act.SendAbort()]
    assert of(driver.ack(), act.SendRun) == [act.SendRun()]


def test_an_announcement_ends_the_run_that_waits() -> None:
    """The hub has cancelled it, and is asked again when the announcement is over."""
    driver = asleep()
    assert of(driver.tell(ev.AnnouncementAudio), act.StopMic, act.SendAbort) == [act.StopMic(False)]
    driver.end()
    assert of(driver.silence(WINDOW_MS), act.SendWakeRun) == [act.SendWakeRun()]


def test_a_hub_that_cannot_wait_is_asked_again_in_a_while() -> None:
    """However many errors it sends meanwhile, and without a sample of microphone for them."""
    driver = asleep()
    assert kinds(driver.tell(ev.HubError, code="wake-engine-missing", text="")) == ["StopMic", "SetDeadline"]
    driver.tell(ev.HubError, code="wake-engine-missing", text="")
    pause = ConversationRule().limits.wake_again
    assert of(driver.silence(pause - WINDOW_MS), act.SendWakeRun) == []
    assert of(driver.silence(2 * WINDOW_MS), act.SendWakeRun) == [act.SendWakeRun()]


def test_a_late_ack_of_an_abort_costs_one_more() -> None:
    """The hub took longer to cancel than we waited, so the run that waits is deaf."""
    driver = asleep()
    _aborted_and_asked_anew(driver, driver.ack())


def test_a_run_that_waits_is_renewed() -> None:
    """It may have died without a word."""
    driver = asleep()
    assert driver.conversation.deadline is Deadline.WAKE_RUN
    _aborted_and_asked_anew(driver, driver.expire())


def test_news_of_a_word_that_nobody_waits_for_is_dropped() -> None:
    """While the run is cancelled, after it failed, and in another turn."""
    for driver in (just_opened(), sleepless(), listening()):
        before = driver.conversation
        assert driver.tell(ev.HubWoke, name="okay_nabu") == ()
        assert driver.conversation is before


@pytest.mark.parametrize("kind", [ev.HubClosed, ev.HubPaused])
def test_a_hub_that_leaves_or_mutes_hears_nothing_more(kind: type[ev.Event]) -> None:
    """Until it is back."""
    driver = asleep()
    assert of(driver.tell(kind), act.StopMic) == [act.StopMic(False)]
    assert driver.conversation.stage is Stage.NONE
    assert driver.voice(3200) == ()


# ---- behind the gate


def test_behind_the_gate_a_voice_opens_the_run() -> None:
    """With what was before it."""
    driver = _gated()
    assert driver.silence(3200) == ()
    actions = driver.voice(WINDOW_MS)
    assert of(actions, act.SendWakeRun, act.StreamMic) == [act.SendWakeRun(), act.StreamMic(frames(driver.at) - LEAD_FRAMES)]


def test_behind_the_gate_silence_ends_the_run() -> None:
    """After a while, which a voice begins anew."""
    driver = _gated()
    hang = Millis(HANG_FRAMES // 16 // WINDOW_MS * WINDOW_MS)
    driver.voice(320)
    assert driver.silence(hang - 320) == ()
    driver.voice(320)
    assert driver.silence(hang - WINDOW_MS) == ()
    actions = driver.silence(2 * WINDOW_MS)
    assert of(actions, act.StopMic, act.SendAbort) == [act.StopMic(False), act.SendAbort()]
    driver.ack()
    assert driver.silence(3200) == ()
    assert of(driver.voice(WINDOW_MS), act.SendWakeRun) == [act.SendWakeRun()]
