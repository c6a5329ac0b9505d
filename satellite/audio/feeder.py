"""Keeps a speaker's queue at its target, so that all that is played leads its echo by the same time. For the audio thread."""

import numpy as np

from satellite.audio.card import Samples, Speaker
from satellite.audio.player import Player
from satellite.audio.reference import Reference
from satellite.core.events import Position
from satellite.core.units import PERIOD_MS, RATE_HZ

# the lead is averaged over so many periods: the thread is a little late now and then
_LEAD_PERIODS = 8


class Feeder:
    """Writes what a player plays to a speaker that has just been opened, and tells the reference of it."""

    def __init__(self, speaker: Speaker, player: Player, queue_ms: int, is_heard: bool) -> None:
        """`is_heard`: whether it sounds. Else there is no echo to be told of either."""
        self._speaker, self._player, self._is_heard = speaker, player, is_heard
        self._period = speaker.rate_hz * PERIOD_MS // 1000
        self._target = speaker.rate_hz * queue_ms // 1000
        self._silence: Samples = np.zeros(self._period, np.int16)
        self._rest: Samples = np.zeros(0, np.int16)
        self.begin_reference()

    def begin_reference(self) -> None:
        """Its other end has begun anew."""
        self.reference = Reference(self._speaker.rate_hz)
        self._lead: float | None = None
        self._settled = 0

    def settle(self) -> int:
        """Tells the player how much has not been played yet, and the caller how much of it the speaker has."""
        queued = self._speaker.queued()
        self._player.settle(queued + len(self._rest))
        return queued

    def fill(self, queued: int) -> None:
        """Fills the queue, in which so many frames are, with silence where there is nothing to say: its lead never jumps."""
        if len(self._rest):
            rest, self._rest = self._rest, np.zeros(0, np.int16)
            self._write(rest)
            queued += len(rest)
        if queued == 0:
            # it ran empty, or has just been opened: `begin_anew` knows better how
            return
        while queued + self._period <= self._target:
            samples = self._player.next_period(self._period)
            self._write(samples)
            self.reference.wrote(samples if self._is_heard else self._silence, self._player.gain_of_last_period)
            queued += self._period
        lead = queued - self._waiting_frames
        self._lead = lead if self._lead is None else self._lead + (lead - self._lead) / _LEAD_PERIODS

    def begin_anew(self) -> None:
        """Fills a speaker that stands still with silence, so that what follows has the lead over its echo that all had."""
        if self._speaker.queued() + len(self._rest) > 0:
            return
        most = self._target - self._period
        wanted = most if self._lead is None else round(self._lead) + self._waiting_frames
        self._write(np.zeros(min(max(wanted, self._period), most), np.int16))

    def silence(self) -> Position:
        """Stops the reply within this period, and says how far it came: 8 ms fade out in place of what was queued."""
        queued = self._speaker.queued() + len(self._rest)
        self._player.settle(queued)
        position = self._player.position
        fade = self._player.hold()
        self._speaker.drop()
        self.reference.strike(queued)
        # The writer is this thread, and from here on it has only the fade and silence to write: as many frames as were
        # dropped, so that what is written next has the lead over its echo that everything before had.
        tail = np.zeros(max(queued, len(fade)), np.int16)
        tail[: len(fade)] = fade
        self._rest = np.zeros(0, np.int16)
        self._write(tail)
        return position

    def lead_frames(self) -> int:
        """By how much what is written now is ahead of what is taken now, at 16 kHz."""
        if self._lead is None:
            return self._target * RATE_HZ // self._speaker.rate_hz - self.reference.waiting_frames
        settled, self._settled = self.reference.settled_frames - self._settled, self.reference.settled_frames
        self._lead += settled * self._speaker.rate_hz / RATE_HZ
        return round(self._lead * RATE_HZ / self._speaker.rate_hz)

    @property
    def _waiting_frames(self) -> int:
        return self.reference.waiting_frames * self._speaker.rate_hz // RATE_HZ

    def _write(self, samples: Samples) -> None:
        taken = self._speaker.write(samples) if not len(self._rest) else 0
        if taken < len(samples):
            self._rest = np.concatenate((self._rest, samples[taken:]))
