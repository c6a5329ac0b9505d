"""The volume of a sound card's own mixer, by ALSA's simple elements: what `alsamixer` shows.

By ALSA's own library: pyalsaaudio swallows the errors of an open mixer, so a device that was unplugged would seem to obey, and
tells of an element without decibels what happened to be in memory.
"""

import ctypes
import logging
import math
import re
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any

from satellite.audio.pcm import hush_alsa
from satellite.errors import ConfigError, DeviceError, SatelliteError

_log = logging.getLogger(__name__)

LOUDEST = 100

# in hundredths of a dB, as ALSA counts: what is softer than this below the loudest is not heard in a room
_FLOOR = 60_00

# the same curve as that of the volume by software: half of it is 12 dB less
_PER_DECADE = 40_00

# hw:1, hw:1,0, plughw:CARD=Device,DEV=0, sysdefault:CARD=Device; a plug: has a PCM behind its colon
_CARD = re.compile(r"(?:CARD=|\b(?:hw|plughw|dmix|sysdefault|front|iec958|hdmi|surround\d\d):(?!\w+=))(\w+)")

_Pointer, _Int, _Long = ctypes.c_void_p, ctypes.c_int, ctypes.c_long
_LongAt = ctypes.POINTER(ctypes.c_long)

# what they return, and what they take
_FUNCTIONS: dict[str, tuple[Any, ...]] = {
    "snd_strerror": (ctypes.c_char_p, _Int),
    "snd_mixer_open": (_Int, ctypes.POINTER(_Pointer), _Int),
    "snd_mixer_attach": (_Int, _Pointer, ctypes.c_char_p),
    "snd_mixer_selem_register": (_Int, _Pointer, _Pointer, _Pointer),
    "snd_mixer_load": (_Int, _Pointer),
    "snd_mixer_close": (_Int, _Pointer),
    "snd_mixer_first_elem": (_Pointer, _Pointer),
    "snd_mixer_elem_next": (_Pointer, _Pointer),
    "snd_mixer_selem_get_name": (ctypes.c_char_p, _Pointer),
    "snd_mixer_selem_has_playback_volume": (_Int, _Pointer),
    "snd_mixer_selem_get_playback_volume_range": (_Int, _Pointer, _LongAt, _LongAt),
    "snd_mixer_selem_get_playback_dB_range": (_Int, _Pointer, _LongAt, _LongAt),
    "snd_mixer_selem_ask_playback_dB_vol": (_Int, _Pointer, _Long, _Int, _LongAt),
    "snd_mixer_selem_ask_playback_vol_dB": (_Int, _Pointer, _Long, _LongAt),
    "snd_mixer_selem_get_playback_volume": (_Int, _Pointer, _Int, _LongAt),
    "snd_mixer_selem_set_playback_volume_all": (_Int, _Pointer, _Long),
}


class Mixer:
    """An element's volume from 0, its least, to 100, its most. Each call opens the card anew, so that one may come back.

    ConfigError if the card has no such element. A card that is not there, now or later, is warned of once, and tried again.
    """

    def __init__(self, element: str, speaker: str) -> None:
        self._element, self._device = element, control_of(speaker)
        self._has_failed = False
        try:
            with _opened(self._device, self._element):
                pass
        except DeviceError as error:
            self._failed(error)

    def set(self, volume: int) -> None:
        """From 0 to 100, on all channels; takes some milliseconds."""
        try:
            with _opened(self._device, self._element) as element:
                element.set_volume(volume)
        except SatelliteError as error:
            self._failed(error)
        else:
            self._worked()

    def get(self) -> int | None:
        """What it is, whoever set it; as near to what was set as the element's steps are. None if the card is not there."""
        try:
            with _opened(self._device, self._element) as element:
                volume = element.volume()
        except SatelliteError as error:
            self._failed(error)
            return None
        self._worked()
        return volume

    def _failed(self, error: SatelliteError) -> None:
        _log.log(logging.DEBUG if self._has_failed else logging.WARNING, "the volume cannot be set: %s", error)
        self._has_failed = True

    def _worked(self) -> None:
        if self._has_failed:
            _log.info("the mixer of %s is there again", self._device)
            self._has_failed = False


def control_of(speaker: str) -> str:
    """The ALSA control device of the card that a PCM of that name plays on; `default` if it names none."""
    named = _CARD.search(speaker)
    return f"hw:{named[1]}" if named else "default"


