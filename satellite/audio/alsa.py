"""A card through ALSA: two non-blocking PCMs that one thread serves. Only `AlsaCard.wait` sleeps, and nothing logs."""

import errno
import importlib
import math
import os
import select
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from satellite.audio.card import Samples
from satellite.audio.pcm_format import PcmFormat
from satellite.core.units import PERIOD_MS, RATE_HZ
from satellite.errors import ConfigError, DeviceError

Direction = Literal["capture", "playback"]

# what sound cards that cannot do the wanted rate can do
OTHER_RATES_HZ = (48_000, 44_100)

# one period plays while the next is written; a duck has to sound within the queue
QUEUE_LIMITS_MS = (2 * PERIOD_MS, 40)

# how long the audio thread may be kept from running without a loss; it costs no latency
CAPTURE_BUFFER_MS = 200

# pyalsaaudio returns the error number of an xrun instead of raising it
XRUN = -errno.EPIPE


@dataclass(frozen=True, slots=True)
class AlsaSettings:
    """Which PCMs to open, by their ALSA names, and how."""

    capture_device: str = "default"
    playback_device: str = "default"
    rate_hz: int = RATE_HZ
    queue_ms: int = 30
    capture_channel: int = 0

    def __post_init__(self) -> None:
        shortest_ms, longest_ms = QUEUE_LIMITS_MS
        if not shortest_ms <= self.queue_ms <= longest_ms:
            raise ConfigError(f"queue_ms is {self.queue_ms}; it has to be {shortest_ms} to {longest_ms}")


def open_card(settings: AlsaSettings) -> "AlsaCard":
    """Opens both devices, at the wanted rate or another that they can do. DeviceError says which will not, and why."""
    capture = _open(settings.capture_device, "capture", settings.rate_hz, CAPTURE_BUFFER_MS, settings.capture_channel)
    try:
        playback = _open(settings.playback_device, "playback", settings.rate_hz, settings.queue_ms, channel=0)
    except DeviceError:
        capture.close()
        raise
    return AlsaCard(capture, playback, settings.capture_channel, settings.queue_ms)


class AlsaMicrophone:
    """The `Microphone` of an AlsaCard; its first `read` or `wait` starts it."""

    def __init__(self, pcm: "_Pcm", channel: int) -> None:
        self.overruns = 0
        self._pcm = pcm
        self._channel = channel
        self._period_frames = pcm.format.period_frames
        self._held = np.zeros(self._period_frames + pcm.format.device_period_frames, np.int16)
        self._held_frames = 0

    @property
    def rate_hz(self) -> int:
        return self._pcm.format.rate_hz

    def read(self) -> Samples | None:
        if not self.fill():
            return None
        period = self._held[: self._period_frames].copy()
        left_frames = self._held_frames - self._period_frames
        self._held[:left_frames] = self._held[self._period_frames : self._held_frames]
        self._held_frames = left_frames
        return period

    def fill(self) -> bool:
        """Takes from the device what makes up a period, and says whether it is complete."""
        while self._held_frames < self._period_frames:
            # Only whole device periods: taking a part would move every later wake-up one period back.
            if self._pcm.is_short_of(self._pcm.format.device_period_frames):
                return False
            count, data = self._pcm.read()
            if count == XRUN:
                count, data = self._start_over()
            if count <= 0:
                return False
            self._hold(count, data)
        return True

    def _start_over(self) -> tuple[int, bytes]:
        self.overruns += 1
        self._held_frames = 0  # what comes next does not join on
        return self._pcm.read()

    def _hold(self, count: int, data: bytes) -> None:
        interleaved = np.frombuffer(data, "<i2").reshape(count, self._pcm.format.channels)
        self._held[self._held_frames : self._held_frames + count] = interleaved[:, self._channel]
        self._held_frames += count


