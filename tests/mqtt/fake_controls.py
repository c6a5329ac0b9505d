"""A satellite's controls without a satellite: they insist on the contract, write down what was asked, and tell the watcher."""

import asyncio
from dataclasses import dataclass, field

from satellite.core.sensitivity import Sensitivity
from satellite.core.state import State
from satellite.errors import SatelliteError
from satellite.observer import Key, Observer, Setting


@dataclass
class FakeControls:
    """As `satellite.controls.Controls` wants them."""

    state: State = State.IDLE
    volume: int = 70
    is_muted: bool = False
    is_barge_in_on: bool = True
    sensitivity: Sensitivity = Sensitivity.NORMAL
    wake_threshold: float | None = 0.5
    watcher: Observer = field(default_factory=Observer)
    asked: list[tuple[object, ...]] = field(default_factory=list)
    refusal: str | None = None
    _changed: asyncio.Event = field(default_factory=asyncio.Event)

    def set_volume(self, volume: int) -> None:
        assert type(volume) is int and 0 <= volume <= 100
        self._note("volume", volume)
        self.volume = volume
        self.watcher.on_setting(Setting(Key.VOLUME, volume))

    def mute(self, is_muted: bool) -> None:
        assert type(is_muted) is bool
        self._note("mute", is_muted)
        self.is_muted = is_muted
        self.watcher.on_setting(Setting(Key.MUTED, is_muted))

    def set_barge_in(self, is_on: bool) -> None:
        assert type(is_on) is bool
        self._note("barge-in", is_on)
        self.is_barge_in_on = is_on
        self.watcher.on_setting(Setting(Key.BARGE_IN, is_on))

    def set_sensitivity(self, sensitivity: Sensitivity) -> None:
        assert type(sensitivity) is Sensitivity
        self._note("sensitivity", sensitivity)
        self.sensitivity = sensitivity
        self.watcher.on_setting(Setting(Key.SENSITIVITY, sensitivity.value))

    def set_wake_threshold(self, threshold: float) -> None:
        assert self.wake_threshold is not None and 0.0 < threshold < 1.0
        self._note("wake-threshold", threshold)
        self.wake_threshold = threshold
        self.watcher.on_setting(Setting(Key.WAKE_THRESHOLD, threshold))

    def listen(self) -> None:
        self._note("listen")

    def hush(self) -> None:
        self._note("hush")

    def say_text(self, text: str, *, then_listen: bool = False, is_announcement: bool = False) -> None:
        assert text.strip() and not is_announcement
        self._note("converse" if then_listen else "say", text)

    async def until_asked(self, *asked: object) -> None:
        """Until this was asked last."""
        while not self.asked or self.asked[-1] != asked:
            self._changed.clear()
            await self._changed.wait()

    def _note(self, *asked: object) -> None:
        if self.refusal is not None:
            raise SatelliteError(self.refusal)
        self.asked.append(asked)
        self._changed.set()
