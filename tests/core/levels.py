"""A room in decibels: a reply, its echo, somebody who talks over it, and the reflex that turns the reply down.

Levels only, one a period. What the detector says is part of the story, so the reflex is tested and not the detector. The
echo left by the canceller does not fall when the reply is ducked, as measured; the raw microphone's does.
"""

import math
import random
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

from satellite.core.reflex import Observation, Reflex, ReflexRule, Verdict, step
from satellite.core.units import PERIOD_FRAMES, PERIOD_MS, Decibels, Frames, Millis, Probability, millis

# the voice detector's window
WINDOW_FRAMES = 512

REPLY_DB, NOISE_DB, DUCK_DB = -18.0, -65.0, -20.0

# what the room takes from the reply on its way to the microphone, and the canceller from that
ECHO_LOSS_DB, ERLE_DB = 7.0, 30.0

# of the room's tail below the direct sound, and how fast it dies
TAIL_DB, TAIL_DECAY_DB = -18.0, 2.0


@dataclass(frozen=True, slots=True)
class Voice:
    """Somebody speaks: from when, how long, and how loud beside the echo."""

    at_ms: int
    for_ms: int
    ser_db: float
    probability: float = 0.9

    def sounds(self, at_ms: int) -> bool:
        return self.at_ms < at_ms <= self.at_ms + self.for_ms


@dataclass(frozen=True, slots=True)
class Heard:
    """One period: what the reflex saw, what it became, and what it wanted."""

    seen: Observation
    reflex: Reflex
    verdict: Verdict

    @property
    def at_ms(self) -> int:
        return millis(self.seen.end)


@cache
def listen(
    for_ms: int,
    *voices: Voice,
    echo_probability: float = 0.02,
    reply_ms: int | None = None,
    loop_ms: int = 60,
    louder_from_ms: int | None = None,
    erle_fails: bool = False,
    rule: ReflexRule | None = None,
    seed: int = 1,
) -> tuple[Heard, ...]:
    """A reply, and what the reflex makes of it. It plays on when it is held, so that what comes after can be seen."""
    rule, dice = rule or ReflexRule(), random.Random(seed)
    reflex, story = Reflex(), []
    tail, ducked_since = 0.0, None
    ducks: list[bool] = []
    for n in range(1, for_ms // PERIOD_MS + 1):
        at_ms, end = n * PERIOD_MS, Frames(n * PERIOD_FRAMES)
        ducks.append(ducked_since is not None)
        is_ducked = len(ducks) > loop_ms // PERIOD_MS and ducks[-1 - loop_ms // PERIOD_MS]
        emitted = REPLY_DB + _prosody(at_ms, dice)
        played = emitted + (DUCK_DB if is_ducked else 0.0)
        loss = ECHO_LOSS_DB - (10.0 if louder_from_ms is not None and at_ms >= louder_from_ms else 0.0)
        tail = (tail + _power(played + TAIL_DB)) * _power(-TAIL_DECAY_DB)
        echo = _db(_power(played) + tail) - loss
        # every three seconds the canceller loses the echo for a moment
        erle = ERLE_DB - (20.0 if erle_fails and at_ms % 3000 < 150 else 0.0) + dice.gauss(0.0, 3.0)
        present = [v for v in voices if v.sounds(at_ms)]
        user = _db(sum(_power(REPLY_DB - ECHO_LOSS_DB + v.ser_db + _prosody(at_ms + 90, dice)) for v in present))
        noise = NOISE_DB + dice.gauss(0.0, 1.0)
        probability = max([v.probability for v in present], default=echo_probability)
        seen = Observation(
            end=end,
            probability=Probability(probability) if end // WINDOW_FRAMES > (end - PERIOD_FRAMES) // WINDOW_FRAMES else None,
            mic_db=Decibels(_db(_power(echo) + _power(user) + _power(noise))),
            clean_db=Decibels(_db(_power(emitted - loss - erle) + _power(user) + _power(noise))),
            reference_db=Decibels(played),
            is_ducked=is_ducked,
            is_playing=True,
            remaining_ms=None if reply_ms is None else Millis(max(reply_ms - at_ms, 0)),
            is_converging=False,
        )
        reflex, verdict = step(reflex, seen, rule)
        story.append(Heard(seen, reflex, verdict))
        if verdict is Verdict.DUCK:
            ducked_since = at_ms
        elif verdict is Verdict.UNDUCK:
            ducked_since = None
    return tuple(story)


def when(story: Sequence[Heard], verdict: Verdict) -> list[int]:
    """The times at which it was given."""
    return [heard.at_ms for heard in story if heard.verdict is verdict]


def _prosody(at_ms: int, dice: random.Random) -> float:
    """Syllables, four a second, and the jitter of the pitch."""
    return 6.0 * math.sin(2.0 * math.pi * at_ms / 250.0) + dice.gauss(0.0, 1.5)


def _power(level_db: float) -> float:
    return float(10.0 ** (level_db / 10.0))


def _db(power: float) -> float:
    return 10.0 * math.log10(power) if power > 0.0 else -120.0
