"""What the self-tests of many replies say of one microphone and loudspeaker, and by how much our thresholds are raised for it.

Theory of operation
-------------------
1. A speaker that rattles, a cupboard that echoes or a kitchen lowers replies that nobody talks over. Each such dip is counted
   against the threshold that let it happen: the near-end detector's for a sound, the voice margin for a voice.
2. A threshold rises with each false dip as long as there are more of them per hour than our goal, and falls back slowly while
   there are less than half as many. In between it stays.
3. It never falls below what its profile says: that nobody spoke does not tell how softly he would. And it never rises to
   where a user 15 dB below his own echo would be missed: rather some dips than a satellite that cannot be stopped.
4. A reply over which somebody was heard teaches none of this. What was not taken for him may have been him.
"""

from dataclasses import dataclass, replace

from satellite.core.reflex import ReflexRule
from satellite.core.self_test import SelfTested
from satellite.core.units import Decibels

# of both kinds together: one in three minutes of reply, which is some thirty answers
GOAL_PER_HOUR = 20.0
_GOAL_EACH = GOAL_PER_HOUR / 2

# the rate is that of the last hour of reply or so: some weeks of a household that asks now and then, and not its first day
_HALF_LIFE_MINUTES = 30.0
# less than this counts as this: three dips for one dropped spoon are no rate yet, five are
_LEAST_MINUTES = 20.0

# a dip is one sound, and a decibel is the most that one sound tells; a bad reply has several of the same
_RISE_DB, _MOST_RISE_DB = 1.0, 2.0
# from the top to the bottom in two hours of reply, so that it does not swing
_FALL_DB_PER_MINUTE = 0.1

# The near-end sum of a user 15 dB below his echo is 40, and falls by 4 for each decibel less; so he is heard with 2 dB to spare.
MOST_NEAR_END_DB = 32.0
MOST_SOUND_RISE_DB = 12.0
# a soft voice is 8 to 12 dB over what the canceller leaves of us, and 4 is where it begins
MOST_VOICE_RISE_DB = 4.0

# slow averages: about the last ten replies
_NEWS = 0.1


@dataclass(frozen=True, slots=True)
class Margin:
    """How far a threshold is raised, and the false dips that say so; those of long ago count less and less."""

    raised_db: float = 0.0
    dips: float = 0.0
    minutes: float = 0.0

    @property
    def per_hour(self) -> float:
        """The rate, of late."""
        return 60.0 * self.dips / max(self.minutes, _LEAST_MINUTES)

    def after(self, dips: int, minutes: float, most_db: float) -> "Margin":
        """One more reply, so long and with so many; never raised by more than `most_db`."""
        kept = 0.5 ** (minutes / _HALF_LIFE_MINUTES)
        seen = Margin(self.raised_db, self.dips * kept + dips, self.minutes * kept + minutes)
        raised = self.raised_db
        if seen.per_hour > _GOAL_EACH:
            raised += min(dips * _RISE_DB, _MOST_RISE_DB)
        elif seen.per_hour < _GOAL_EACH / 2:
            raised -= minutes * _FALL_DB_PER_MINUTE
        return replace(seen, raised_db=min(max(raised, 0.0), most_db))


@dataclass(frozen=True, slots=True)
class Health:
    """Of one pair of devices."""

    replies: int = 0
    minutes: float = 0.0
    """Of replies that could be interrupted, all of them."""
    false_stops: int = 0
    erle_db: Decibels | None = None
    """What the canceller takes from our echo, of late."""
    residual_db: Decibels | None = None
    """What one period of echo in a thousand exceeds, by the near-end detector's measure, of late."""
    leak_db: Decibels | None = None
    """What the canceller's leftovers are above the level that is played, of late."""
    sound: Margin = Margin()
    """Of the near-end threshold."""
    voice: Margin = Margin()
    """Of the voice margin."""

    @property
    def is_possible(self) -> bool:
        """Whether self-tests can have found this: a file may say anything."""
        margins = ((self.sound, MOST_SOUND_RISE_DB), (self.voice, MOST_VOICE_RISE_DB))
        return min(self.replies, self.false_stops, self.minutes) >= 0 and all(
            0.0 <= margin.raised_db <= most and margin.dips >= 0.0 and margin.minutes >= 0.0 for margin, most in margins
        )

    @property
    def false_ducks_per_hour(self) -> float:
        """Of reply, of late."""
        return self.sound.per_hour + self.voice.per_hour

    def after(self, test: SelfTested) -> "Health":
        """One more reply."""
        minutes = test.watched_ms / 60_000
        counted = replace(
            self,
            replies=self.replies + 1,
            minutes=self.minutes + minutes,
            false_stops=self.false_stops + test.false_stops,
        )
        if not test.is_undisturbed:
            return counted
        return replace(
            counted,
            erle_db=_slowly(self.erle_db, test.erle_db),
            residual_db=_slowly(self.residual_db, test.residual_db),
            leak_db=_slowly(self.leak_db, test.leak_db),
            sound=self.sound.after(test.false_sounds, minutes, MOST_SOUND_RISE_DB),
            voice=self.voice.after(test.false_voices, minutes, MOST_VOICE_RISE_DB),
        )

    def tuned(self, rule: ReflexRule) -> ReflexRule:
        """A profile's rule as this pair needs it."""
        near_end_db = min(rule.near_end_db + self.sound.raised_db, max(MOST_NEAR_END_DB, rule.near_end_db))
        return replace(rule, near_end_db=near_end_db, duck_margin_db=rule.duck_margin_db + self.voice.raised_db)

    def __str__(self) -> str:
        """For the log."""
        return f"{self.false_ducks_per_hour:.0f} per hour over {self.minutes / 60:.1f} h, {self.false_stops} false stops"


def _slowly(old: Decibels | None, new: Decibels | None) -> Decibels | None:
    if old is None or new is None:
        return new if old is None else old
    return Decibels(old + _NEWS * (new - old))
