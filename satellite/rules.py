"""The rules that the operator's configuration comes down to. The most specific counts: an utterance, a number, a profile."""

from dataclasses import replace

from satellite.config import BargeIn, Config, Listen, Mode, Phases
from satellite.core.burst import BurstRule
from satellite.core.conversation import ConversationRule
from satellite.core.endpoint import EndpointRule
from satellite.core.health import Health
from satellite.core.preemptive import Preemptive
from satellite.core.reflex import ReflexRule
from satellite.core.sensitivity import PROFILES, Sensitivity
from satellite.core.units import Millis, Probability
from satellite.detect.wake_engine import WakeWordSettings


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
        endpoint=_endpoint_rule(config),
        preroll_ms=Millis(barge_in.preroll_ms),
        follow_up=config.listening.follow_up,
        follow_up_ms=Millis(config.listening.follow_up_ms),
        tell_provisional=barge_in.interrupt_phases is Phases.BOTH,
        hub_wakes=config.wake.listen is Listen.ALWAYS,
        wake_gate=config.wake.vad_gate,
        tells_pauses=config.mode is Mode.STANDALONE and config.dialog.preemptive is not Preemptive.NEVER,
        # a hub that did not take an utterance is sent it once more; how often servers are is the operator's choice
        attempts=2 if config.mode is Mode.HUB else 1 + config.servers.retries,
    )


def _burst_rule(barge_in: BargeIn) -> BurstRule:
    rule = PROFILES[barge_in.sensitivity].burst
    if barge_in.commit_ms is not None:
        rule = replace(rule, commit_ms=Millis(barge_in.commit_ms))
    if barge_in.resume_after_ms is not None:
        rule = replace(rule, quiet_ms=Millis(barge_in.resume_after_ms))
    return rule


def _endpoint_rule(config: Config) -> EndpointRule:
    listening = config.listening
    threshold = Probability(config.vad.threshold)
    return EndpointRule(threshold, Millis(listening.speech_ms), Millis(listening.silence_ms))


def wake_word_settings(config: Config) -> list[WakeWordSettings]:
    """What is listened for here: stop words are, also where others find the wake words."""
    wakes = () if config.wake.is_remote else config.wake.each
    return [
        WakeWordSettings(word.name, word.threshold, Millis(word.refractory_ms), word.model_path, is_stop)
        for words, is_stop in ((wakes, False), (config.barge_in.each_stop_word, True))
        for word in words
    ]
