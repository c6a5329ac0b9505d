"""The profiles: each asks for more than the one before it, and no user is missed by any."""

from dataclasses import asdict

import pytest

from satellite.core import actions as act
from satellite.core import events as ev
from satellite.core.burst import Burst, BurstRule, Judgement
from satellite.core.conversation import ConversationRule
from satellite.core.reflex import ReflexRule, Verdict
from satellite.core.say import Allow
from satellite.core.sensitivity import PROFILES, Sensitivity
from satellite.core.state import State
from satellite.core.units import Decibels, Millis, Probability, frames
from tests.core.driver import WINDOW_MS, Driver
from tests.core.levels import Voice, listen, when

QUIET, NORMAL, NOISY = Sensitivity


def test_normal_is_what_was_measured() -> None:
    """The rules' own numbers."""
    assert (PROFILES[NORMAL].reflex, PROFILES[NORMAL].burst) == (ReflexRule(), BurstRule())


@pytest.mark.parametrize(("softer", "harder"), [(QUIET, NORMAL), (NORMAL, NOISY)])
def test_a_noisier_home_asks_for_more_of_everything_it_asks_otherwise(softer: Sensitivity, harder: Sensitivity) -> None:
    """No number goes the other way."""
    for easy, hard in ((PROFILES[softer].reflex, PROFILES[harder].reflex), (PROFILES[softer].burst, PROFILES[harder].burst)):
        numbers = asdict(hard)  # type: ignore[call-overload]
        assert all(numbers[name] >= value for name, value in asdict(easy).items() if not isinstance(value, dict))  # type: ignore[call-overload]


@pytest.mark.parametrize("sensitivity", Sensitivity)
def test_a_reply_goes_on_soon_after_a_cough(sensitivity: Sensitivity) -> None:
    """Within 700 ms of its end: two windows of the detector and the speaker's queue (40 ms) take some of them."""
    assert PROFILES[sensitivity].burst.quiet_ms + 2 * WINDOW_MS + 40 <= 700


@pytest.mark.parametrize(
    ("probability", "ducks_in"), [(0.2, set()), (0.27, {QUIET}), (0.36, {QUIET, NORMAL}), (0.5, {QUIET, NORMAL, NOISY})]
)
def test_how_likely_a_voice_must_be(probability: float, ducks_in: set[Sensitivity]) -> None:
    """Too soft for the near-end detector, so that the voice detector decides."""
    voice = Voice(2000, 600, -20.5, probability=probability)
    assert {s for s in Sensitivity if when(listen(3000, voice, rule=PROFILES[s].reflex), Verdict.DUCK)} == ducks_in


@pytest.mark.parametrize("ser_db", [0.0, -10.0, -15.0])
@pytest.mark.parametrize("sensitivity", Sensitivity)
def test_a_user_is_held_in_every_home(sensitivity: Sensitivity, ser_db: float) -> None:
    """Also one of whom the canceller leaves nothing."""
    for probability in (0.9, 0.02):
        story = listen(3000, Voice(2000, 1000, ser_db, probability=probability), rule=PROFILES[sensitivity].reflex)
        (duck,), (held,) = when(story, Verdict.DUCK), when(story, Verdict.HOLD)
        assert 2000 < duck <= 2100 and held - duck <= 250


@pytest.mark.parametrize(
    ("ms", "words_in"), [(384, set()), (416, {QUIET}), (512, {QUIET, NORMAL}), (704, {QUIET, NORMAL, NOISY})]
)
def test_how_long_a_voice_must_be(ms: int, words_in: set[Sensitivity]) -> None:
    """To be words before it is over."""
    burst = Burst()
    for end_ms in range(WINDOW_MS, ms + 1, WINDOW_MS):
        length = frames(WINDOW_MS)
        burst = burst.add(ev.VoiceWindow(Millis(end_ms), frames(end_ms), length, Probability(0.9), 0.8, Decibels(-30.0)))
    assert {s for s in Sensitivity if burst.judge(PROFILES[s].burst) is Judgement.WORDS} == words_in


# ---- of one utterance


def _announcing(rule: ConversationRule) -> Driver:
    driver = Driver(rule).opened()
    driver.tell(ev.AnnouncementAudio)
    driver.wait(1000)
    driver.hold()
    return driver


def test_an_utterance_is_judged_by_its_own_profile() -> None:
    """And the speaker is told it; an answer is judged by the deployment's."""
    rule = ConversationRule(announcement_sensitivity=NOISY)
    driver = _announcing(rule)
    assert driver.wanted(act.Play) == [act.Play(1, Allow.SPEECH, NOISY)]
    driver.voice(608)
    assert driver.is_in(State.HELD)
    driver.voice(128)
    assert driver.is_in(State.LISTENING)
    driver = Driver(rule).held()
    assert driver.wanted(act.Play) == [act.Play(1, Allow.SPEECH)]
    driver.voice(512)
    assert driver.is_in(State.LISTENING)


def test_a_cough_over_an_utterance_is_over_by_its_own_profile() -> None:
    """Sooner in a quiet home; a hold that is due is asked by it too."""
    quiet, noisy = (_announcing(ConversationRule(announcement_sensitivity=s)) for s in (QUIET, NOISY))
    for driver in (quiet, noisy):
        driver.cough(192)
        driver.silence(320)
    assert (quiet.state, noisy.state) == (State.SPEAKING, State.HELD)
    noisy.silence(128)
    assert noisy.is_in(State.SPEAKING)


@pytest.mark.parametrize(("own", "expected"), [(None, Allow.WAKE_WORD), (Allow.NONE, Allow.NONE), (Allow.SPEECH, Allow.SPEECH)])
def test_an_announcement_may_have_a_policy_of_its_own(own: Allow | None, expected: Allow) -> None:
    """Or that of answers."""
    driver = Driver(ConversationRule(allow_interruptions=Allow.WAKE_WORD, announcement_allow=own)).opened()
    driver.tell(ev.AnnouncementAudio)
    assert driver.wanted(act.Play) == [act.Play(1, expected)]
