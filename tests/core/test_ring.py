"""A timer rings: whatever is said over it ends it, and only what is longer than that is a command."""

import pytest

from satellite.core import actions as act
from satellite.core import events as ev
from satellite.core.conversation import ConversationRule
from satellite.core.say import Allow, SayState
from satellite.core.state import State, Why
from satellite.core.units import Millis
from tests.core.driver import Driver, of, why
from tests.core.situations import listening, muted, opened, ringing, ringing_muted, speaking


def _held() -> Driver:
    driver = ringing()
    driver.wait(1000)
    driver.hold()
    return driver


def _is_over(driver: Driver) -> SayState | None:
    return next((over.state for over in driver.wanted(act.SayOver) if over.id == 7), None)


@pytest.mark.parametrize("word_ms", [160, 480, 960, 1440])
def test_a_word_ends_it_and_is_no_command(word_ms: int) -> None:
    """From "stop" to "stop it please": nobody answers."""
    driver = _held()
    driver.voice(word_ms)
    assert driver.is_in(State.HELD)
    actions = driver.silence(400)
    assert driver.is_in(State.IDLE) and why(driver) is Why.INTERRUPTED and _is_over(driver) is SayState.INTERRUPTED
    assert of(actions, act.SendRun, act.StreamMic, act.SendDetection) == []


def test_whoever_talks_on_over_it_has_a_command() -> None:
    """ "Set another timer, for five minutes": none of it is lost."""
    driver = _held()
    driver.voice(1536)
    assert driver.is_in(State.LISTENING) and _is_over(driver) is SayState.INTERRUPTED


def test_a_cough_does_not_end_it() -> None:
    """It goes on."""
    driver = _held()
    driver.cough(128)
    driver.silence(400)
    assert driver.is_in(State.SPEAKING) and _is_over(driver) is None


@pytest.mark.parametrize("end", [Driver.wake, Driver.stop_word, lambda d: d.tell(ev.StopAsked), lambda d: d.end()])
def test_a_word_a_button_or_its_limit_end_it(end: object) -> None:
    """Each of them, at once."""
    driver = ringing()
    end(driver)  # type: ignore[operator]
    assert _is_over(driver) is not None and not driver.is_in(State.SPEAKING)


def test_the_hub_may_cancel_it() -> None:
    """By its timer's name, whether it has begun to ring or waits to."""
    driver = ringing()
    driver.tell(ev.ReplyCancelled, turn=driver.reply.turn, position=None)
    assert _is_over(driver) is SayState.CANCELLED
    driver = speaking()
    driver.ring()
    driver.tell(ev.SayWithdrawn, id=7)
    assert _is_over(driver) is SayState.CANCELLED and driver.conversation.says == ()


@pytest.mark.parametrize("build", [listening, speaking])
def test_it_waits_for_the_end_of_a_turn(build: object) -> None:
    """The user has the floor, or is listening."""
    driver: Driver = build()  # type: ignore[operator]
    driver.ring()
    assert driver.reply is None or not driver.reply.is_ring
    driver.tell(ev.StopAsked)
    driver.ack()
    assert driver.is_in(State.SPEAKING) and driver.reply.is_ring


def test_it_rings_without_a_hub() -> None:
    """The timer was set; who set it may be away."""
    driver = Driver()
    driver.ring()
    assert driver.is_in(State.SPEAKING)
    driver.wait(1000)
    driver.hold()
    driver.voice(320)
    driver.silence(400)
    assert driver.is_in(State.OFFLINE)


def test_it_rings_while_the_hub_has_muted_us_and_we_are_muted_after_it() -> None:
    """The microphone is off, the loudspeaker is not."""
    driver = ringing_muted()
    assert driver.is_in(State.SPEAKING)
    driver.tell(ev.StopAsked)
    assert driver.is_in(State.MUTED)
    driver.tell(ev.HubOpened)
    assert driver.is_in(State.IDLE)


def test_a_hub_that_muted_us_and_goes_while_it_rings_leaves_us_offline() -> None:
    """There is nobody left who could unmute us."""
    driver = ringing_muted()
    driver.tell(ev.HubClosed)
    driver.end()
    assert driver.is_in(State.OFFLINE)


def test_what_a_program_wants_said_is_said_while_muted() -> None:
    """As above."""
    driver = muted()
    driver.ask_to_say(1)
    driver.tell(ev.SaySpeech, id=1)
    assert driver.is_in(State.SPEAKING)
    driver.end()
    assert driver.is_in(State.MUTED)


def test_where_nothing_may_interrupt_a_wake_word_still_ends_a_ring() -> None:
    """Nobody wants to listen to it for a quarter of an hour."""
    driver = Driver(ConversationRule(allow_interruptions=Allow.NONE)).opened()
    driver.ring()
    assert driver.wanted(act.Play)[-1].allow_interruptions is Allow.WAKE_WORD


def test_a_conversation_is_begun_by_saying_something_and_listening() -> None:
    """Whatever was said; without a microphone nobody is listened to."""
    driver = opened()
    driver.ask_to_say(1, text="Dinner is ready.", listens=True)
    driver.tell(ev.SaySpeech, id=1)
    driver.tell(ev.SayComplete, id=1, total=Millis(1000))
    driver.silence(320)
    driver.end()
    assert driver.is_in(State.LISTENING) and why(driver) is Why.FOLLOW_UP
