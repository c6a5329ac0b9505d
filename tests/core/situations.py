"""Ordinary conversations, stopped wherever something is different; and everything that may be told of in any of them."""

from collections.abc import Callable
from typing import Any

from satellite.core import events as ev
from satellite.core.conversation import ConversationRule
from satellite.core.events import Deadline, Event
from satellite.core.say import Allow, Say
from satellite.core.state import State
from satellite.core.units import Millis, Probability, frames
from tests.core.driver import BREATH, VOWEL, WINDOW_MS, Driver, position, window

# of no reply that a driver can have got to
NO_TURN = -2
NO_SAY = -3


def opened() -> Driver:
    return Driver().opened()


def just_opened() -> Driver:
    return _then(Driver(), lambda d: d.tell(ev.HubOpened))


def muted() -> Driver:
    return _then(opened(), lambda d: d.tell(ev.HubPaused))


def about_to_sleep() -> Driver:
    """The hub is to wait for the wake word, and has not been asked to."""
    return Driver(ConversationRule(hub_wakes=True)).opened()


def asleep() -> Driver:
    return _then(about_to_sleep(), lambda d: d.silence(WINDOW_MS))


def asleep_behind_the_gate() -> Driver:
    driver = Driver(ConversationRule(hub_wakes=True, wake_gate=True)).opened()
    return _then(driver, lambda d: d.voice(WINDOW_MS), lambda d: d.silence(2000))


def sleepless() -> Driver:
    """The hub could not wait for the wake word."""
    return _then(asleep(), lambda d: d.tell(ev.HubError, code="wake-engine-missing", text=""))


def woken_by_the_hub() -> Driver:
    return _then(asleep(), lambda d: d.tell(ev.HubWoke, name="okay_nabu"))


def woken() -> Driver:
    return _then(opened(), Driver.wake)


def asked_for_the_last_time() -> Driver:
    return _then(woken(), Driver.expire, Driver.ack)


def woken_while_the_hub_cancels() -> Driver:
    return _then(just_opened(), Driver.wake)


def listening() -> Driver:
    return Driver().listening()


def spoken() -> Driver:
    return _then(listening(), lambda d: d.voice(640))


def nearly_finished() -> Driver:
    return _then(spoken(), lambda d: d.silence(672))


def finished_before_the_hub_is_ready() -> Driver:
    return _then(woken(), lambda d: d.voice(640), lambda d: d.silence(704))


def going_on_before_the_hub_is_ready() -> Driver:
    return _then(finished_before_the_hub_is_ready(), lambda d: d.voice(320))


def finished_while_the_hub_cancels() -> Driver:
    return _then(processing(), lambda d: d.wake(), lambda d: d.voice(640), lambda d: d.silence(704))


def finished() -> Driver:
    return _then(nearly_finished(), lambda d: d.silence(WINDOW_MS))


def finished_again() -> Driver:
    return _then(finished(), Driver.expire, Driver.ack, lambda d: d.tell(ev.HubReady))


def processing() -> Driver:
    return Driver().processing()


def half_a_word_while_the_hub_thinks() -> Driver:
    return _then(processing(), lambda d: d.voice(480))


def answered() -> Driver:
    return _then(processing(), lambda d: d.tell(ev.Answered, text="yes"))


def answered_in_doubt() -> Driver:
    """Speech is there, and may be that of the turn before."""
    return _then(answered(), Driver.wake, *_understood(), lambda d: d.tell(ev.AnswerAudio, is_certain=False))


def _understood() -> list[Callable[[Driver], Any]]:
    return [
        lambda d: d.tell(ev.HubReady),
        lambda d: d.tell(ev.Transcript, text="again"),
        lambda d: d.tell(ev.Answered, text="no"),
    ]


def speaking() -> Driver:
    return Driver().speaking()


def speaking_part_of_it() -> Driver:
    return Driver().speaking(total=None)


def thinking_aloud() -> Driver:
    return Driver().thinking_aloud()


def speaking_alone() -> Driver:
    return _then(speaking(), lambda d: d.tell(ev.HubClosed))


def speaking_to_no_interruption() -> Driver:
    return Driver(ConversationRule(allow_interruptions=Allow.NONE)).speaking()


def asking() -> Driver:
    """The answer that plays is a question, and the microphone works."""
    return _then(Driver().speaking(text="which light?"), lambda d: d.silence(WINDOW_MS))


