"""How other systems decide that somebody talks over a reply, each with its source's own numbers.

They are judged on a trace: the reply plays on whatever they say, and a rule that has stopped it starts afresh a second later.
What needs a reply that yields is in `bench/probe.py`.
"""

from satellite.bench.rules.echo_guard import ECHO_GUARD, ENERGY
from satellite.bench.rules.livekit import LIVEKIT, LIVEKIT_BUILT_IN
from satellite.bench.rules.pipecat import PIPECAT, PIPECAT_BEFORE
from satellite.bench.rules.rule import AFRESH_FRAMES, Rule, Yields
from satellite.bench.rules.voice import LEVEL_GATE, MIN_SPEECH, MIN_SPEECH_WITH_PAUSES, ONE_WINDOW, ONE_WINDOW_RAW

RULES = (
    ONE_WINDOW,
    ONE_WINDOW_RAW,
    MIN_SPEECH,
    MIN_SPEECH_WITH_PAUSES,
    PIPECAT,
    PIPECAT_BEFORE,
    LIVEKIT,
    LIVEKIT_BUILT_IN,
    LEVEL_GATE,
    ECHO_GUARD,
    ENERGY,
)

__all__ = ["AFRESH_FRAMES", "RULES", "Rule", "Yields"]
