"""Where a running satellite is set: the `Controls` of a service, for the control socket, the button and the broker.

What is set counts more than the configuration, until that is changed there; it is kept over restarts.
"""

import logging
from collections.abc import Mapping
from typing import Any

import msgspec

from satellite.config import Config
from satellite.controls import LOUDEST
from satellite.core.hardware import Half
from satellite.core.say import Allow
from satellite.core.sensitivity import Sensitivity
from satellite.core.state import State
from satellite.errors import SatelliteError
from satellite.keys import flat, nested
from satellite.links import own_voice
from satellite.memory import Change, Memory, MemoryFile
from satellite.observer import Key, Setting
from satellite.sayer import Manner
from satellite.service import Service

_log = logging.getLogger(__name__)

_VOLUME, _ALLOW, _SENSITIVITY, _THRESHOLD = "audio.volume", "barge_in.allow", "barge_in.sensitivity", "wake.threshold"


class Desk:
    """Of one service, on its event loop, after it was made by the configuration that `configured` gives."""

    def __init__(self, service: Service, configured: Config, memory: MemoryFile) -> None:
        self._service, self._configured, self._memory = service, configured, memory
        kept = memory.read()
        self._changed: dict[str, Any] = kept.applied(flat(configured))
        service.apply(self._fitting())
        if kept.is_muted:
            # by a sound it says so, whatever hour it is: a satellite that hears nobody must not seem to
            service.mute(True)

    def reconfigure(self, configured: Config) -> None:
        """The configuration was read again: what has changed there counts, also where it was set here."""
        before, after = flat(self._configured), flat(configured)
        self._changed = {key: value for key, value in self._changed.items() if before[key] == after[key]}
        self._configured = configured
        self._service.reconfigure(self._fitting())

    # ---- Controls

    @property
    def state(self) -> State:
        return self._service.state

    @property
    def volume(self) -> int:
        return self._service.volume

    def set_volume(self, volume: int) -> None:
        if not 0 <= volume <= LOUDEST:
            raise SatelliteError(f"volume is {volume}; it has to be a whole number from 0 to {LOUDEST}")
        self._set(_VOLUME, volume, Setting(Key.VOLUME, volume))

    @property
    def is_muted(self) -> bool:
        return self._service.is_muted

    def mute(self, is_muted: bool) -> None:
        self._service.mute(is_muted)
        self._keep()

    @property
    def is_barge_in_on(self) -> bool:
        return self._service.config.barge_in.allow is not Allow.NONE

    def set_barge_in(self, is_on: bool) -> None:
        usual = self._configured.barge_in.allow
        wanted = Allow.NONE if not is_on else Allow.SPEECH if usual is Allow.NONE else usual
        self._set(_ALLOW, wanted.value, Setting(Key.BARGE_IN, is_on))

    @property
    def sensitivity(self) -> Sensitivity:
        return self._service.config.barge_in.sensitivity

    def set_sensitivity(self, sensitivity: Sensitivity) -> None:
        self._set(_SENSITIVITY, sensitivity.value, Setting(Key.SENSITIVITY, sensitivity.value))

    @property
    def wake_threshold(self) -> float | None:
        return next(iter(self._service.wake_words.thresholds), None)

    def set_wake_threshold(self, threshold: float) -> None:
        if self.wake_threshold is None:
            raise SatelliteError("the wake words are found elsewhere, and their thresholds are there too")
        if not 0.0 < threshold < 1.0:
            raise SatelliteError(f"the threshold is {threshold}; it has to be a number above 0 and below 1")
        self._set(_THRESHOLD, threshold, Setting(Key.WAKE_THRESHOLD, threshold))

    def listen(self) -> None:
        if self.state in (State.OFFLINE, State.MUTED) or self.is_muted:
            raise SatelliteError(f"it is {State.MUTED if self.is_muted else self.state}: nobody would hear you")
        self._service.listen()

    def hush(self) -> None:
        self._service.hush()

    def say_text(self, text: str, *, then_listen: bool = False, is_announcement: bool = False) -> None:
        self._service.say(text, Manner(own_voice(self._configured)), None, is_announcement, listens=then_listen)

    def status(self) -> Mapping[str, Any]:
        """What it is doing, for people."""
        service = self._service
        config = service.config
        return {
            "state": service.state.public,
            "mode": config.mode.value,
            "volume": service.volume,
            "muted": service.is_muted,
            "barge_in": config.barge_in.allow.value,
            "sensitivity": config.barge_in.sensitivity.value,
            "timers": ", ".join(service.timers),
            "saying": service.reply_text,
            **service.end.status(),
            **self._devices(),
            "audio_late": service.engine.punctuality.misses,
        }

    def forget_hub(self) -> str:
        """Another hub may come from now on, where the first one is remembered; whom that concerns."""
        return self._service.end.forget_hub()

    def _devices(self) -> Mapping[str, str]:
        engine, told = self._service.engine, self._service.hardware.told
        xruns = {Half.MICROPHONE: engine.overruns, Half.SPEAKER: engine.underruns}
        return {half.value: told(half, engine.now(), count) for half, count in xruns.items()}

    # ---- what that takes

    def _set(self, key: str, value: Any, setting: Setting) -> None:
        self._changed[key] = value
        self._service.apply(self._wanted())
        self._service.observer.on_setting(setting)
        self._keep()

    def _fitting(self) -> Config:
        """The same; or the configuration alone, if what was set does not go with it any more."""
        try:
            return self._wanted()
        except msgspec.ValidationError as error:
            _log.warning("what was set while it ran counts no more: %s", error)
            self._changed = {}
            return self._configured

    def _wanted(self) -> Config:
        """The configuration with what was set here."""
        return msgspec.convert(nested(flat(self._configured) | self._changed), Config)

    def _keep(self) -> None:
        configured = flat(self._configured)
        changes = {key: Change(configured[key], value) for key, value in self._changed.items() if value != configured[key]}
        self._service.wake_words.submit(lambda: self._memory.write(Memory(is_muted=self.is_muted, changes=changes)))
