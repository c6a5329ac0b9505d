"""Is there a sound in the room that our own loudspeaker does not explain? Told band by band from the raw microphone.

A canceller's suppressor takes a soft user away together with a loud echo, and a level over all bands hides him under it.
But speech is sparse: in any 30 ms a reply is loud in a few bands and quiet in the others, and a user 15 dB below the whole
of it still stands out somewhere. So each band has an expectation of its own: what the loudspeaker plays there and played
there just before, times how much of it the microphone was seen to hear, plus the noise. What exceeds it is near end.

The probe's calibration takes what is heard at the duck for echo. A path that has become louder lifts all bands together, those
too in which nothing is played at that moment, so the middle of the audible bands' rises counts for every band: a user lifts his
own, and hardly ever half of them.
"""

from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from satellite.audio.card import Samples
from satellite.core.echo import NEAR_END_DB, Excess
from satellite.core.units import PERIOD_FRAMES, PERIOD_MS, RATE_HZ, SILENCE_DB, Decibels
from satellite.detect.background import Background

_Bands = NDArray[np.float64]

# about a critical band each; below 100 Hz rooms rumble, above 7.6 kHz resamplers leave nothing
_EDGES_HZ = (
    *(100, 200, 300, 400, 500, 630, 770, 920, 1080, 1270, 1480),
    *(1720, 2000, 2320, 2700, 3150, 3700, 4400, 5300, 6400, 7600),
)
BANDS = len(_EDGES_HZ) - 1
_WINDOW_FRAMES = 2 * PERIOD_FRAMES
_FFT_SIZE = 512

# three periods: a single one of noise sways by 5 dB in a band
_SMOOTHED_PERIODS = 3

# a furnished room, and how far its tail begins below the direct sound of a loudspeaker 8 cm away (5 dB in its favour)
_TAIL_DECAY = 10.0 ** (-6.0 * PERIOD_MS / 400.0)
_TAIL_GAIN = 10.0 ** (-15.0 / 10.0)
# what a small loudspeaker adds of its own in all bands together: 3 % of distortion
_DISTORTION = 10.0 ** (-30.0 / 10.0) / BANDS

# of the noise's lower edge, which is what the tracker below finds, to what noise reaches now and then
_NOISE_SWAY_DB = 6.0
# the loudest moments of a television exceed what all but a hundredth of them reach
_BACKGROUND_SWAY_DB = 3.0
# per period: a fan's start is learnt within seconds, more of them under a reply; a word is forgotten in the pause after it
_BARE_NOISE_RISE_DB, _NOISE_RISE_DB, _NOISE_FALL_DB = 0.2, 0.05, 0.3
# the first periods in a row in which nothing is played are the noise, whatever it is; before, nothing is known
_NOISE_PERIODS = 30
# -90 dBFS: nothing is played
_AUDIBLE_POWER = 1e-9

# the expectation is learnt where the echo must be this far above the noise
_AUDIBLE_DB = 6.0
# it begins with the mean of so many periods, because the first ones may be out of step with the reference ...
_MEAN_PERIODS = 10
# ... and settles where nine of ten periods of echo lie below it: quickly in the start-up sound, slowly after it
_FIRST_RISE_DB, _LAST_RISE_DB, _SETTLING_PERIODS = 1.5, 0.15, 15
_FALL_PER_RISE = 1.0 / 9.0
# while somebody speaks his voice must not be learnt as echo; but what is settled in less than half a second cannot tell
_RISE_BESIDE_USER = 0.05
_USER_PERIODS = 30
_SETTLED_PERIODS = 40
# a failed probe teaches so much at most: a voice it missed must not make the next one inaudible
_LESSON_DB = 6.0

# the half of fewer bands than this may all be a voice's
_BANDS_OF_A_JUMP = 6

# a band counts from 3 dB over its expectation on, and at most 10 dB: one whistle is no voice
_COUNTED_FROM_DB, _COUNTED_DB = 3.0, 10.0


