"""A card through ALSA: two non-blocking PCMs that one thread serves. Only `AlsaMicrophone.wait` sleeps, and nothing logs."""

import os
import select
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass

import numpy as np

from satellite.audio.card import Channels, Samples
from satellite.audio.pcm import XRUN, Pcm, open_pcm
from satellite.audio.pcm_format import PcmFormat
from satellite.core.units import PERIOD_MS, RATE_HZ
from satellite.errors import ConfigError, DeviceError

# one period plays while the next is written; a duck has to sound within the queue
QUEUE_LIMITS_MS = (2 * PERIOD_MS, 40)

# how long the audio thread may be kept from running without a loss; it costs no latency
CAPTURE_BUFFER_MS = 200

# the highest that can be configured is channel 63; what claims to have more converts
_MOST_CHANNELS = 64


@dataclass(frozen=True, slots=True)
class AlsaSettings:
    """Which PCMs to open, by their ALSA names, and how."""

    capture_device: str = "default"
    playback_device: str = "default"
    rate_hz: int = RATE_HZ
    queue_ms: int = 30
    capture_channel: int = 0
    loopback_channel: int | None = None
    """Of an array that returns what it plays; None if the microphone does not, or is not to be asked."""
    every_channel_of: int | None = None
    """The microphone tells all its channels, and is asked for so many at least; None if it is to tell those above."""

    def __post_init__(self) -> None:
        shortest_ms, longest_ms = QUEUE_LIMITS_MS
        if not shortest_ms <= self.queue_ms <= longest_ms:
            raise ConfigError(f"queue_ms is {self.queue_ms}; it has to be {shortest_ms} to {longest_ms}")
        if self.capture_channel == self.loopback_channel:
            raise ConfigError(f"audio.reference and audio.microphone_channel are both channel {self.capture_channel}")


def open_card(settings: AlsaSettings) -> "AlsaCard":
    """Opens both devices, at the wanted rate or another that they can do. DeviceError says which will not, and why."""
    capture = _open_capture(settings)
    try:
        playback = _open_playback(settings)
    except DeviceError:
        capture.close()
        raise
    return AlsaCard(capture, playback, settings)


def open_microphone(settings: AlsaSettings) -> tuple["AlsaMicrophone", Callable[[], None]]:
    """Opens the capture device alone, and returns what gives it back, too. DeviceError says why it cannot."""
    capture = _open_capture(settings)
    return AlsaMicrophone(capture, settings), capture.close


def open_speaker(settings: AlsaSettings) -> tuple["AlsaSpeaker", Callable[[], None]]:
    """The same for the playback device."""
    playback = _open_playback(settings)
    return AlsaSpeaker(playback, settings.queue_ms), playback.close


def _open_capture(settings: AlsaSettings) -> Pcm:
    channels = max(1 + max(settings.capture_channel, settings.loopback_channel or 0), settings.every_channel_of or 1)
    return open_pcm(settings.capture_device, "capture", settings.rate_hz, CAPTURE_BUFFER_MS, channels)


def _open_playback(settings: AlsaSettings) -> Pcm:
    return open_pcm(settings.playback_device, "playback", settings.rate_hz, settings.queue_ms, channels=1)


class AlsaMicrophone:
    """The `Microphone` of an ALSA device; its first `read` or `wait` starts it."""

    def __init__(self, pcm: Pcm, settings: AlsaSettings) -> None:
        self.overruns = 0
        self.loopback: Samples | None = None
        self.every_channel: Channels | None = None
        self._pcm = pcm
        self._returns = settings.loopback_channel is not None
        self._tells = settings.every_channel_of is not None
        every = range(pcm.format.channels) if self._tells else ()
        channels = (settings.capture_channel, settings.loopback_channel, *every)
        self._channels = [channel for channel in channels if channel is not None]
        self._period_frames = pcm.format.period_frames
        self._held = np.zeros((len(self._channels), self._period_frames + pcm.format.device_period_frames), np.int16)
        self._held_frames = 0
        self._descriptors = dict(pcm.descriptors())
        self._poll = select.poll()
        for fd, events in self._descriptors.items():
            self._poll.register(fd, events)

    @property
    def rate_hz(self) -> int:
        return self._pcm.format.rate_hz

    def read(self) -> Samples | None:
        if not self._fill():
            return None
        period = self._held[:, : self._period_frames].copy()
        left_frames = self._held_frames - self._period_frames
        self._held[:, :left_frames] = self._held[:, self._period_frames : self._held_frames]
        self._held_frames = left_frames
        near: Samples = period[0]
        self.loopback = period[1] if self._returns else None
        self.every_channel = period[-self._pcm.format.channels :] if self._tells else None
        return near

    def wait(self, timeout_s: float) -> bool:
        """As `Card.wait`."""
        deadline_s = time.monotonic() + timeout_s
        while not self._fill():
            left_s = deadline_s - time.monotonic()
            if left_s <= 0:
                return False
            # a PCM that converts the rate may wake its poll for every second period only
            ready = dict(self._poll.poll(min(left_s * 1000, PERIOD_MS)))
            if ready:  # `_fill` finds out what has happened, but the driver has to see the events
                self._pcm.take_events([(fd, ready.get(fd, 0)) for fd in self._descriptors])
        return True

    def _fill(self) -> bool:
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
        end = self._held_frames + count
        for held, channel in zip(self._held, self._channels, strict=True):
            held[self._held_frames : end] = self._pcm.channel_of(data, channel)
        self._held_frames = end


class AlsaSpeaker:
    """The `Speaker` of an ALSA device. Running dry is an underrun even at the end of a sound: write silence, then drop."""

    def __init__(self, pcm: Pcm, queue_ms: int) -> None:
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
        interleaved = self._pcm.interleaved(samples[:free_frames])
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


class AlsaCard:
    """The `Card` of two ALSA devices, which may belong to one piece of hardware or to two."""

    def __init__(self, capture: Pcm, playback: Pcm, settings: AlsaSettings) -> None:
        self.microphone = AlsaMicrophone(capture, settings)
        self.speaker = AlsaSpeaker(playback, settings.queue_ms)
        self._capture = capture
        self._playback = playback

    @property
    def formats(self) -> tuple[PcmFormat, PcmFormat]:
        """What microphone and speaker gave."""
        return self._capture.format, self._playback.format

    def most_channels(self) -> int:
        """How many the microphone could give; what it gives, if it converts."""
        most = max(self._capture.ability().channels, default=0)
        return most if most <= _MOST_CHANNELS else self._capture.format.channels

    def wait(self, timeout_s: float) -> bool:
        return self.microphone.wait(timeout_s)

    def close(self) -> None:
        self._playback.close()
        self._capture.close()
