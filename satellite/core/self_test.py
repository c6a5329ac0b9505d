"""A reply that nobody interrupts is a test of ourselves: all that was heard in it is our own echo and the room.

The audio thread adds every period of it, so it only counts; the figures are made when the reply has ended.
"""

from dataclasses import dataclass

from satellite.core.echo import decibels, power
from satellite.core.reflex import Mode, Observation, Reflex, ReflexRule, Verdict
from satellite.core.units import PERIOD_MS, Decibels, Millis

# "okay" and "done" are over before the canceller's work shows
SHORTEST_MS = Millis(2000)

# in less echo than this there is nothing to cancel; a percentile needs as much
_LEAST_ECHO_PERIODS = 1000 // PERIOD_MS

# one step of the near-end detector's excess, and more steps than it can take: it ends at 200 dB
_STEP_DB = 1.0
_STEPS = 256
# what only one period in so many exceeds: ten seconds of echo have one
_RARE = 1000


@dataclass(frozen=True, slots=True)
class SelfTested:
    """What came of it."""

    watched_ms: Millis
    """So long a voice could have interrupted it."""
    erle_db: Decibels | None
    """What the canceller took of the microphone's power; None if there was too little echo."""
    residual_db: Decibels | None
    """What one period of echo in a thousand exceeds, by the near-end detector's measure; None for the same reason."""
    leak_db: Decibels
    """What the canceller's leftovers are above the level that was played."""
    false_sounds: int
    """How often it was lowered for a sound that then fell with it, or was no voice ..."""
    false_voices: int
    """... and for what the voice detector took for one."""
    false_stops: int
    """How often it was held and taken up again."""
    is_undisturbed: bool
    """Nobody held it, nor spoke over its end: all of the above is ours."""

    def __str__(self) -> str:
        """For the log."""
        erle = "no echo" if self.erle_db is None else f"ERLE {self.erle_db:.0f} dB"
        residual = "" if self.residual_db is None else f", residual {self.residual_db:.0f} dB"
        ducks, stops = self.false_sounds + self.false_voices, f", {self.false_stops} false stops" if self.false_stops else ""
        whose = "" if self.is_undisturbed else ", with somebody's voice"
        return f"{self.watched_ms / 1000:.1f} s of reply, {erle}{residual}, {ducks} false ducks{stops}{whose}"


class SelfTest:
    """One reply, period by period."""

    def __init__(self) -> None:
        self._watched = 0
        self._microphone = self._clean = 0.0
        self._excess = [0] * _STEPS
        self._echo_periods = 0
        self._leak_db = Decibels(0.0)
        self._is_for_sound = False
        self._false_sounds = self._false_voices = self._false_stops = 0
        self._is_held = self._was_held = False

    def add(self, seen: Observation, microphone_db: float, reflex: Reflex, verdict: Verdict, rule: ReflexRule) -> None:
        """A period, and what the reflex made of it. `microphone_db` is the raw microphone's level."""
        if reflex.mode is Mode.HELD:
            self._is_held = self._was_held = True
        if not seen.is_playing:
            return
        self._watched += 1
        self._count(seen, verdict, rule)
        if self._is_held and reflex.mode is not Mode.HELD:
            self._is_held = False
            self._false_stops += 1
        self._leak_db = Decibels(reflex.leftovers.leak.level_db)
        if reflex.leftovers.is_audible and not seen.is_ducked:
            self._echo_periods += 1
            self._microphone += power(microphone_db)
            self._clean += power(seen.clean_db)
            self._excess[min(int(seen.near_end.now_db / _STEP_DB), _STEPS - 1)] += 1

    def _count(self, seen: Observation, verdict: Verdict, rule: ReflexRule) -> None:
        match verdict:
            case Verdict.DUCK:
                self._is_for_sound = seen.near_end.now_db >= rule.near_end_db
            case Verdict.UNDUCK if self._is_for_sound:
                self._false_sounds += 1
            case Verdict.UNDUCK:
                self._false_voices += 1

    def result(self, is_overlapped: bool) -> SelfTested | None:
        """When the reply has ended, under somebody's voice or not; None if it was too short to tell anything."""
        if self._watched * PERIOD_MS < SHORTEST_MS:
            return None
        has_echo = self._echo_periods >= _LEAST_ECHO_PERIODS
        return SelfTested(
            watched_ms=Millis(self._watched * PERIOD_MS),
            erle_db=Decibels(decibels(self._microphone) - decibels(self._clean)) if has_echo else None,
            residual_db=self._rare_db() if has_echo else None,
            leak_db=self._leak_db,
            false_sounds=self._false_sounds,
            false_voices=self._false_voices,
            false_stops=self._false_stops,
            is_undisturbed=not (self._was_held or is_overlapped),
        )

    def _rare_db(self) -> Decibels:
        left = self._echo_periods // _RARE
        for step in reversed(range(_STEPS)):
            left -= self._excess[step]
            if left < 0:
                return Decibels(step * _STEP_DB)
        raise AssertionError("periods were counted that are nowhere")
