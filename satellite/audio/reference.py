"""What the speaker was given, as the canceller and the probe need it: at 16 kHz, in step with the microphone's periods.

The canceller's reference is the very samples written, at the moment of writing, so it leads the echo by the card's queue.
That lead must not jump: one period is taken for every period of the microphone, whatever the speaker's clock does meanwhile,
and the difference is made up for while nothing plays.
"""

from collections import deque

import numpy as np

from satellite.audio.card import Samples
from satellite.core.echo import decibels, power
from satellite.core.units import PERIOD_FRAMES, RATE_HZ, SILENCE_DB, Decibels

# one period waits, so that a late write leaves no hole
_CUSHION = PERIOD_FRAMES
# beyond this the speaker's clock has run ahead
_MOST_WAITING = 4 * PERIOD_FRAMES
# the longest echo path that is looked back at, and then some
_HISTORY_PERIODS = 64
# what the resampler holds back: 18 ms of soxr's LQ
_RESAMPLER_PERIODS = 2
# a gain at or below this is a duck
_DUCKED_GAIN = 0.2

_SILENCE = np.zeros(PERIOD_FRAMES, np.int16)


class Reference:
    """A short queue between the two clocks, and the levels of what went through it."""

    def __init__(self, rate_hz: int) -> None:
        self._stream = None
        self._rate_hz = rate_hz
        if rate_hz != RATE_HZ:
            import soxr

            # the least delay of the good ones; it comes out of the lead
            self._stream = soxr.ResampleStream(rate_hz, RATE_HZ, 1, dtype="int16", quality="LQ")
        # the period that is taken next, and the cushion behind it
        self._waiting: Samples = np.zeros(_CUSHION + PERIOD_FRAMES, np.int16)
        # gains wait as long as the samples do, in the resampler too
        self._lag_periods = 1 if self._stream is None else 1 + _RESAMPLER_PERIODS
        self._gains: deque[float] = deque([1.0] * (self._lag_periods + 1), maxlen=_HISTORY_PERIODS)
        self._powers: deque[float] = deque([0.0] * _HISTORY_PERIODS, maxlen=_HISTORY_PERIODS)
        self._ducked: deque[bool] = deque([False] * _HISTORY_PERIODS, maxlen=_HISTORY_PERIODS)
        self._samples: Samples = np.zeros(_HISTORY_PERIODS * PERIOD_FRAMES, np.int16)
        self.holes = 0
        """How often there was nothing to take."""

    def wrote(self, samples: Samples, gain: float) -> None:
        """A period that the speaker accepted, and the gain of the reply in it."""
        converted = samples if self._stream is None else self._stream.resample_chunk(samples)
        self._waiting = np.concatenate((self._waiting, converted))
        self._gains.append(gain)
        if len(self._waiting) > _MOST_WAITING:
            self._waiting = self._waiting[-_MOST_WAITING:]

    def take(self) -> Samples:
        """The period that belongs to the microphone's present one."""
        if len(self._waiting) < PERIOD_FRAMES:
            self.holes += 1
            period = _SILENCE
        else:
            period, self._waiting = self._waiting[:PERIOD_FRAMES], self._waiting[PERIOD_FRAMES:]
        gain = self._gains.popleft() if self._gains else 1.0
        x = period.astype(np.float32)
        mean = float(np.dot(x, x)) / PERIOD_FRAMES / 32768.0**2
        self._samples[:-PERIOD_FRAMES] = self._samples[PERIOD_FRAMES:]
        self._samples[-PERIOD_FRAMES:] = period
        self._powers.append(mean)
        self._ducked.append(gain <= _DUCKED_GAIN)
        self._settle(mean)
        return period

    def strike(self, queued: int) -> None:
        """The last `queued` frames written (at the speaker's rate) were dropped and will not be heard."""
        left = queued * RATE_HZ // self._rate_hz
        here = min(left, len(self._waiting))
        if here:
            self._waiting = np.concatenate((self._waiting[: len(self._waiting) - here], np.zeros(here, np.int16)))
        left -= here
        for i in range(1, _HISTORY_PERIODS):
            if left <= 0:
                break
            part = min(left, PERIOD_FRAMES)
            self._powers[-i] *= 1.0 - part / PERIOD_FRAMES
            left -= part

    def period(self, delay_frames: int) -> Samples:
        """What reaches the microphone in the present period, if it lags by so many frames."""
        end = len(self._samples) - min(delay_frames, len(self._samples) - PERIOD_FRAMES)
        return self._samples[end - PERIOD_FRAMES : end]

    def level_db(self, delay_frames: int) -> Decibels:
        """Of what reaches the microphone in the present period, before the echo path's loss, if it lags by so many frames."""
        whole, part = divmod(delay_frames, PERIOD_FRAMES)
        whole = min(whole, _HISTORY_PERIODS - 2)
        share = part / PERIOD_FRAMES
        mean = (1.0 - share) * self._powers[-1 - whole] + share * self._powers[-2 - whole]
        return decibels(mean) if mean > power(SILENCE_DB) else SILENCE_DB

    def is_ducked(self, delay_frames: int) -> bool:
        """Whether all of what reaches the microphone in the present period was played ducked."""
        whole, part = divmod(delay_frames, PERIOD_FRAMES)
        whole = min(whole, _HISTORY_PERIODS - 2)
        return self._ducked[-1 - whole] and (part == 0 or self._ducked[-2 - whole])

    def _settle(self, mean: float) -> None:
        """While nothing plays the queue goes back to its cushion: drift of the clocks is made up for where nobody hears it."""
        if mean == 0.0 and len(self._waiting) != _CUSHION and not self._waiting.any():
            self._waiting = np.zeros(_CUSHION, np.int16)
            self._gains.clear()
            self._gains.extend([1.0] * self._lag_periods)