class _Element:
    """Of an open mixer."""

    def __init__(self, library: ctypes.CDLL, pointer: int) -> None:
        self._library, self._pointer = library, pointer
        self._least, self._most = self._pair("snd_mixer_selem_get_playback_volume_range")

    def set_volume(self, volume: int) -> None:
        """From 0 to 100."""
        _do(self._library, "snd_mixer_selem_set_playback_volume_all", self._pointer, self._step_of(volume))

    def volume(self) -> int:
        """Of the first channel."""
        step = self._one("snd_mixer_selem_get_playback_volume", 0)
        softest, loudest, at = self._least, self._most, step
        if step > self._least and (decibels := self._decibels()):
            softest, loudest = decibels
            at = self._one("snd_mixer_selem_ask_playback_vol_dB", step)
            return min(round(LOUDEST * 10 ** ((at - loudest) / _PER_DECADE)), LOUDEST)
        share = (at - softest) / ((loudest - softest) or 1)
        return round(LOUDEST * min(max(share, 0.0), 1.0))

    def _step_of(self, volume: int) -> int:
        # a scale's lower end may be silence, and may lie far below the floor
        if not 0 < volume < LOUDEST:
            return self._least if volume <= 0 else self._most
        if decibels := self._decibels():
            softest, loudest = decibels
            at = max(loudest + round(_PER_DECADE * math.log10(volume / LOUDEST)), softest)
            # upwards, so that no volume but 0 is the silence that may be below the first step
            return self._one("snd_mixer_selem_ask_playback_dB_vol", at, 1)
        return self._least + round((self._most - self._least) * volume / LOUDEST)

    def _decibels(self) -> tuple[int, int] | None:
        """The range that is used. None if the element does not know what its steps are."""
        try:
            softest, loudest = self._pair("snd_mixer_selem_get_playback_dB_range")
        except DeviceError:
            return None
        softest = max(softest, loudest - _FLOOR)
        return (softest, loudest) if softest < loudest else None

    def _one(self, function: str, *args: int) -> int:
        found = ctypes.c_long()
        _do(self._library, function, self._pointer, *args, ctypes.byref(found))
        return found.value

    def _pair(self, function: str) -> tuple[int, int]:
        first, second = ctypes.c_long(), ctypes.c_long()
        _do(self._library, function, self._pointer, ctypes.byref(first), ctypes.byref(second))
        return first.value, second.value


@contextmanager
def _opened(device: str, name: str) -> Iterator[_Element]:
    """The element. DeviceError if the card cannot be opened, ConfigError if it has no such element."""
    handle = ctypes.c_void_p()
    try:
        library = _alsa()
        _do(library, "snd_mixer_open", ctypes.byref(handle), 0)
        try:
            _do(library, "snd_mixer_attach", handle, device.encode())
            _do(library, "snd_mixer_selem_register", handle, None, None)
            _do(library, "snd_mixer_load", handle)
            yield _found(library, handle, device, name)
        finally:
            library.snd_mixer_close(handle)
    except DeviceError as error:
        raise DeviceError(f"mixer of {device}: {error}") from error


def _found(library: ctypes.CDLL, handle: ctypes.c_void_p, device: str, name: str) -> _Element:
    # the first of a name counts
    elements = dict(reversed(list(_with_volume(library, handle))))
    if name not in elements:
        there = ", ".join(repr(other) for other in sorted(elements)) or "none that sets a volume"
        raise ConfigError(f"audio.mixer: the card {device} has no element {name!r} that sets a volume; it has {there}")
    return _Element(library, elements[name])


def _with_volume(library: ctypes.CDLL, handle: ctypes.c_void_p) -> Iterator[tuple[str, int]]:
    pointer = library.snd_mixer_first_elem(handle)
    while pointer:
        if library.snd_mixer_selem_has_playback_volume(pointer):
            yield library.snd_mixer_selem_get_name(pointer).decode("utf-8", "replace"), pointer
        pointer = library.snd_mixer_elem_next(pointer)


def _do(library: ctypes.CDLL, function: str, *args: Any) -> None:
    status: int = getattr(library, function)(*args)
    if status < 0:
        raise DeviceError(library.snd_strerror(status).decode("utf-8", "replace"))


@cache
def _alsa() -> ctypes.CDLL:
    try:
        library = ctypes.CDLL("libasound.so.2")
    except OSError as error:
        raise DeviceError("ALSA's library libasound.so.2 is not installed") from error
    for name, (result, *arguments) in _FUNCTIONS.items():
        function = getattr(library, name)
        function.restype, function.argtypes = result, arguments
    hush_alsa()
    return library