def asked_back() -> Driver:
    return _then(asking(), Driver.end, lambda d: d.tell(ev.HubReady))


def announcing() -> Driver:
    return _then(opened(), lambda d: d.tell(ev.AnnouncementAudio))


def asked_to_say() -> Driver:
    """Two things; the first is being made into speech."""
    return _then(opened(), lambda d: d.ask_to_say(1), lambda d: d.ask_to_say(2))


def asked_to_say_meanwhile() -> Driver:
    """Something was made into speech, and the user was faster."""
    return _then(asked_to_say(), Driver.wake, lambda d: d.tell(ev.SaySpeech, id=1))


def asked_to_say_alone() -> Driver:
    return _then(Driver(), lambda d: d.ask_to_say(1))


def asked_to_say_while_speaking() -> Driver:
    return _then(speaking(), lambda d: d.ask_to_say(1))


def saying() -> Driver:
    return Driver().saying()


def saying_part_of_it() -> Driver:
    return Driver().saying(total=None)


def held_saying() -> Driver:
    return _then(saying(), lambda d: d.wait(1000), Driver.hold)


def announcing_while_speaking() -> Driver:
    """Something was announced over the reply, and waits."""
    return _then(speaking(), lambda d: d.tell(ev.AnnouncementAudio, id=-1))


def ringing() -> Driver:
    """A timer has run out."""
    return _then(opened(), lambda d: d.ring())


def ringing_held_for_a_word() -> Driver:
    return _then(ringing(), lambda d: d.wait(1000), Driver.hold, lambda d: d.voice(480), lambda d: d.silence(320))


def ringing_alone_held_for_a_word() -> Driver:
    return _then(ringing_held_for_a_word(), lambda d: d.tell(ev.HubClosed))


def ringing_muted() -> Driver:
    """The hub has muted us, and a timer has run out."""
    return _then(muted(), lambda d: d.ring())


def asked_to_say_muted() -> Driver:
    return _then(muted(), lambda d: d.ask_to_say(1))


def asleep_and_asked_to_say() -> Driver:
    return _then(asleep(), lambda d: d.ask_to_say(1))


def held() -> Driver:
    return Driver().held()


def held_for_a_cough() -> Driver:
    return _then(held(), lambda d: d.cough(128), lambda d: d.silence(320))


def held_for_half_a_word() -> Driver:
    return _then(held(), lambda d: d.voice(480))


def held_for_ever() -> Driver:
    """A murmur that never ends and never makes a word."""
    return _then(held(), lambda d: [d.voice(WINDOW_MS, p, BREATH) for p in (0.9, *8 * (0.4,)) * 10])


def held_alone() -> Driver:
    return _then(held(), lambda d: d.tell(ev.HubClosed))


def held_alone_for_half_a_word() -> Driver:
    return _then(held_for_half_a_word(), lambda d: d.tell(ev.HubClosed))


def over() -> Driver:
    return Driver().over()


def over_for_a_cough() -> Driver:
    return _then(over(), lambda d: d.silence(320))


def interrupted() -> Driver:
    """A whole reply was interrupted for words, which the hub hears."""
    return _then(held(), lambda d: d.voice(512), lambda d: d.tell(ev.HubReady))


def interrupted_and_finished() -> Driver:
    return _then(interrupted(), lambda d: d.silence(704))


def _then(driver: Driver, *deeds: Callable[[Driver], Any]) -> Driver:
    for deed in deeds:
        deed(driver)
    return driver