class AlsaSpeaker:
    """The `Speaker` of an AlsaCard. Running dry is an underrun even at the end of a sound: write silence, then drop."""

    def __init__(self, pcm: "_Pcm", queue_ms: int) -> None:
        self.underruns = 0
        self._pcm = pcm
        self._plays = False
        # Some drivers give larger buffers than asked for; less than two device periods cannot be kept filled.
        queue_frames = max(pcm.format.rate_hz * queue_ms // 1000, 2 * pcm.format.device_period_frames)
        self.capacity_frames = min(queue_frames, pcm.format.buffer_frames)

    @property
    def rate_hz(self) -> int:
        return self._pcm.format.rate_hz

    def queued(self) -> int:
        available = self._pcm.avail()
        if not self._plays:
            return 0
        if available == XRUN:
            self._underran()
            return 0
        if available < 0:
            raise DeviceError(f"{self._pcm.label}: {os.strerror(-available)}")
        return max(self._pcm.format.buffer_frames - available, 0)

    def write(self, samples: Samples) -> int:
        free_frames = self.capacity_frames - self.queued()
        if free_frames <= 0 or len(samples) == 0:
            return 0
        interleaved = self._interleaved(samples[:free_frames])
        taken = self._pcm.write(interleaved)
        if taken == XRUN:
            self._underran()
            taken = self._pcm.write(interleaved)
        self._plays = self._plays or taken > 0
        return max(taken, 0)

    def drop(self) -> None:
        self._plays = False
        with suppress(DeviceError):  # a lost device is silent too, and the next call says that it is lost
            self._pcm.drop()

    def _underran(self) -> None:
        if self._plays:
            self.underruns += 1
        self._plays = False

    def _interleaved(self, samples: Samples) -> Samples:
        channels = self._pcm.format.channels
        mono = np.ascontiguousarray(samples, "<i2")
        return mono if channels == 1 else np.repeat(mono, channels)


class AlsaCard:
    """The `Card` of two ALSA devices, which may belong to one piece of hardware or to two."""

    def __init__(self, capture: "_Pcm", playback: "_Pcm", capture_channel: int, queue_ms: int) -> None:
        self.microphone = AlsaMicrophone(capture, capture_channel)
        self.speaker = AlsaSpeaker(playback, queue_ms)
        self._capture = capture
        self._playback = playback
        self._descriptors = dict(capture.descriptors())
        self._poll = select.poll()
        for fd, events in self._descriptors.items():
            self._poll.register(fd, events)

    def wait(self, timeout_s: float) -> bool:
        deadline_s = time.monotonic() + timeout_s
        while not self.microphone.fill():
            left_s = deadline_s - time.monotonic()
            if left_s <= 0:
                return False
            ready = dict(self._poll.poll(left_s * 1000))
            if ready:  # `fill` finds out what has happened, but the driver has to see the events
                self._capture.take_events([(fd, ready.get(fd, 0)) for fd in self._descriptors])
        return True

    def close(self) -> None:
        self._playback.close()
        self._capture.close()


class _Pcm:
    """An open PCM: pyalsaaudio's calls, its errors told as DeviceError with the name of the device."""

    def __init__(self, device: str, direction: Direction, rate_hz: int, buffer_ms: int, channels: int) -> None:
        self.label = f"{direction} device {device!r}"
        self._suffix = f" [{device}]"
        self._alsa = _alsaaudio()
        self._handle = self._call(
            self._alsa.PCM,
            self._alsa.PCM_CAPTURE if direction == "capture" else self._alsa.PCM_PLAYBACK,
            self._alsa.PCM_NONBLOCK,
            device=device,
            rate=rate_hz,
            channels=channels,
            format=self._alsa.PCM_FORMAT_S16_LE,
            periodsize=rate_hz * PERIOD_MS // 1000,
            periods=math.ceil(buffer_ms / PERIOD_MS),
        )
        self.format = PcmFormat.of(self._handle.info())

    def avail(self) -> int:
        """Frames that can be read or written at once, or a negative error number."""
        available: int = self._call(self._handle.avail)
        # a driver may still answer with the last number that it knew
        if available == -errno.ENODEV or self._handle.state() == self._alsa.PCM_STATE_DISCONNECTED:
            raise DeviceError(f"{self.label}: {os.strerror(errno.ENODEV)}")
        return available

    def is_short_of(self, frames: int) -> bool:
        """Whether all is well, except that there are not so many frames yet."""
        available = self.avail()
        return 0 <= available < frames and self._handle.state() == self._alsa.PCM_STATE_RUNNING

    def read(self) -> tuple[int, bytes]:
        """At most one device period; starts the stream if need be. The count is 0 if there is none yet, or XRUN."""
        taken: tuple[int, bytes] = self._call(self._handle.read)
        return taken

    def write(self, interleaved: Samples) -> int:
        """Frames taken, or XRUN; starts the stream if need be."""
        taken: int = self._call(self._handle.write, interleaved)
        return taken

    def drop(self) -> None:
        self._call(self._handle.drop)

    def descriptors(self) -> list[tuple[int, int]]:
        """What to poll for which events."""
        descriptors: list[tuple[int, int]] = self._call(self._handle.polldescriptors)
        return descriptors

    def take_events(self, polled: list[tuple[int, int]]) -> None:
        """Tells the driver what the poll of all its descriptors gave."""
        self._call(self._handle.polldescriptors_revents, polled)

    def close(self) -> None:
        """Gives the device back. May be called twice."""
        with suppress(DeviceError):  # closed already, or lost
            self.drop()  # pyalsaaudio would play out what is queued
        with suppress(DeviceError):
            self._call(self._handle.close)

    def _call(self, function: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        try:
            return function(*args, **kwargs)
        except self._alsa.ALSAAudioError as error:
            raise DeviceError(f"{self.label}: {str(error).removesuffix(self._suffix)}") from error


def _open(device: str, direction: Direction, rate_hz: int, buffer_ms: int, channel: int) -> _Pcm:
    """The PCM at the first rate that will do: the wanted one, what the device gives in its place, another usual one."""
    complaint: str | None = None
    for asked_hz in dict.fromkeys((rate_hz, *OTHER_RATES_HZ)):
        pcm = _Pcm(device, direction, asked_hz, buffer_ms, channels=channel + 1)
        given_hz = pcm.format.rate_hz
        if given_hz != asked_hz and pcm.format.rate_complaint() is None:
            pcm.close()  # period and buffer were measured for another rate
            pcm = _Pcm(device, direction, given_hz, buffer_ms, channels=channel + 1)
        complaint = pcm.format.complaint(channel)
        if complaint is None:
            return pcm
        pcm.close()
    raise DeviceError(f"{direction} device {device!r} {complaint}")


def _alsaaudio() -> Any:
    """The library, which is only needed where there is a sound card; it has no types."""
    try:
        return importlib.import_module("alsaaudio")
    except ImportError as error:
        raise DeviceError("ALSA needs the package pyalsaaudio, which is not installed") from error
