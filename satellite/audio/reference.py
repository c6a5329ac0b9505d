"""What the speaker was given, as the canceller and the probe need it: at 16 kHz, in step with the microphone's periods.

The canceller's reference is the very samples written, at the moment of writing, so it leads the echo by the card's queue.
That lead must not jump: one period is taken for every period of the microphone, whatever the speaker's clock does meanwhile,
and the difference is made up for while nothing plays.

A device that returns what it plays as one of its channels knows better: then that is the reference, captured with the
microphone's period and some frames ahead of its echo. Only whether it was ducked is still told by what was written.
"""

from collections import deque

import numpy as np

from satellite.audio.card import Samples
from satellite.audio.levels import level_db
from satellite.audio.resample import PeriodResampler
from satellite.core.units import PERIOD_FRAMES, RATE_HZ, Decibels

# one period waits, so that a late write leaves no hole
_CUSHION_PERIODS = 1
# beyond this the speaker's clock has run ahead
_MOST_WAITING_PERIODS = 4
# for so long it has to be off its cushion in silence: two writes may fall into one period now and then, and none into the next
_SETTLING_PERIODS = 10
# the longest echo path that is looked back at, and then some
_HISTORY_PERIODS = 64
# a gain at or below this is a duck
_DUCKED_GAIN = 0.2

_SILENCE = np.zeros(PERIOD_FRAMES, np.int16)


class Reference:
    """A short queue between the two clocks, and the levels of what went through it."""

    def __init__(self, rate_hz: int) -> None:
        self._rate_hz = rate_hz
        self._resampler = None if rate_hz == RATE_HZ else PeriodResampler(rate_hz)
        # periods with their gains: the one that is taken next, and the cushion behind it
        self._waiting: deque[tuple[Samples, float]] = deque([(_SILENCE, 1.0)] * (1 + _CUSHION_PERIODS), _MOST_WAITING_PERIODS)
        self._taken: Samples = np.zeros(_HISTORY_PERIODS * PERIOD_FRAMES, np.int16)
        self._ducked: deque[bool] = deque([False] * _HISTORY_PERIODS, maxlen=_HISTORY_PERIODS)
        self._in_silence: deque[int] = deque(maxlen=_SETTLING_PERIODS)
        self.written: Samples = _SILENCE
        """What `take` would have given last if no device had told what it plays."""
        self._is_told = False
        self.settled_frames = 0
        """Taken out of the queue in silence, less what was put in: its lead over the echo jumped by as much."""

    def wrote(self, samples: Samples, gain: float) -> None:
        """A period that the speaker accepted, and the gain of the reply in it."""
        converted = samples if self._resampler is None else self._resampler.period(samples)
        self._waiting.append((converted, gain))

    def take(self, loopback: Samples | None = None) -> Samples:
        """The period that belongs to the microphone's present one: what the device says that it played, if it tells."""
        self.written = self._take_written()
        self._is_told = loopback is not None
        period = self.written if loopback is None else loopback
        self._taken[:-PERIOD_FRAMES] = self._taken[PERIOD_FRAMES:]
        self._taken[-PERIOD_FRAMES:] = period
        return period

    def _take_written(self) -> Samples:
        if self._waiting:
            period, gain = self._waiting.popleft()
        else:
            period, gain = _SILENCE, 1.0
        self._ducked.append(gain <= _DUCKED_GAIN)
        self._settle(is_silent=not period.any() and not any(waiting.any() for waiting, _ in self._waiting))
        return period

    @property
    def waiting_frames(self) -> int:
        """Written, and not taken yet; at 16 kHz."""
        return len(self._waiting) * PERIOD_FRAMES

    def strike(self, queued: int) -> None:
        """The last `queued` frames written (at the speaker's rate) were dropped and will not be heard."""
        left = queued * RATE_HZ // self._rate_hz
        for i in range(1, len(self._waiting) + 1):
            period, gain = self._waiting[-i]
            kept = max(PERIOD_FRAMES - left, 0)
            self._waiting[-i] = np.concatenate((period[:kept], _SILENCE[kept:])), gain
            left = max(left - PERIOD_FRAMES, 0)
        if left and not self._is_told:
            self._taken[max(len(self._taken) - left, 0) :] = 0

    def period(self, delay_frames: int) -> Samples:
        """What reaches the microphone in its present period, before the echo path's loss, if it lags by so many frames."""
        if self._is_told:
            delay_frames = 0  # behind what was written it lags; what the device tells is told on time
        end = len(self._taken) - min(delay_frames, len(self._taken) - PERIOD_FRAMES)
        return self._taken[end - PERIOD_FRAMES : end]

    def level_db(self, delay_frames: int) -> Decibels:
        """Of that period."""
        return level_db(self.period(delay_frames))

    def is_ducked(self, delay_frames: int) -> bool:
        """Whether all of what reaches the microphone in the present period was played ducked."""
        whole, part = divmod(delay_frames, PERIOD_FRAMES)
        whole = min(whole, _HISTORY_PERIODS - 2)
        return self._ducked[-1 - whole] and (part == 0 or self._ducked[-2 - whole])

    def _settle(self, is_silent: bool) -> None:
        """While nothing plays the queue goes back to its cushion: drift of the clocks is made up for where nobody hears it."""
        if not is_silent:
            self._in_silence.clear()
            return
        self._in_silence.append(len(self._waiting))
        if len(self._in_silence) < _SETTLING_PERIODS:
            return
        fewest, most = min(self._in_silence), max(self._in_silence)
        surplus = max(fewest - _CUSHION_PERIODS, 0) or min(most - _CUSHION_PERIODS, 0)
        if surplus:
            for _ in range(surplus):
                self._waiting.popleft()
            self._waiting.extend([(_SILENCE, 1.0)] * -surplus)
            self.settled_frames += surplus * PERIOD_FRAMES
            self._in_silence.clear()