SITUATIONS: dict[Callable[[], Driver], State] = {
    Driver: State.OFFLINE,
    just_opened: State.IDLE,
    opened: State.IDLE,
    about_to_sleep: State.IDLE,
    asleep: State.IDLE,
    asleep_behind_the_gate: State.IDLE,
    sleepless: State.IDLE,
    woken_by_the_hub: State.LISTENING,
    muted: State.MUTED,
    woken: State.LISTENING,
    asked_for_the_last_time: State.LISTENING,
    woken_while_the_hub_cancels: State.LISTENING,
    listening: State.LISTENING,
    spoken: State.LISTENING,
    nearly_finished: State.LISTENING,
    interrupted: State.LISTENING,
    asked_back: State.LISTENING,
    finished: State.PROCESSING,
    finished_again: State.PROCESSING,
    finished_before_the_hub_is_ready: State.PROCESSING,
    going_on_before_the_hub_is_ready: State.PROCESSING,
    finished_while_the_hub_cancels: State.PROCESSING,
    interrupted_and_finished: State.PROCESSING,
    processing: State.PROCESSING,
    half_a_word_while_the_hub_thinks: State.PROCESSING,
    answered: State.PROCESSING,
    answered_in_doubt: State.PROCESSING,
    speaking: State.SPEAKING,
    speaking_part_of_it: State.SPEAKING,
    thinking_aloud: State.SPEAKING,
    speaking_alone: State.SPEAKING,
    speaking_to_no_interruption: State.SPEAKING,
    asking: State.SPEAKING,
    announcing: State.SPEAKING,
    asked_to_say: State.IDLE,
    asked_to_say_alone: State.OFFLINE,
    asleep_and_asked_to_say: State.IDLE,
    asked_to_say_meanwhile: State.LISTENING,
    asked_to_say_while_speaking: State.SPEAKING,
    announcing_while_speaking: State.SPEAKING,
    ringing: State.SPEAKING,
    ringing_held_for_a_word: State.HELD,
    ringing_alone_held_for_a_word: State.HELD,
    ringing_muted: State.SPEAKING,
    asked_to_say_muted: State.MUTED,
    saying: State.SPEAKING,
    saying_part_of_it: State.SPEAKING,
    held_saying: State.HELD,
    held: State.HELD,
    held_for_a_cough: State.HELD,
    held_for_half_a_word: State.HELD,
    held_for_ever: State.HELD,
    held_alone: State.HELD,
    held_alone_for_half_a_word: State.HELD,
    over: State.HELD,
    over_for_a_cough: State.HELD,
}
"""How to get there, and the state that it is in."""


def events(driver: Driver) -> list[Event]:
    """Everything that may be told next, of the reply that is there and of one that is not."""
    at, turn = Millis(driver.at), driver.reply.turn if driver.reply else -1
    end = frames(driver.at + WINDOW_MS)
    return [
        *(window(driver.at + WINDOW_MS, WINDOW_MS, probability, VOWEL) for probability in (0.01, 0.4, 0.9)),
        ev.WakeHeard(at, "okay_nabu", end),
        *(ev.StopWordHeard(at, "stop", stop) for stop in (end, frames(driver.at + 10_000))),
        ev.HubWoke(at, "okay_nabu"),
        ev.MicrophoneStalled(at),
        *(kind(at) for kind in (ev.MicrophoneLost, ev.SpeakerLost, ev.AudioLost)),
        *(ev.Held(at, t, end, at, Probability(0.9), position(100, 200)) for t in (turn, NO_TURN)),
        *(ev.ReplyEnded(at, t, position(200, 200, 200), over) for t in (turn, NO_TURN) for over in (None, end)),
        *(kind(at) for kind in (ev.HubOpened, ev.HubClosed, ev.HubPaused, ev.HubReady, ev.HubHeardEnd)),
        *(ev.Transcript(at, text) for text in ("hello", "")),
        ev.Answered(at, "hello yourself"),
        *(ev.AnswerAudio(at, is_certain) for is_certain in (True, False)),
        *(ev.AnnouncementAudio(at, may_be_rest) for may_be_rest in (False, True)),
        ev.AnswerComplete(at, Millis(3000)),
        *(ev.HubError(at, code, "") for code in ("validation-error", "stt-no-text-recognized", "intent-failed")),
        *(ev.HubError(at, code, "") for code in ("server-lost", "speech-lost")),
        ev.NothingToSay(at),
        ev.ListenAsked(at, end),
        ev.StopAsked(at, position(100, 200)),
        *(ev.SayAsked(at, Say(0, id=3, is_announcement=is_announcement)) for is_announcement in (False, True)),
        *(ev.SaySpeech(at, id) for id in (1, NO_SAY)),
        *(ev.SayComplete(at, id, Millis(3000)) for id in (1, NO_SAY)),
        *(ev.SayFailed(at, id) for id in (1, NO_SAY)),
        *(ev.SayWithdrawn(at, id) for id in (1, 2, NO_SAY)),
        *(ev.ReplyCancelled(at, t, position(100, 200)) for t in (turn, NO_TURN)),
        *(ev.DeadlineReached(at, kind) for kind in Deadline),
        ev.ShuttingDown(at),
    ]
