"""How loud our own echo should be behind the canceller: predicted from what the speaker plays, and how far that errs.

Pure arithmetic on levels, one step a period. The step sizes of `Coupling` were measured on 32 ms windows and are scaled
to periods here.
"""

from dataclasses import dataclass, replace
from math import log10

from satellite.core.units import PERIOD_MS, SILENCE_DB, Decibels

# a reference below this is not heard in any room, so nothing is learnt from it
AUDIBLE_REFERENCE_DB = -60.0

# What the bands of the microphone exceed their expectation by, summed. In 11 minutes of replies in six rooms echo alone
# reached 8 in all but a few periods; a user 15 dB below his echo reaches 40.
NEAR_END_DB = 20.0

_PER_PERIOD = PERIOD_MS / 32.0


@dataclass(frozen=True, slots=True)
class Excess:
    """How far the raw microphone is above what speaker and noise explain: decibels, summed over bands of hearing."""

    now_db: float = 0.0
    in_probe_db: float = 0.0
    """The same, if all that was heard when the reply was ducked is taken for echo. 0 outside of a probe."""
    background_db: Decibels = SILENCE_DB
    """What the loud moments reach of talk that was going on before the reply. SILENCE_DB: there was none."""
    is_lively: bool = False
    """Whether something else was: music, dishes, whatever comes and goes."""


def power(level_db: float) -> float:
    """Of a level."""
    return float(10.0 ** (level_db / 10.0))


def decibels(value: float) -> Decibels:
    """Of a power."""
    return Decibels(10.0 * log10(value)) if value > 1e-12 else SILENCE_DB


@dataclass(frozen=True, slots=True)
class RoomRule:
    """What every living room has in common."""

    # a furnished room
    rt60_ms: float = 400.0
    # with the loudspeaker 8 cm from the microphone each period of the tail begins about 20 dB below the direct sound;
    # 5 dB in favour of the echo for shelves and corners
    tail_db: float = -15.0


@dataclass(frozen=True, slots=True)
class Smear:
    """The reference as the room hands it on: the sound itself, then a tail that decays."""

    tail: float = 0.0
    direct: float = 0.0

    def add(self, reference_db: float, rule: RoomRule) -> "Smear":
        """One period later."""
        decay = 10.0 ** (-6.0 * PERIOD_MS / rule.rt60_ms)
        tail = decay * (self.tail + self.direct * power(rule.tail_db))
        return Smear(tail, power(reference_db))

    @property
    def level_db(self) -> Decibels:
        """Of the predicted echo, before the echo path's own loss."""
        return decibels(self.direct + self.tail)


@dataclass(frozen=True, slots=True)
class Average:
    """Mean power of three periods, about one window of the voice detector: a single period jumps with the pitch."""

    now: float = 0.0
    before: float = 0.0
    first: float = 0.0

    def add(self, level_db: float) -> "Average":
        """One period later."""
        return Average(power(level_db), self.now, self.before)

    @property
    def level_db(self) -> Decibels:
        """Of the three."""
        return decibels((self.now + self.before + self.first) / 3.0)


@dataclass(frozen=True, slots=True)
class Floor:
    """A slow lower edge of a level: the noise that is always there."""

    level_db: float = -50.0

    def add(self, level_db: float) -> "Floor":
        """Falls at once, rises 3 dB a second."""
        return Floor(max(min(self.level_db + 0.03, level_db), SILENCE_DB))


@dataclass(frozen=True, slots=True)
class Coupling:
    """How much louder than the prediction an echo may be: about the 95th percentile of what was seen."""

    level_db: float = 0.0
    periods: int = 0

    def add(self, excess_db: float, near_end: bool) -> "Coupling":
        """One more period of echo, `excess_db` over the prediction without coupling; slow to believe loud ones in double talk."""
        if self.periods == 0:
            return Coupling(excess_db, 1)
        rise = 0.10 if near_end else 0.76
        step = rise if excess_db > self.level_db else -0.04
        return replace(self, level_db=self.level_db + step * _PER_PERIOD, periods=self.periods + 1)

    def at_least(self, level_db: float) -> "Coupling":
        """Raised to a level that was seen to be echo."""
        return replace(self, level_db=max(self.level_db, level_db))


@dataclass(frozen=True, slots=True)
class Leftovers:
    """What the canceller leaves of our echo, and of the noise in the room."""

    smear: Smear = Smear()
    echo: Average = Average()
    """Predicted, before the canceller's work."""
    clean: Average = Average()
    noise: Floor = Floor()
    leak: Coupling = Coupling()
    """How far above the prediction the leftovers may be."""

    def add(self, reference_db: float, clean_db: float, somebody: bool, rule: RoomRule) -> "Leftovers":
        """One more period; `somebody` may be heard in it, so that it tells little of us."""
        smear = self.smear.add(reference_db, rule)
        echo, clean = self.echo.add(smear.level_db), self.clean.add(clean_db)
        if echo.level_db < AUDIBLE_REFERENCE_DB:
            return Leftovers(smear, echo, clean, self.noise.add(clean.level_db), self.leak)
        return Leftovers(smear, echo, clean, self.noise, self.leak.add(clean.level_db - echo.level_db, somebody))

    @property
    def is_audible(self) -> bool:
        """Whether there is an echo at all."""
        return self.echo.level_db >= AUDIBLE_REFERENCE_DB

    def margin_db(self, background_db: float = SILENCE_DB) -> float:
        """How far what is left now is above what may be left, and above what goes on in the room anyway."""
        floor = Floor(max(self.noise.level_db, background_db))
        return margin_db(self.clean.level_db, self.echo.level_db + self.leak.level_db, floor)

    def taught(self) -> "Leftovers":
        """A probe has shown that what is left now is ours."""
        # at most 6 dB at a time: a soft voice that failed the test must not make us deaf to the next one
        learnt = min(self.clean.level_db - self.echo.level_db, self.leak.level_db + 6.0)
        return replace(self, leak=self.leak.at_least(learnt))


def margin_db(level_db: float, echo_db: float, floor: Floor) -> float:
    """How far a level is above the echo and noise expected there."""
    # 1.5 dB: noise sways about its floor by as much
    return level_db - decibels(power(echo_db) + power(floor.level_db + 1.5))
