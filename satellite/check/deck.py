"""Plays and records at once on any card, as the daemon does: the speaker's queue is kept full, with silence if need be."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import soxr

from satellite.audio.card import Card, Channels, Samples
from satellite.core.units import PERIOD_FRAMES, PERIOD_MS, RATE_HZ
from satellite.errors import DeviceError

_WAIT_S = 0.02

# without a single period; the daemon calls a fifth of a second a stall, but a device may take its time to start
_DEAD_AFTER_WAITS = 100

_PERIODS_PER_S = 1000 // PERIOD_MS


@dataclass(frozen=True, slots=True)
class Recording:
    """Every channel as the device gave it, and what was played meanwhile: a sound, from so many periods on."""

    channels: Channels
    rate_hz: int
    sound: Samples
    sound_rate_hz: int
    begun_periods: int

    def at_16k(self) -> "Take":
        """As the models see it. Takes as long as a card can be left alone, so it is done when all is recorded."""
        channels = resampled(self.channels, self.rate_hz, RATE_HZ)
        played = np.zeros(channels.shape[1], np.int16)
        at = self.begun_periods * PERIOD_FRAMES
        sound = resampled(self.sound, self.sound_rate_hz, RATE_HZ)[: max(len(played) - at, 0)]
        played[at : at + len(sound)] = sound
        return Take(channels, played, self.channels)


@dataclass(frozen=True, slots=True)
class Take:
    """A recording at 16 kHz; `played` is on the time line of its channels, from when it was written."""

    channels: Channels
    played: Samples
    raw: Channels
    """As the device gave it."""


class Deck:
    """Serves an open card. DeviceError when the card is gone, or does nothing."""

    def __init__(self, card: Card, queue_ms: int) -> None:
        self._card = card
        self._period = card.speaker.rate_hz * PERIOD_MS // 1000
        self._target = card.speaker.rate_hz * queue_ms // 1000
        self._rest: Samples = np.zeros(0, np.int16)

    @property
    def speaker_rate_hz(self) -> int:
        """Of what `record` plays."""
        return self._card.speaker.rate_hz

    @property
    def losses(self) -> tuple[int, int]:
        """Overruns and underruns since the card was opened."""
        return self._card.microphone.overruns, self._card.speaker.underruns

    def record(
        self, seconds: float, sound: Samples | None = None, on_second: Callable[[int], None] = lambda second: None
    ) -> Recording:
        """Records so long, plays a sound meanwhile if there is one, and tells how many seconds have passed."""
        self._rest = sound = np.zeros(0, np.int16) if sound is None else sound
        periods: list[Channels] = []
        begun: int | None = None
        while len(periods) < round(seconds * _PERIODS_PER_S):
            for period in self._heard():
                periods.append(period)
                if len(periods) % _PERIODS_PER_S == 0:
                    on_second(len(periods) // _PERIODS_PER_S)
            if self._fill() and begun is None:
                begun = len(periods)
        if len(self._rest):
            raise DeviceError("the speaker was opened, and then took no sound")
        rate_hz = self._card.microphone.rate_hz
        return Recording(np.concatenate(periods, axis=1), rate_hz, sound, self.speaker_rate_hz, begun or 0)

    def _heard(self) -> list[Channels]:
        """At least one period."""
        microphone = self._card.microphone
        for _ in range(_DEAD_AFTER_WAITS):
            self._card.wait(_WAIT_S)
            periods = []
            while (period := microphone.read()) is not None:
                every = microphone.every_channel
                periods.append(period[np.newaxis] if every is None else every)
            if periods:
                return periods
            self._fill()
        raise DeviceError("the microphone was opened, and then gave nothing, not even silence")

    def _fill(self) -> bool:
        """Fills the speaker's queue; whether some of it was not silence."""
        speaker = self._card.speaker
        queued = speaker.queued()
        if queued == 0:
            # so that what follows has the same lead over its echo as if the queue had been full all the time
            queued = speaker.write(np.zeros(self._target - self._period, np.int16))
        wrote = False
        while queued + self._period <= self._target:
            sound = self._rest[: self._period]
            taken = speaker.write(np.pad(sound, (0, self._period - len(sound))))
            if taken == 0:
                break
            self._rest = self._rest[taken:]
            wrote = wrote or len(sound) > 0
            queued += taken
        return wrote


def resampled(sound: Samples, from_hz: int, to_hz: int) -> Samples:
    """A whole recording at another rate, without delay; of one channel or with the channels first."""
    if from_hz == to_hz:
        return sound
    converted: Samples = soxr.resample(sound.T, from_hz, to_hz).T
    return np.ascontiguousarray(converted)
