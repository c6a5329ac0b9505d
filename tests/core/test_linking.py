"""The hub comes, goes, and mutes us; what the next one is told of what the last one may have missed."""

from collections.abc import Callable

import pytest

from satellite.core import actions as act
from satellite.core import events as ev
from satellite.core.interrupt import Phase
from satellite.core.state import Stage, State
from tests.core.driver import Driver, kinds, of
from tests.core.situations import (
    announcing,
    answered,
    finished,
    held,
    held_alone,
    interrupted,
    just_opened,
    listening,
    opened,
    over,
    processing,
    speaking,
    speaking_alone,
    spoken,
)

SPEECH_OVER_SPEECH = 512


def _phases(driver: Driver) -> list[Phase]:
    return [told.phase for told in driver.interrupts]


# ---- a hub appears


def test_a_new_hub_is_asked_to_abort_so_that_we_learn_whether_it_says_so() -> None:
    """The answer is known before the first barge-in has to wait for one."""
    driver = Driver()
    assert kinds(driver.tell(ev.HubOpened)) == ["SendAbort", "SetDeadline", "Become"]
    driver.ack()
    assert driver.conversation.hub_acks_abort


def test_a_hub_that_says_nothing_to_an_abort_is_free_after_300_ms() -> None:
    """Home Assistant up to 2026.3."""
    driver = just_opened()
    driver.wait(299)
    before = driver.conversation
    driver.wait(1)
    after = driver.conversation
    assert (before.stage, after.stage, after.hub_acks_abort) == (Stage.ABORTING, Stage.NONE, False)


def test_another_error_while_idle_is_no_acknowledgement() -> None:
    """Only the code that an abort gives proves anything."""
    driver = just_opened()
    driver.tell(ev.HubError, code="intent-failed", text="")
    assert not driver.conversation.hub_acks_abort


# ---- the hub goes


@pytest.mark.parametrize("build", [listening, spoken, finished, processing, answered])
def test_a_hub_that_vanishes_takes_its_turn_with_it(build: object) -> None:
    """The microphone stops, and the next hub finds us ready."""
    driver: Driver = build()  # type: ignore[operator]
    actions = driver.tell(ev.HubClosed)
    assert of(actions, act.StopMic, act.KeepFrom) == [act.StopMic(tell=False), act.KeepFrom(None)]
    assert (driver.state, driver.conversation.stage) == (State.OFFLINE, Stage.NONE)
    driver.opened()
    assert of(driver.wake(), act.SendRun) == [act.SendRun()]


@pytest.mark.parametrize("build", [listening, processing, answered, opened])
def test_a_hub_that_mutes_us_hears_nothing_until_it_comes_back(build: object) -> None:
    """Neither the wake word nor its own old talk changes that."""
    driver: Driver = build()  # type: ignore[operator]
    driver.tell(ev.HubPaused)
    assert driver.is_in(State.MUTED)
    assert driver.wake() == ()
    assert driver.tell(ev.AnswerAudio) == ()
    driver.tell(ev.HubOpened)
    assert driver.state is State.IDLE


# ---- told again


def test_an_interruption_that_may_not_have_arrived_is_told_once_more_with_its_id() -> None:
    """The hub vanished before it took up the new turn."""
    driver = held()
    driver.voice(SPEECH_OVER_SPEECH)
    driver.tell(ev.HubClosed)
    again = driver.tell(ev.HubOpened)
    assert of(again, act.SendInterrupt) == [act.SendInterrupt(driver.interrupts[1])]
    driver.tell(ev.HubClosed)
    assert of(driver.tell(ev.HubOpened), act.SendInterrupt) == []


def test_an_interruption_that_was_answered_is_not_told_again() -> None:
    """A hub that opens the next run has read what came before it."""
    driver = interrupted()
    driver.tell(ev.HubClosed)
    assert of(driver.tell(ev.HubOpened), act.SendInterrupt) == []


def test_an_interruption_that_was_taken_back_is_not_told_again() -> None:
    """Confirming it after its cancellation would be a lie."""
    driver = held()
    driver.voice(SPEECH_OVER_SPEECH)
    driver.tell(ev.HubError, code="stt-no-text-recognized", text="")
    assert driver.state is State.SPEAKING
    driver.tell(ev.HubClosed)
    assert of(driver.tell(ev.HubOpened), act.SendInterrupt) == []


