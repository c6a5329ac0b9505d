"""A card of parts that are opened, lost and opened again one by one; what is missing is stood in for meanwhile.

So a satellite without a loudspeaker still hears commands, and has them carried out; without a microphone it still rings.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from satellite.audio.back_off import BackOff
from satellite.audio.card import Card, Channels, Microphone, Samples, Speaker
from satellite.audio.fed import GivenSpeaker
from satellite.audio.pair import WaitingMicrophone
from satellite.audio.watch import WatchedMicrophone, WatchedSpeaker
from satellite.core.hardware import Condition, Half
from satellite.core.units import PERIOD_MS, RATE_HZ, Millis

OpenCard = Callable[[], Card]
OpenMicrophone = Callable[[], tuple[WaitingMicrophone, Callable[[], None]]]
OpenSpeaker = Callable[[], tuple[Speaker, Callable[[], None]]]


@dataclass(frozen=True, slots=True)
class Devices:
    """A microphone and a speaker that know nothing of each other. Each is opened by itself, and watched.

    What opens one returns what gives it back, too; DeviceError says why it cannot.
    """

    open_microphone: OpenMicrophone
    open_speaker: OpenSpeaker
    microphone_label: str = "the microphone"
    speaker_label: str = "the speaker"


class Opened(Protocol):
    """What came of opening a part: one half of a card, or both."""

    @property
    def microphone(self) -> Microphone | None: ...

    @property
    def speaker(self) -> Speaker | None: ...

    def wait(self, timeout_s: float) -> bool:
        """As `Card.wait`, if there is a microphone."""

    def close(self) -> None:
        """May be called twice."""


@dataclass(frozen=True, slots=True)
class _OneHalf:
    microphone: Microphone | None
    speaker: Speaker | None
    wait: Callable[[float], bool]
    close: Callable[[], None]


class Part:
    """Devices that come and go together."""

    def __init__(self, halves: tuple[Half, ...], open_it: Callable[[Condition], Opened]) -> None:
        self.halves, self._open = halves, open_it
        self.opened: Opened | None = None
        self.back_off = BackOff()
        self.known_trouble = ""
        self.condition, self.why = Condition.OPENING, ""
        """That were told last."""
        self.is_tried = False
        """Whether it was opened again because it is silent."""

    def open(self) -> None:
        """Opens it. DeviceError says why it cannot."""
        self.opened = self._open(Condition.SILENT if self.is_tried else Condition.WORKING)

    def close(self) -> None:
        """Gives it back. May be called twice."""
        if self.opened is not None:
            self.opened.close()
            self.opened = None

    @property
    def is_proven(self) -> bool:
        """Whether it is open, and works."""
        halves = () if self.opened is None else (self.opened.microphone, self.opened.speaker)
        watched = [half for half in halves if isinstance(half, WatchedMicrophone | WatchedSpeaker)]
        return self.opened is not None and all(half.is_proven for half in watched)

    @property
    def present(self) -> Condition:
        """What it is like, if it works."""
        microphone = None if self.opened is None else self.opened.microphone
        return microphone.condition if isinstance(microphone, WatchedMicrophone) else Condition.WORKING

    def rate_hz(self, half: Half) -> int:
        """Of one that is open."""
        assert self.opened is not None
        device = self.opened.microphone if half is Half.MICROPHONE else self.opened.speaker
        return 0 if device is None else device.rate_hz


def parts_of(devices: OpenCard | Devices, clock: Callable[[], float]) -> tuple[Part, ...]:
    """Two that are watched, or one that is both."""
    if not isinstance(devices, Devices):
        open_card = devices
        return (Part(tuple(Half), lambda condition: open_card()),)

    def open_microphone(condition: Condition) -> Opened:
        microphone, close = devices.open_microphone()
        watched = WatchedMicrophone(microphone, microphone.wait, devices.microphone_label, clock, condition)
        return _OneHalf(watched, None, watched.wait, close)

    def open_speaker(condition: Condition) -> Opened:
        speaker, close = devices.open_speaker()
        return _OneHalf(None, WatchedSpeaker(speaker, devices.speaker_label, clock), lambda timeout_s: False, close)

    return Part((Half.MICROPHONE,), open_microphone), Part((Half.SPEAKER,), open_speaker)


class _NoMicrophone:
    """Gives nothing, as a microphone that stands still: nobody is heard, and nobody is waited for."""

    rate_hz = RATE_HZ
    overruns = 0
    loopback: Samples | None = None
    every_channel: Channels | None = None

    def read(self) -> Samples | None:
        return None


class PartedCard:
    """The `Card` of all that is open."""

    def __init__(
        self,
        parts: Sequence[Part],
        clock: Callable[[], float],
        queue_ms: int = 30,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self.parts = parts
        self._clock, self._queue_ms, self._sleep = clock, queue_ms, sleep
        self._silence = self._new_silence(RATE_HZ)
        self._deafness = _NoMicrophone()

    @property
    def microphone(self) -> Microphone:
        opened = self._opened(Half.MICROPHONE)
        return self._deafness if opened is None or opened.microphone is None else opened.microphone

    @property
    def speaker(self) -> Speaker:
        opened = self._opened(Half.SPEAKER)
        return self._silence if opened is None or opened.speaker is None else opened.speaker

    def has(self, half: Half) -> bool:
        """Whether that is the hardware itself."""
        return self._opened(half) is not None

    def lose(self, part: Part) -> None:
        """Closes it. What stands in for a speaker has its rate, so that what was made for the one fits the other."""
        if Half.SPEAKER in part.halves:
            self._silence = self._new_silence(self.speaker.rate_hz)
        part.close()

    def wait(self, timeout_s: float) -> bool:
        opened = self._opened(Half.MICROPHONE)
        if opened is not None:
            return opened.wait(timeout_s)
        # as long as a microphone would let it sleep
        self._sleep(min(timeout_s, PERIOD_MS / 1000))
        return False

    def close(self) -> None:
        for part in self.parts:
            part.close()

    def _opened(self, half: Half) -> Opened | None:
        return next((part.opened for part in self.parts if half in part.halves), None)

    def _new_silence(self, rate_hz: int) -> Speaker:
        return GivenSpeaker(lambda samples: None, self._clock, self._queue_ms, rate_hz)


def due(parts: Sequence[Part], now: Millis) -> list[Part]:
    """Those that are to be opened now."""
    return [part for part in parts if part.opened is None and part.back_off.is_due(now)]
