"""A PCM of ALSA, non-blocking: pyalsaaudio's calls, its errors told as DeviceError with the name of the device."""

import ctypes
import errno
import importlib
import math
import os
from collections.abc import Callable
from contextlib import suppress
from functools import cache
from typing import Any

from satellite.audio.card import Samples
from satellite.audio.holders import Direction, advice
from satellite.audio.pcm_format import Ability, PcmFormat, Wish
from satellite.audio.sample_format import SAMPLE_FORMATS, Octets
from satellite.core.units import PERIOD_MS
from satellite.errors import DeviceError

# of ALSA's messages; what they are to be formatted with follows, and is not looked at
_Handler = ctypes.CFUNCTYPE(None, ctypes.c_char_p, ctypes.c_int, ctypes.c_char_p, ctypes.c_int, ctypes.c_char_p)

# pyalsaaudio returns the error number of an xrun instead of raising it
XRUN = -errno.EPIPE


def open_pcm(device: str, direction: Direction, rate_hz: int, buffer_ms: int, channels: int) -> "Pcm":
    """The PCM as asked, or as near to it as the device can. DeviceError says why it will not do."""
    pcm = Pcm(device, direction, wish := Wish(rate_hz, channels), buffer_ms)
    if pcm.format.grants(wish):
        return pcm
    try:
        ability = pcm.ability()
    finally:
        pcm.close()
    for wish in ability.wishes(rate_hz, channels):
        pcm = Pcm(device, direction, wish, buffer_ms)
        if pcm.format.grants(wish):
            return pcm
        pcm.close()
    raise DeviceError(f"{pcm.label} {ability.complaint(channels)}")


class Pcm:
    """An open PCM. `format` is what it gives, which need not be what was asked."""

    def __init__(self, device: str, direction: Direction, wish: Wish, buffer_ms: int) -> None:
        self.label = label(device, direction)
        self._device, self._direction = device, direction
        self._alsa = alsaaudio()
        try:
            self._handle = self._alsa.PCM(
                self._alsa.PCM_CAPTURE if direction == "capture" else self._alsa.PCM_PLAYBACK,
                self._alsa.PCM_NONBLOCK,
                device=device,
                rate=wish.rate_hz,
                channels=wish.channels,
                format=getattr(self._alsa, f"PCM_FORMAT_{wish.sample_format}"),
                periodsize=wish.rate_hz * PERIOD_MS // 1000,
                periods=math.ceil(buffer_ms / PERIOD_MS),
            )
        except self._alsa.ALSAAudioError as error:
            reason = self._reason(error)
            hint = advice(reason, device, direction)
            raise DeviceError(f"{self.label}: {reason}{'; ' * bool(hint)}{hint}") from error
        self.format = PcmFormat.of(self._handle.info())

    def ability(self) -> Ability:
        """What the device could do instead. Asking a converting device takes a fifth of a second."""
        handle = self._handle
        return Ability.of(self._call(handle.getformats), self._call(handle.getrates), self._call(handle.getchannels))

    def avail(self) -> int:
        """Frames that can be read or written at once, or a negative error number."""
        available: int = self._call(self._handle.avail)
        # a driver may still answer with the last number that it knew
        state = self._handle.state()
        if available == -errno.ENODEV or state == self._alsa.PCM_STATE_DISCONNECTED:
            raise DeviceError(f"{self.label}: {os.strerror(errno.ENODEV)}")
        # opened anew it works in any case; what the machine's sleep has left of it need not
        if available == -errno.ESTRPIPE or state == self._alsa.PCM_STATE_SUSPENDED:
            raise DeviceError(f"{self.label}: {os.strerror(errno.ESTRPIPE)}")
        return available

    def is_short_of(self, frames: int) -> bool:
        """Whether all is well, except that there are not so many frames yet."""
        available = self.avail()
        return 0 <= available < frames and self._handle.state() == self._alsa.PCM_STATE_RUNNING

    def read(self) -> tuple[int, bytes]:
        """At most one device period; starts the stream if need be. The count is 0 if there is none yet, or XRUN."""
        taken: tuple[int, bytes] = self._call(self._handle.read)
        return taken

    def channel_of(self, data: bytes, channel: int) -> Samples:
        """One channel of what `read` gave."""
        return SAMPLE_FORMATS[self.format.sample_format].channel_of(data, self.format.channels, channel)

    def interleaved(self, samples: Samples) -> Octets:
        """Samples as `write` takes them, the same in every channel."""
        return SAMPLE_FORMATS[self.format.sample_format].interleaved(samples, self.format.channels)

    def write(self, interleaved: Octets) -> int:
        """Frames taken, or XRUN; starts the stream if need be."""
        taken: int = self._call(self._handle.write, interleaved)
        return taken

    def drop(self) -> None:
        """Stops at once; what is queued or unread is lost."""
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
            raise DeviceError(f"{self.label}: {self._reason(error)}") from error

    def _reason(self, error: Exception) -> str:
        return str(error).removesuffix(f" [{self._device}]")


def label(device: str, direction: Direction) -> str:
    """How messages begin."""
    return f"{direction} device {device!r}"


def alsaaudio() -> Any:
    """The library, which is only needed where there is a sound card; it has no types."""
    try:
        library = importlib.import_module("alsaaudio")
    except ImportError as error:
        raise DeviceError("ALSA needs the package pyalsaaudio, which is not installed") from error
    hush_alsa()
    return library


def _say_nothing(file: bytes, line: int, function: bytes, code: int, text: bytes) -> None:
    pass


# kept for as long as the library may call it
_NOTHING = _Handler(_say_nothing)


@cache
def hush_alsa() -> None:
    """Has ALSA's own library write nothing: up to eight lines to stderr for every attempt at a device that is not there."""
    # a library that is not to be had by this name has nothing to say either
    with suppress(OSError):
        ctypes.CDLL("libasound.so.2").snd_lib_error_set_handler(_NOTHING)