# ---- the hub goes while we speak


def test_a_reply_outlasts_its_hub() -> None:
    """What there is, is played to its end; then we are offline."""
    driver = Driver().speaking(total=None)
    assert driver.tell(ev.HubClosed) == (act.FinishReply(1),)
    assert driver.is_in(State.SPEAKING)
    driver.end()
    assert driver.state is State.OFFLINE


def test_a_whole_reply_is_not_cut_when_its_hub_vanishes() -> None:
    """There is nothing to finish."""
    driver = speaking()
    assert driver.tell(ev.HubClosed) == ()


def test_a_hub_that_returns_while_we_speak_finds_us_speaking() -> None:
    """And the end of the reply leads to idle again."""
    driver = speaking_alone()
    driver.tell(ev.HubOpened)
    assert driver.is_in(State.SPEAKING)
    driver.end()
    assert driver.state is State.IDLE


@pytest.mark.parametrize("is_back_before_the_end", [False, True])
def test_a_false_alarm_without_a_hub_is_taken_back_when_one_is_there(is_back_before_the_end: bool) -> None:
    """The reply goes on meanwhile; the cancellation has the id of what the last hub heard, and is sent once."""
    driver = held_alone()
    driver.silence(384)
    assert (driver.state, _phases(driver)) == (State.SPEAKING, [Phase.PROVISIONAL])
    if not is_back_before_the_end:
        driver.end()
    driver.tell(ev.HubOpened)
    driver.tell(ev.HubClosed)
    driver.tell(ev.HubOpened)
    first, last = driver.interrupts
    assert (last.id, last.phase) == (first.id, Phase.CANCELLED)


def test_everything_that_became_of_a_reply_without_a_hub_is_told() -> None:
    """A hold that was taken back, and then the end: two interruptions, in their order."""
    driver = held_alone()
    driver.silence(384)
    driver.hold()
    driver.voice(SPEECH_OVER_SPEECH)
    assert driver.is_in(State.OFFLINE)
    driver.tell(ev.HubOpened)
    first, taken_back, confirmed = driver.interrupts
    assert (taken_back.id, taken_back.phase) == (first.id, Phase.CANCELLED)
    assert (confirmed.id != first.id, confirmed.phase) == (True, Phase.CONFIRMED)


def test_a_hold_that_no_hub_heard_of_is_not_taken_back() -> None:
    """A cancellation of something unknown would only puzzle."""
    driver = speaking_alone()
    driver.hold()
    driver.silence(384)
    driver.tell(ev.HubOpened)
    assert (driver.state, driver.interrupts) == (State.SPEAKING, [])


@pytest.mark.parametrize("end", [ev.HubPaused, ev.AudioLost])
def test_a_hold_that_ends_with_no_hub_to_tell_is_taken_back_later(end: type[ev.Event]) -> None:
    """Somebody waits for its other half, whatever has stopped the reply."""
    driver = held() if end is ev.HubPaused else held_alone()
    driver.tell(end)
    assert _phases(driver) == [Phase.PROVISIONAL]
    driver.tell(ev.HubOpened)
    assert _phases(driver) == [Phase.PROVISIONAL, Phase.CANCELLED]


def test_words_without_a_hub_end_the_reply_and_are_told_later() -> None:
    """With the id of what the last hub may have heard."""
    driver = held_alone()
    actions = driver.voice(SPEECH_OVER_SPEECH)
    assert of(actions, act.StopReply, act.SendRun) == [act.StopReply(1, keep=False)]
    assert driver.state is State.OFFLINE
    driver.tell(ev.HubOpened)
    assert _phases(driver) == [Phase.PROVISIONAL, Phase.CONFIRMED]
    assert len({told.id for told in driver.interrupts}) == 1


@pytest.mark.parametrize("build", [speaking, held, over, announcing])
def test_a_mute_silences_at_once(build: Callable[[], Driver]) -> None:
    """And nothing of it sounds when the hub comes back."""
    driver = build()
    assert of(driver.tell(ev.HubPaused), act.StopReply)[0] == act.StopReply(driver.conversation.turn, keep=False)
    driver.tell(ev.HubOpened)
    assert (driver.state, driver.reply) == (State.IDLE, None)
