"""Local endpointing: when the user has finished."""

import pytest

from satellite.core.endpoint import Endpointer, EndpointRule
from satellite.core.events import VoiceWindow
from satellite.core.units import Frames, Millis, Probability, frames

RULE = EndpointRule()


def _after(*stretches: tuple[int, float], rule: EndpointRule = RULE) -> Endpointer:
    """Windows of 20 ms of these probabilities, each for so many milliseconds."""
    endpointer = Endpointer()
    for ms, probability in stretches:
        for _ in range(ms // 20):
            endpointer = endpointer.add(VoiceWindow(Millis(0), Frames(0), frames(20), Probability(probability)), rule)
    return endpointer


def test_an_utterance_is_speech_and_then_silence() -> None:
    """Neither too early nor too late, by a window."""
    assert not _after((RULE.speech_ms, 0.9), (RULE.silence_ms - 20, 0.0)).has_ended(RULE)
    assert _after((RULE.speech_ms, 0.9), (RULE.silence_ms, 0.0)).has_ended(RULE)


def test_silence_alone_ends_nothing() -> None:
    """The user has not begun."""
    assert not _after((10_000, 0.0)).has_ended(RULE)


def test_a_click_is_no_utterance() -> None:
    """Less speech than any word has."""
    assert not _after((RULE.speech_ms - 20, 0.9), (5000, 0.0)).has_ended(RULE)


def test_speech_in_pieces_adds_up() -> None:
    """A hesitant beginning is a beginning."""
    assert _after((100, 0.9), (300, 0.0), (100, 0.9)).has_speech(RULE)


def test_speech_starts_the_silence_anew() -> None:
    """A pause inside a sentence is shorter than its end."""
    assert not _after((400, 0.9), (680, 0.0), (20, 0.9), (680, 0.0)).has_ended(RULE)


@pytest.mark.parametrize("probability", [0.35, 0.42, 0.499])
def test_between_silence_and_speech_nothing_changes(probability: float) -> None:
    """Hysteresis: a faint vowel neither ends an utterance nor keeps it open."""
    before = _after((400, 0.9), (300, 0.0))
    assert _after((400, 0.9), (300, 0.0), (400, probability)) == before


@pytest.mark.parametrize(("probability", "ends"), [(0.349, True), (0.35, False)])
def test_the_lower_edge_is_silence_below_it(probability: float, ends: bool) -> None:
    """As the detector's authors have it."""
    assert _after((400, 0.9), (700, probability)).has_ended(RULE) is ends


def test_the_threshold_is_the_rules() -> None:
    """A strict one takes a murmur for silence, and a lax one for speech."""
    strict, lax = (EndpointRule(threshold=Probability(threshold)) for threshold in (0.8, 0.3))
    assert not _after((1000, 0.6), rule=strict).has_speech(strict)
    assert _after((1000, 0.4), rule=lax).has_speech(lax)
    assert _after((1000, 0.9), (strict.silence_ms, 0.6), rule=strict).has_ended(strict)


def test_a_pause_is_shorter_than_an_end() -> None:
    """And there is none before anything was said."""
    assert _after((RULE.speech_ms, 0.9), (240, 0.0)).is_in_pause(RULE, Millis(240))
    assert not _after((RULE.speech_ms, 0.9), (220, 0.0)).is_in_pause(RULE, Millis(240))
    assert not _after((1000, 0.0)).is_in_pause(RULE, Millis(240))
