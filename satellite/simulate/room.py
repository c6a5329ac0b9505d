"""A room with a loudspeaker, a microphone, somebody who talks and a noise floor, computed sample by sample.

Time is counted in frames of the air at RATE_HZ since the room began. `advance` is called by one thread; `say`,
`change_path` and the tapes may be used by any.
"""

import copy
import threading
from dataclasses import dataclass

import numpy as np

from satellite.audio.card import Samples
from satellite.core.units import PERIOD_FRAMES, RATE_HZ, Decibels
from satellite.simulate.echo_path import EchoPath
from satellite.simulate.loudspeaker import Linear, Loudspeaker
from satellite.simulate.signals import (
    Signal,
    Tape,
    active_level_db,
    convolved,
    direct_path_frames,
    pcm,
    signal,
)

# what each record remembers unless told otherwise; longer than any scene, 77 MB for the four of them once full
RECORD_S = 600

_LINEAR = Linear()


@dataclass(frozen=True, slots=True)
class Said:
    """Where a near-end sound lies at the microphone, in frames of the air; the end is that of the direct sound."""

    name: str
    start_frame: int
    onset_frame: int
    end_frame: int


@dataclass(frozen=True, slots=True)
class _Sound:
    start_frame: int
    samples: Signal


class Room:
    """Turns what the loudspeaker is given into what the microphone hears, and records both.

    Of the records `given` is what goes into the loudspeaker and `cone` what comes out of it, `near` the near-end sounds at the
    microphone, and `heard` all that the microphone hears.
    """

    def __init__(
        self,
        echo_ir: Signal,
        talker_ir: Signal,
        noise: Signal,
        loudspeaker: Loudspeaker = _LINEAR,
        record_s: float = RECORD_S,
    ) -> None:
        """Noise is as heard at the microphone and repeats; it may be empty. The room has a copy of the loudspeaker as it is.

        Records keep the latest `record_s`, which has to hold any echo path, and what a reader of the microphone leaves unread.
        """
        self.given, self.cone, self.near, self.heard = (Tape(round(record_s * RATE_HZ)) for _ in range(4))
        self._echo_ir, self._talker_ir, self._noise = echo_ir, talker_ir, noise
        self._loudspeaker, self._unused_loudspeaker = copy.deepcopy(loudspeaker), copy.deepcopy(loudspeaker)
        self._echo_path = EchoPath(echo_ir, self.cone)
        self._lock = threading.Lock()
        self._sounds: list[_Sound] = []
        self._end_frame = 0

    @property
    def end_frame(self) -> int:
        """The first frame that is not computed yet."""
        return self._end_frame

    def say(
        self,
        samples: Samples,
        at_frame: int = 0,
        gain_db: float = 0.0,
        *,
        name: str = "",
        onset_frame: int = 0,
        end_frame: int | None = None,
        through_talker_ir: bool = True,
    ) -> Said:
        """Lets a recording sound so that it begins at the microphone at this frame, or at once if that is past.

        Onset and end are those of the dry recording.
        """
        dry = signal(samples) * np.float32(10 ** (gain_db / 20))
        wet = convolved(dry, self._talker_ir) if through_talker_ir else dry
        delay = direct_path_frames(self._talker_ir) if through_talker_ir else 0
        with self._lock:
            start = max(at_frame, self._end_frame)
            self._sounds.append(_Sound(start, wet))
        end = len(samples) if end_frame is None else end_frame
        return Said(name, start, start + delay + onset_frame, start + delay + end)

    def change_path(self, at_frame: int, gain_db: float = 0.0, ir: Signal | None = None) -> None:
        """From this frame on, or at once if that is past, the echo takes another path, faded over in 10 ms.

        Without `ir` it is the one in force by then, so that gains add up. ValueError if the records are shorter than `ir`.
        """
        self._echo_path.change(at_frame, gain_db, ir)

    def advance(self, played: Signal) -> None:
        """Lets so much time pass while the loudspeaker is given these samples."""
        for at in range(0, len(played), PERIOD_FRAMES):
            self._advance_block(played[at : at + PERIOD_FRAMES])

    def echo_of(self, played: Signal) -> Signal:
        """What the microphone hears of a sound played in silence: by a loudspeaker as it was at first, over the first path."""
        return convolved(copy.deepcopy(self._unused_loudspeaker).emit(played), self._echo_ir)

    def voice_of(self, dry: Signal) -> Signal:
        """What the microphone hears of the talker in silence."""
        return convolved(dry, self._talker_ir)

    def _advance_block(self, played: Signal) -> None:
        start, end = self._end_frame, self._end_frame + len(played)
        with self._lock:
            self._end_frame = end
            sounds = self._sounds
            self._sounds = [sound for sound in sounds if sound.start_frame + len(sound.samples) > end]
        cone = self._loudspeaker.emit(played)
        echo = self._echo_path.run(cone)
        near = _sum_of(sounds, start, end)
        given_pcm = pcm(played)
        self.given.append(given_pcm)
        self.cone.append(given_pcm if cone is played else pcm(cone))
        self.near.append(pcm(near))
        self.heard.append(pcm(echo + near + self._noise_between(start, end)))

    def _noise_between(self, start: int, end: int) -> Signal:
        if len(self._noise) == 0:
            return np.zeros(end - start, np.float32)
        first = start % len(self._noise)
        if first + end - start <= len(self._noise):
            return self._noise[first : first + end - start]
        return self._noise[np.arange(start, end) % len(self._noise)]


def ser_gain_db(room: Room, reply: Samples, user: Samples, ser_db: float) -> Decibels:
    """The gain for `say` that puts the user so far above the echo of the reply at the microphone.

    Both levels are those of active speech.
    """
    echo_db = active_level_db(room.echo_of(signal(reply)))
    voice_db = active_level_db(room.voice_of(signal(user)))
    return Decibels(ser_db + echo_db - voice_db)


def _sum_of(sounds: list[_Sound], start: int, end: int) -> Signal:
    total = np.zeros(end - start, np.float32)
    for sound in sounds:
        begin = max(start, sound.start_frame)
        until = min(end, sound.start_frame + len(sound.samples))
        if begin < until:
            total[begin - start : until - start] += sound.samples[begin - sound.start_frame : until - sound.start_frame]
    return total