class NearEnd:
    """Follows the echo path of one microphone and loudspeaker, one period a call. For one thread."""

    def __init__(self) -> None:
        hertz = np.fft.rfftfreq(_FFT_SIZE, 1 / RATE_HZ)
        bands = [(hertz >= low) & (hertz < high) for low, high in pairwise(_EDGES_HZ)]
        self._bins = np.stack(bands, axis=1).astype(np.float32)
        shape = np.hanning(_WINDOW_FRAMES)
        self._window = (shape / np.sqrt(shape @ shape) / 32768.0).astype(np.float32)
        self._sound = np.zeros((2, _WINDOW_FRAMES), np.float32)
        self._heard = np.zeros((_SMOOTHED_PERIODS, BANDS))
        self._played = np.zeros((_SMOOTHED_PERIODS, BANDS))
        self._tail = np.zeros(BANDS)
        self._before = np.zeros(BANDS)
        self._periods = 0
        self._noise_db = np.full(BANDS, 100.0)
        self._bare_periods = 0
        self._path_db = np.zeros(BANDS)
        self._path_periods = np.zeros(BANDS)
        self._excess_db = np.zeros(BANDS)
        self._is_audible = np.zeros(BANDS, np.bool_)
        self._jump_db = 0.0
        self._calibrated_db: _Bands | None = None
        self._calibrating = 0
        self._most_in_probe_db = 0.0
        self._user_periods = 0
        self._background = Background(BANDS + 1)

    def feed(self, near: Samples, far: Samples, is_idle: bool = False, is_talk: bool = False) -> Excess:
        """A period of the raw microphone, and of what was played as it reaches the microphone in this period.

        `is_idle`: there is no reply, and the user does not have the floor: what sounds now is background. `is_talk`: what was
        going on then is talk, so that only what is louder than it may be the user; beside other sounds his voice tells.
        """
        heard_db, played_db = self._spectra(near, far)
        noise_db = self._noise_db + _NOISE_SWAY_DB
        if is_talk:
            noise_db = np.maximum(noise_db, self._background.level_db[:-1] + _BACKGROUND_SWAY_DB)
        echo_db = played_db + self._path_db
        expected_db = _sum_db(echo_db, noise_db)
        now = _excess(heard_db, expected_db)
        self._excess_db = heard_db - played_db
        self._is_audible = echo_db > noise_db + _AUDIBLE_DB
        in_probe = self._probe(heard_db, played_db, noise_db)
        self._user_periods = _USER_PERIODS if now >= NEAR_END_DB else max(self._user_periods - 1, 0)
        self._learn_path(echo_db, noise_db)
        # a switch on the microphone makes digital silence, which is no noise of the room
        if near.any():
            self._learn_noise(heard_db, expected_db, echo_db < noise_db - _AUDIBLE_DB)
            if is_idle and self._bare_periods >= _NOISE_PERIODS:
                self._background.learn(_with_total(heard_db), _with_total(self._noise_db + _NOISE_SWAY_DB))
            else:
                self._background.pause()
        talk_db = Decibels(float(self._background.level_db[-1])) if is_talk else SILENCE_DB
        return Excess(now, in_probe, talk_db, self._background.is_lively)

    def give_floor(self) -> None:
        """The user is to be heard: the last seconds, in which he said so, were no background."""
        self._background.take_back()

    def calibrate(self) -> None:
        """The reply is being ducked: whatever is heard just now is taken for echo, until `release`."""
        self._jump_db = self._jump()
        self._calibrated_db = np.maximum(self._path_db + self._jump_db, self._excess_db)
        self._calibrating = _SMOOTHED_PERIODS
        self._most_in_probe_db = 0.0

    def release(self) -> None:
        """The probe is over. If all fell with the reply it was echo, and the path is louder than was thought."""
        if self._calibrated_db is not None and self._most_in_probe_db < NEAR_END_DB:
            self._path_db = np.minimum(self._calibrated_db, self._path_db + max(_LESSON_DB, self._jump_db))
        self._calibrated_db = None

    def abandon(self) -> None:
        """The probe is over without a result."""
        self._calibrated_db = None

    def _probe(self, heard_db: _Bands, played_db: _Bands, noise_db: _Bands) -> float:
        if self._calibrated_db is None:
            return 0.0
        if self._calibrating:
            # what set the duck off is in the average only in part as yet
            self._calibrating -= 1
            self._jump_db = max(self._jump_db, self._jump())
            self._calibrated_db = np.maximum(self._calibrated_db, np.maximum(self._path_db + self._jump_db, self._excess_db))
        excess_db = _excess(heard_db, _sum_db(played_db + self._calibrated_db, noise_db))
        self._most_in_probe_db = max(self._most_in_probe_db, excess_db)
        return excess_db

    def _jump(self) -> float:
        """By how much the whole path is louder now, dB: a door or a volume knob lifts all bands, a voice only its own."""
        if np.count_nonzero(self._is_audible) < _BANDS_OF_A_JUMP:
            return 0.0
        return max(float(np.median((self._excess_db - self._path_db)[self._is_audible])), 0.0)

    def _spectra(self, near: Samples, far: Samples) -> tuple[_Bands, _Bands]:
        self._sound[:, :PERIOD_FRAMES] = self._sound[:, PERIOD_FRAMES:]
        self._sound[0, PERIOD_FRAMES:] = near
        self._sound[1, PERIOD_FRAMES:] = far
        spectra = np.fft.rfft(self._sound * self._window, _FFT_SIZE)
        powers = (spectra.real**2 + spectra.imag**2) @ self._bins
        self._tail = _TAIL_DECAY * (self._tail + self._before * _TAIL_GAIN)
        self._before = powers[1]
        played = powers[1] + self._tail
        self._periods += 1
        slot = self._periods % _SMOOTHED_PERIODS
        self._heard[slot] = powers[0]
        self._played[slot] = played + played.sum() * _DISTORTION
        return _db(self._heard.mean(axis=0)), _db(self._played.mean(axis=0))

    def _learn_path(self, echo_db: _Bands, noise_db: _Bands) -> None:
        audible = echo_db > noise_db + _AUDIBLE_DB
        if self._calibrated_db is not None or not audible.any():
            return
        rise = np.maximum(_LAST_RISE_DB, _FIRST_RISE_DB / (1.0 + self._path_periods / _SETTLING_PERIODS))
        doubtful = (self._user_periods > 0) & (self._path_periods >= _SETTLED_PERIODS)
        above_db = self._excess_db - self._path_db
        tracked = np.where(above_db > 0.0, rise * np.where(doubtful, _RISE_BESIDE_USER, 1.0), -rise * _FALL_PER_RISE)
        step = np.where(self._path_periods < _MEAN_PERIODS, above_db / (self._path_periods + 1.0), tracked)
        self._path_db = np.where(audible, self._path_db + step, self._path_db)
        self._path_periods += audible

    def _learn_noise(self, heard_db: _Bands, expected_db: _Bands, is_bare: NDArray[np.bool_]) -> None:
        """`is_bare`: the bands in which no echo is to be expected."""
        if self._bare_periods < _NOISE_PERIODS:
            # the first periods of the average are not full
            if self._bare_periods >= _SMOOTHED_PERIODS:
                self._noise_db = np.minimum(self._noise_db, heard_db)
            self._bare_periods = 0 if self._played.sum() > _AUDIBLE_POWER else self._bare_periods + 1
            return
        rise = np.where(is_bare, _BARE_NOISE_RISE_DB, _NOISE_RISE_DB)
        risen = np.minimum(self._noise_db + rise, heard_db)
        fallen = np.maximum(self._noise_db - _NOISE_FALL_DB, heard_db)
        falls = is_bare & (heard_db < self._noise_db)
        self._noise_db = np.where(heard_db > expected_db, risen, np.where(falls, fallen, self._noise_db))


def _excess(heard_db: _Bands, expected_db: _Bands) -> float:
    over = heard_db - expected_db - _COUNTED_FROM_DB
    return float(np.minimum(np.maximum(over, 0.0), _COUNTED_DB).sum())


def _with_total(levels_db: _Bands) -> _Bands:
    """And the level of all bands together behind them, relative to full scale: a spectrum of one side has so many bins."""
    total = np.array([np.sum(10.0 ** (levels_db / 10.0)) / (_FFT_SIZE / 2)])
    return np.append(levels_db, _db(total))


def _db(power: _Bands) -> _Bands:
    level: _Bands = 10.0 * np.log10(power + 1e-12)
    return level


def _sum_db(one_db: _Bands, other_db: _Bands) -> _Bands:
    return _db(10.0 ** (one_db / 10.0) + 10.0 ** (other_db / 10.0))
