"""A room in decibels: a reply, its echo, somebody who talks over it, and the reflex that turns the reply down.

Levels only, one a period. What the detectors say is part of the story, so the reflex is tested and not the detectors. The
echo left by the canceller does not fall when the reply is ducked, as measured; the raw microphone's does, which is why the
near-end detector, once calibrated, finds nothing in it.
"""

import math
import random
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

from satellite.core.echo import NEAR_END_DB, Excess
from satellite.core.reflex import Observation, Reflex, ReflexRule, Verdict, step
from satellite.core.units import PERIOD_FRAMES, PERIOD_MS, Decibels, Frames, Millis, Probability, millis

# the voice detector's window
WINDOW_FRAMES = 512

REPLY_DB, NOISE_DB, DUCK_DB = -18.0, -65.0, -20.0

# what the room takes from the reply on its way to the microphone, and the canceller from that
ECHO_LOSS_DB, ERLE_DB = 7.0, 30.0


@dataclass(frozen=True, slots=True)
class Voice:
    """Somebody speaks: from when, how long, and how loud beside the echo."""

    at_ms: int
    for_ms: int
    ser_db: float
    probability: float = 0.9
    voicing: float = 0.7

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
    ducked_since, knows_louder_path = None, False
    ducks: list[bool] = []
    for n in range(1, for_ms // PERIOD_MS + 1):
        at_ms, end = n * PERIOD_MS, Frames(n * PERIOD_FRAMES)
        ducks.append(ducked_since is not None)
        is_ducked = len(ducks) > loop_ms // PERIOD_MS and ducks[-1 - loop_ms // PERIOD_MS]
        emitted = REPLY_DB + _prosody(at_ms, dice)
        played = emitted + (DUCK_DB if is_ducked else 0.0)
        loss = ECHO_LOSS_DB - (10.0 if louder_from_ms is not None and at_ms >= louder_from_ms else 0.0)
        # every three seconds the canceller loses the echo for a moment
        erle = ERLE_DB - (20.0 if erle_fails and at_ms % 3000 < 150 else 0.0) + dice.gauss(0.0, 3.0)
        present = [v for v in voices if v.sounds(at_ms)]
        user = _db(sum(_power(REPLY_DB - ECHO_LOSS_DB + v.ser_db + _prosody(at_ms + 90, dice)) for v in present))
        noise = NOISE_DB + dice.gauss(0.0, 1.0)
        probability = max([v.probability for v in present], default=echo_probability)
        unknown_path = louder_from_ms is not None and at_ms >= louder_from_ms and not knows_louder_path
        in_probe_db = _near_end_db(present) if ducked_since is not None else 0.0
        seen = Observation(
            end=end,
            probability=Probability(probability) if end // WINDOW_FRAMES > (end - PERIOD_FRAMES) // WINDOW_FRAMES else None,
            near_end=Excess(100.0 if unknown_path else _near_end_db(present), in_probe_db),
            voicing=max([v.voicing for v in present], default=0.2),
            clean_db=Decibels(_db(_power(emitted - loss - erle) + _power(user) + _power(noise))),
            reference_db=Decibels(played),
            is_ducked=is_ducked,
            is_playing=True,
            remaining_ms=None if reply_ms is None else Millis(max(reply_ms - at_ms, 0)),
        )
        reflex, verdict = step(reflex, seen, rule)
        story.append(Heard(seen, reflex, verdict))
        if verdict is Verdict.DUCK:
            ducked_since = at_ms
        elif verdict in (Verdict.UNDUCK, Verdict.CALL_OFF):
            ducked_since, knows_louder_path = None, unknown_path or knows_louder_path
    return tuple(story)


def when(story: Sequence[Heard], verdict: Verdict) -> list[int]:
    """The times at which it was given."""
    return [heard.at_ms for heard in story if heard.verdict is verdict]


def _near_end_db(present: Sequence[Voice]) -> float:
    """What was measured for users 15 dB below the echo to 10 dB above it: 40 to 140 dB; less is lost in the echo."""
    return max([NEAR_END_DB + 4.0 * (v.ser_db + 20.0) for v in present if v.ser_db >= -20.0], default=2.0)


def _prosody(at_ms: int, dice: random.Random) -> float:
    """Syllables, four a second, and the jitter of the pitch."""
    return 6.0 * math.sin(2.0 * math.pi * at_ms / 250.0) + dice.gauss(0.0, 1.5)


def _power(level_db: float) -> float:
    return float(10.0 ** (level_db / 10.0))


def _db(power: float) -> float:
    return 10.0 * math.log10(power) if power > 0.0 else -120.0
