"""What a satellite hears by: the detectors, the canceller and the wake words that its configuration asks for."""

from collections.abc import Callable

from satellite.audio.engine import AudioEngine
from satellite.config import Config, WakeEngine
from satellite.core.reflex import ReflexRule
from satellite.detect.micro_wake import MicroEngine
from satellite.detect.near_end import NearEnd
from satellite.detect.open_wake import OpenEngine
from satellite.detect.silero import SileroVad
from satellite.detect.voicing import voicing
from satellite.detect.wake import WakeWords
from satellite.detect.wake_engine import MakeEngine
from satellite.shaping import canceller_for, shape_for

ENGINES: dict[WakeEngine, MakeEngine] = {WakeEngine.MICRO: MicroEngine, WakeEngine.OPEN: OpenEngine}
"""That find wake words."""


def engine_for(config: Config, wake_words: WakeWords, rule: ReflexRule, clock: Callable[[], float]) -> AudioEngine:
    """Hears for these wake words, and decides by that rule. ConfigError for a model that cannot be used."""
    audio = config.audio
    detectors = canceller_for(audio), SileroVad(config.vad.model_path), NearEnd(), voicing
    return AudioEngine(*detectors, rule, clock, audio.queue_ms, wake_words.feed, shape_for(audio), audio.microphone_gain_db)
