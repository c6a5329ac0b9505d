"""What the configuration comes down to."""

from dataclasses import replace

import pytest

from satellite.config import BargeIn, Config
from satellite.core.burst import BurstRule
from satellite.core.conversation import ConversationRule
from satellite.core.health import Health, Margin
from satellite.core.reflex import ReflexRule
from satellite.core.say import Allow
from satellite.core.sensitivity import PROFILES, Sensitivity
from satellite.core.units import Millis
from satellite.rules import conversation_rule, own_reflex_rule, reflex_rule

# a speaker that rattles, and a canceller that lets through
RATTLING = Health(sound=Margin(raised_db=3.0), voice=Margin(raised_db=1.0))


def test_without_a_word_of_the_operators_the_rules_are_their_own() -> None:
    """Each default is written in one place."""
    assert conversation_rule(Config()) == ConversationRule()
    assert reflex_rule(BargeIn(), Health()) == ReflexRule()
    assert own_reflex_rule(None, RATTLING) is None


@pytest.mark.parametrize("sensitivity", Sensitivity)
def test_a_sensitivity_is_its_profile(sensitivity: Sensitivity) -> None:
    """Tuned to the devices."""
    barge_in, profile = BargeIn(sensitivity=sensitivity), PROFILES[sensitivity]
    assert reflex_rule(barge_in, Health()) == profile.reflex
    assert reflex_rule(barge_in, RATTLING) == RATTLING.tuned(profile.reflex) == own_reflex_rule(sensitivity, RATTLING)
    assert conversation_rule(Config(barge_in=barge_in)).burst == profile.burst


def test_a_number_counts_more_than_the_profile() -> None:
    """The others stay the profile's."""
    barge_in = BargeIn(sensitivity=Sensitivity.NOISY, duck_probability=0.6, commit_ms=900, resume_after_ms=600)
    profile = PROFILES[Sensitivity.NOISY]
    assert reflex_rule(barge_in, Health()) == replace(profile.reflex, duck_probability=0.6)
    expected = replace(profile.burst, commit_ms=Millis(900), quiet_ms=Millis(600))
    assert conversation_rule(Config(barge_in=barge_in)).burst == expected


def test_a_near_end_threshold_that_is_set_by_hand_is_not_tuned() -> None:
    """The voice margin is, which nobody has set."""
    rule = reflex_rule(BargeIn(near_end_db=18.0), RATTLING)
    assert rule == replace(ReflexRule(), near_end_db=18.0, duck_margin_db=ReflexRule().duck_margin_db + 1.0)


def test_announcements_may_be_otherwise() -> None:
    """Than answers."""
    barge_in = BargeIn(allow=Allow.WAKE_WORD, announcement_allow=Allow.NONE, announcement_sensitivity=Sensitivity.QUIET)
    rule = conversation_rule(Config(barge_in=barge_in))
    assert (rule.allow_interruptions, rule.announcement_allow) == (Allow.WAKE_WORD, Allow.NONE)
    assert (rule.burst, rule.announcement_sensitivity) == (BurstRule(), Sensitivity.QUIET)
