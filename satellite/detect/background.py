"""What goes on in the room before a reply begins: a television, music, other people. It is not about us.

Each band follows the level that its loud moments reach, slowly enough that one sentence does not count and fast enough that a
television does after some seconds. It learns only while we are silent and the user does not have the floor: his own command
just before the reply must not make us deaf to him.
"""

import numpy as np
from numpy.typing import NDArray

from satellite.core.units import PERIOD_MS

_Bands = NDArray[np.float64]

# of the moments in which anything sounds, so many are softer than what is remembered
_QUANTILE = 0.99
# per period: 25 dB over the noise are learnt in some seconds of talk
_RISE_DB = 0.20
_FALL_DB = _RISE_DB * (1.0 - _QUANTILE) / _QUANTILE
# whoever talks on pauses for shorter than this; when it has been quiet for longer, it is over, and is forgotten in seconds
_PAUSE_PERIODS = 500 // PERIOD_MS
_FORGET_DB = 0.10
_QUIET_DB = 10.0
# steady noise, summed over all bands and 30 ms, is half a decibel off its median; speech and music are 3 dB and more off theirs
_LIVELY_DB = 1.5
_SWAY_PERIODS = 3000 // PERIOD_MS
# the wake word is the user's too: what was learnt in the last seconds before he got the floor is taken back
_TAKEN_BACK_PERIODS = 2500 // PERIOD_MS
_STEP_PERIODS = 250 // PERIOD_MS


# far below everything
_UNKNOWN_DB = -120.0


class Background:
    """Levels by band, dB; one period a call. For one thread."""

    def __init__(self, bands: int) -> None:
        self.level_db: _Bands = np.full(bands, _UNKNOWN_DB)
        """What the loud moments of each band reach; far below everything as long as nothing is known."""
        self._usual_db = self._sway_db = 0.0
        self._quiet_periods = 0
        self._periods = self._run = 0
        self._before = [self.level_db] * (_TAKEN_BACK_PERIODS // _STEP_PERIODS)

    @property
    def is_lively(self) -> bool:
        """Whether it comes and goes as talk, music and dishes do, and a fan does not."""
        return self._sway_db > _LIVELY_DB

    def pause(self) -> None:
        """A period from which nothing is learnt."""
        self._run = 0

    def learn(self, heard_db: _Bands, noise_db: _Bands) -> None:
        """A period in which nothing of ours is heard and nobody has the floor."""
        if not self._periods:
            self._usual_db = float(heard_db[-1])
        off_db = float(heard_db[-1]) - self._usual_db
        self._usual_db += _RISE_DB if off_db > 0.0 else -_RISE_DB
        self._sway_db += (abs(off_db) - self._sway_db) / _SWAY_PERIODS
        self.level_db = np.maximum(self.level_db, noise_db)
        above = heard_db > self.level_db
        # the last element is the level of all bands together
        is_quiet = heard_db[-1] < max(self.level_db[-1] - _QUIET_DB, noise_db[-1])
        self._quiet_periods = self._quiet_periods + 1 if is_quiet else 0
        fall = _FORGET_DB if self._quiet_periods > _PAUSE_PERIODS else _FALL_DB
        self.level_db = np.where(above, self.level_db + _RISE_DB, np.maximum(self.level_db - fall, noise_db))
        self._periods += 1
        self._run += 1
        if self._periods % _STEP_PERIODS == 0:
            self._before = [*self._before[1:], self.level_db]

    def take_back(self) -> None:
        """The user has been given the floor while nothing else went on: what he said to get it was no background."""
        if self._run < _TAKEN_BACK_PERIODS:
            return
        self.level_db = np.minimum(self.level_db, self._before[0])
        self._before = [self.level_db] * len(self._before)
