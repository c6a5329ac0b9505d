"""What the speaker plays, period by period: one reply with its gain and its position, and short sounds beside it.

Runs in the audio thread. It never asks the card for anything: the engine tells it how much is still queued.
"""

from enum import Enum

import numpy as np
from numpy.typing import NDArray

from satellite.audio.card import Samples
from satellite.audio.reply import Reply
from satellite.core.events import Position
from satellite.core.ledger import Ledger
from satellite.core.units import Millis, millis

# deep enough for the probe to tell echo from user, shallow enough to follow the reply
DUCK_DB = -20.0
# as fast as a duck can be without a click
DUCK_RAMP_MS = 10
# a slow return is not heard as a pumping
RELEASE_RAMP_MS = 200
# the last sound of a reply that is stopped
STOP_FADE_MS = 8
# a reply that goes on repeats the word it was stopped in
REWIND_MS = 200
RESUME_RAMP_MS = 30
# softer than half is not listened to
AUDIBLE_GAIN = 0.5
# a reply whose end was never announced
STARVED_MS = 10_000

_DUCKED_GAIN = 10.0 ** (DUCK_DB / 20.0)


class Status(Enum):
    """Of the reply in the player."""

    EMPTY = "empty"
    PLAYING = "playing"
    HELD = "held"


class Player:
    """Makes the samples of the next period. All counts are frames at the speaker's rate."""

    def __init__(self, rate_hz: int, volume: float = 1.0) -> None:
        """`volume` is a factor from 0 to 1 on all that is played; it may be changed at any time."""
        self.rate_hz = rate_hz
        self.volume = self._last_volume = volume
        self.status = Status.EMPTY
        self.reply: Reply | None = None
        self._next = 0
        self._ledger = Ledger()
        self._gain = 1.0
        self._target = 1.0
        self._step = 0.0
        self._starved = 0
        self._sound: Samples = np.zeros(0, np.int16)
        self.gain_of_last_period = 1.0

    # ---- the reply

    def play(self, reply: Reply) -> None:
        """Begins a reply with its first sample; what was before it is forgotten."""
        self.reply, self.status = reply, Status.PLAYING
        self._next, self._starved = 0, 0
        self._ledger = Ledger()
        self._gain = self._target = 1.0

    def duck(self) -> None:
        """Lowers it from the next period on."""
        self._ramp_to(_DUCKED_GAIN, DUCK_RAMP_MS)

    def unduck(self) -> None:
        """Raises it again."""
        self._ramp_to(1.0, RELEASE_RAMP_MS)

    def hold(self) -> Samples:
        """Freezes the reply where the speaker has got to, and gives the fade that is to sound last.

        `settle` must have been told how much the card still held; that is to be dropped.
        """
        assert self.reply is not None
        start = self._ledger.played
        fade = self.reply.read(start, self.rate_hz * STOP_FADE_MS // 1000).astype(np.float32)
        # the samples the card still holds were made with about this gain
        fade *= np.linspace(self._gain * self._last_volume, 0.0, len(fade), dtype=np.float32)
        self._ledger.discard()
        self._ledger.wrote(len(fade), start, audible=False)
        self.status = Status.HELD
        return fade.astype(np.int16)

    def resume(self) -> None:
        """Goes on a little before where it was held."""
        self._next = max(0, self._ledger.played - self.rate_hz * REWIND_MS // 1000)
        self.status = Status.PLAYING
        self._gain = 0.0
        self._ramp_to(1.0, RESUME_RAMP_MS)

    def forget(self) -> None:
        """There is no reply any more."""
        self.reply, self.status = None, Status.EMPTY
        self._ledger = Ledger()

    def settle(self, queued: int) -> None:
        """The card has yet to play so many frames of what was written."""
        self._ledger.settle(queued)

    @property
    def position(self) -> Position:
        """How far the reply has come, as of the last `settle`."""
        reply = self.reply
        if reply is None:
            return Position(Millis(0), Millis(0), Millis(0), None)
        received = self._ms(reply.frames)
        return Position(
            self._ms(self._ledger.played), self._ms(self._ledger.heard), received, received if reply.is_complete else None
        )

    @property
    def remaining_ms(self) -> Millis | None:
        """What has not left the speaker; None while more may come."""
        if self.reply is None or not self.reply.is_complete:
            return None
        return self._ms(self.reply.frames - self._ledger.played)

    @property
    def has_ended(self) -> bool:
        """Whether the last sample has left the speaker, or no more has come for too long."""
        if self.status is not Status.PLAYING or self.reply is None:
            return False
        played_out = self.reply.is_complete and self._ledger.played >= self.reply.frames
        return played_out or self._ms(self._starved) >= STARVED_MS

    @property
    def gain(self) -> float:
        """Of the reply at the end of what was written last; 0 while none is spoken."""
        return self._gain if self.status is Status.PLAYING else 0.0

    # ---- sounds

    def add_sound(self, samples: Samples) -> None:
        """Plays a short sound beside whatever plays; a sound that was still playing is cut."""
        self._sound = samples

    # ---- what is written

    def next_period(self, count: int) -> Samples:
        """The next frames for the speaker. The caller writes all of them."""
        mixed = self._next_of_reply(count)
        if len(self._sound):
            sound, self._sound = self._sound[:count], self._sound[count:]
            mixed[: len(sound)] += sound
        if self.volume != 1.0 or self._last_volume != 1.0:
            # over a period, so that a change does not click
            mixed *= np.linspace(self._last_volume, self.volume, count, dtype=np.float32)
            self._last_volume = self.volume
        np.clip(mixed, -32768, 32767, out=mixed)
        return mixed.astype(np.int16)

    def _next_of_reply(self, count: int) -> NDArray[np.float32]:
        mixed = np.zeros(count, np.float32)
        self.gain_of_last_period = self._target
        if self.status is not Status.PLAYING or self.reply is None:
            self._ledger.wrote(count, None, audible=False)
            return mixed
        samples = self.reply.read(self._next, count)
        got = len(samples)
        mixed[:got] = samples
        mixed *= self._gains(count)
        if got:
            self._ledger.wrote(got, self._next, audible=self._gain >= AUDIBLE_GAIN)
            self._next += got
        if got < count:
            self._ledger.wrote(count - got, None, audible=False)
        self._starved = 0 if got or self.reply.is_complete else self._starved + count
        return mixed

    def _ramp_to(self, gain: float, ramp_ms: int) -> None:
        self._target = gain
        self._step = (gain - self._gain) / (self.rate_hz * ramp_ms / 1000)

    def _gains(self, count: int) -> NDArray[np.float32]:
        if self._gain == self._target:
            return np.full(count, self._gain, np.float32)
        steps = self._gain + self._step * np.arange(1, count + 1, dtype=np.float32)
        low, high = sorted((self._gain, self._target))
        gains: NDArray[np.float32] = np.clip(steps, low, high).astype(np.float32)
        end = float(gains[-1])
        self._gain = self._target if abs(end - self._target) <= abs(self._step) else end
        return gains

    def _ms(self, count: int) -> Millis:
        return millis(count, self.rate_hz)
