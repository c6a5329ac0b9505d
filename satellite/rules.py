"""The rules that the operator's configuration comes down to. The most specific counts: an utterance, a number, a profile."""

from dataclasses import replace

from satellite.config import BargeIn, Config, Listen, Phases
from satellite.core.burst import BurstRule
from satellite.core.conversation import ConversationRule
from satellite.core.endpoint import EndpointRule
from satellite.core.health import Health
from satellite.core.reflex import ReflexRule
from satellite.core.sensitivity import PROFILES, Sensitivity
from satellite.core.units import Millis


def reflex_rule(barge_in: BargeIn, health: Health) -> ReflexRule:
    """The profile, tuned to what the self-tests say, with the numbers that are set by hand."""
    rule = health.tuned(PROFILES[barge_in.sensitivity].reflex)
    if barge_in.duck_probability is not None:
        rule = replace(rule, duck_probability=barge_in.duck_probability)
    if barge_in.near_end_db is not None:
        rule = replace(rule, near_end_db=barge_in.near_end_db)
    return rule


def own_reflex_rule(sensitivity: Sensitivity | None, health: Health) -> ReflexRule | None:
    """Of an utterance with a sensitivity of its own: that profile, tuned. The numbers set by hand are of the others."""
    return None if sensitivity is None else health.tuned(PROFILES[sensitivity].reflex)


def conversation_rule(config: Config) -> ConversationRule:
    """Of all of it."""
    barge_in = config.barge_in
    return ConversationRule(
        allow_interruptions=barge_in.allow,
        announcement_allow=barge_in.announcement_allow,
        announcement_sensitivity=barge_in.announcement_sensitivity,
        burst=_burst_rule(barge_in),
        endpoint=EndpointRule(silence_ms=Millis(config.listening.silence_ms)),
        preroll_ms=Millis(barge_in.preroll_ms),
        follow_up=config.listening.follow_up,
        follow_up_ms=Millis(config.listening.follow_up_ms),
        tell_provisional=barge_in.interrupt_phases is Phases.BOTH,
        hub_wakes=config.wake.listen is Listen.ALWAYS,
        wake_gate=config.wake.vad_gate,
    )


def _burst_rule(barge_in: BargeIn) -> BurstRule:
    rule = PROFILES[barge_in.sensitivity].burst
    if barge_in.commit_ms is not None:
        rule = replace(rule, commit_ms=Millis(barge_in.commit_ms))
    if barge_in.resume_after_ms is not None:
        rule = replace(rule, quiet_ms=Millis(barge_in.resume_after_ms))
    return rule
