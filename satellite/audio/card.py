"""The sound card as the audio thread sees it: mono 16-bit samples in 10 ms periods, and no call that waits but one.

`alsa.py` implements this on real hardware, `simulate/card.py` in a simulated room. What holds for both:

- Every method but `Card.wait` returns at once.
- Sample counts never lie: what `write` accepted is played in order unless `drop` discards it, and
  `queued` is what is accepted and has not been clocked out yet.
- An overrun or underrun is recovered by the card, and counted.
"""

from typing import Protocol

import numpy as np
from numpy.typing import NDArray

Samples = NDArray[np.int16]
"""Mono samples, shape (n,)."""

Channels = NDArray[np.int16]
"""Samples of several channels, shape (channels, n)."""


class Microphone(Protocol):
    """The capturing half of a card."""

    @property
    def rate_hz(self) -> int:
        """Of the samples that `read` gives."""

    @property
    def overruns(self) -> int:
        """How often samples were lost because they were not read in time."""

    @property
    def loopback(self) -> Samples | None:
        """What the device itself played during the period that `read` gave last; None if it does not tell."""

    @property
    def every_channel(self) -> Channels | None:
        """That period in every channel of the device; None unless the card was opened to tell."""

    def read(self) -> Samples | None:
        """The next whole period (rate_hz / 100 samples), or None if it is not there yet. DeviceError if the device is gone."""


class Speaker(Protocol):
    """The playing half of a card. It begins to play at the first write after it was opened, dropped or underran."""

    @property
    def rate_hz(self) -> int:
        """Of the samples that `write` takes."""

    @property
    def capacity_frames(self) -> int:
        """The most that can be queued."""

    @property
    def underruns(self) -> int:
        """How often the queue ran empty while playing."""

    def queued(self) -> int:
        """Frames accepted by `write` and not yet clocked out; 0 when stopped. DeviceError if the device is gone."""

    def write(self, samples: Samples) -> int:
        """Queues samples and says how many were taken: fewer when the queue is full. DeviceError if the device is gone."""

    def drop(self) -> None:
        """Stops at once and discards all that is queued; the next `write` starts anew."""


class Card(Protocol):
    """A microphone and a speaker that one thread serves."""

    @property
    def microphone(self) -> Microphone: ...

    @property
    def speaker(self) -> Speaker: ...

    def wait(self, timeout_s: float) -> bool:
        """Sleeps until a period can be read, at most so long; says whether one can. DeviceError if the device is gone."""

    def close(self) -> None:
        """Gives both devices back without playing out what is queued. May be called twice."""
