"""Local endpointing: has the user finished speaking? The hub's own detector may be first."""

from dataclasses import dataclass, replace

from satellite.core.burst import ACTIVE_PROBABILITY
from satellite.core.events import VoiceWindow
from satellite.core.units import Frames, Millis, Probability, frames, millis

# so far below the threshold a window is silence; between the two nothing changes (hysteresis as the detector's authors have it)
HYSTERESIS = 0.15


@dataclass(frozen=True, slots=True)
class EndpointRule:
    """What is speech, how much of it makes an utterance, and how much silence ends it."""

    # the detector's own middle
    threshold: Probability = Probability(ACTIVE_PROBABILITY)
    # a click or a breath is shorter
    speech_ms: Millis = Millis(200)
    # Home Assistant's default detector waits as long, so neither cuts the other short
    silence_ms: Millis = Millis(700)


@dataclass(frozen=True, slots=True)
class Endpointer:
    """What has been heard of one utterance so far."""

    speech: int = 0
    silence: int = 0
    spoken_until: Frames = Frames(0)
    """Where its last speech ended."""

    def add(self, window: VoiceWindow, rule: EndpointRule) -> "Endpointer":
        """With one more window."""
        if window.probability >= rule.threshold:
            return Endpointer(self.speech + window.length, 0, window.end)
        if window.probability < rule.threshold - HYSTERESIS:
            return replace(self, silence=self.silence + window.length)
        return self

    def after(self, last: "Endpointer") -> "Endpointer":
        """Of the utterance that follows another, which may have been sent: where that ended is not forgotten."""
        return replace(self, spoken_until=max(self.spoken_until, last.spoken_until))

    def has_speech(self, rule: EndpointRule) -> bool:
        """Whether anything was said."""
        return self.speech >= frames(rule.speech_ms)

    def is_in_pause(self, rule: EndpointRule, pause_ms: Millis) -> bool:
        """Whether something was said, and so much silence has followed."""
        return self.has_speech(rule) and millis(self.silence) >= pause_ms

    def has_ended(self, rule: EndpointRule) -> bool:
        """Whether something was said and silence followed."""
        return self.is_in_pause(rule, rule.silence_ms)
