"""Whoever watches a service: tests, the demo, and what later shows pictures. Called on the event loop, after the fact."""

from dataclasses import dataclass
from enum import StrEnum

from satellite.audio.commands import Ducked, Vitals
from satellite.core.actions import Action
from satellite.core.events import Event
from satellite.core.hardware import Device
from satellite.core.health import Health
from satellite.core.state import State, Why
from satellite.core.timers import Timer
from satellite.core.units import Frames


class Key(StrEnum):
    """What can be set while a satellite runs, beside its configuration."""

    VOLUME = "volume"
    MUTED = "muted"
    BARGE_IN = "barge-in"
    SENSITIVITY = "sensitivity"
    WAKE_THRESHOLD = "wake-threshold"


@dataclass(frozen=True, slots=True)
class Setting:
    """One of them, and its value: from 0 to 100, whether the microphone is off, whether answers may be interrupted, the kind of
    home, a probability."""

    key: Key
    value: int | bool | str | float


class Observer:
    """Does nothing; watchers override what they care for. None may block."""

    def on_state_changed(self, old: State, new: State, why: Why) -> None:
        """The conversation is in another state."""

    def on_event(self, event: Event) -> None:
        """The conversation was told something."""

    def on_action(self, action: Action) -> None:
        """Something the conversation wanted has been carried out."""

    def on_heard(self, first: Frames, pcm: bytes) -> None:
        """A period of the cancelled microphone signal."""

    def on_ducked(self, ducked: Ducked) -> None:
        """The reply was lowered, or raised again."""

    def on_timer(self, timer: Timer) -> None:
        """The hub has started, changed, cancelled or finished a timer of ours; in whatever state we are."""

    def on_setting(self, setting: Setting) -> None:
        """Something that can be set while we run has been set, by whomever."""

    def on_device(self, device: Device) -> None:
        """A sound device is otherwise than it was: at the start it is opened."""

    def on_vitals(self, vitals: Vitals) -> None:
        """What the reflex has just seen, every period."""

    def on_health(self, health: Health) -> None:
        """A reply has ended that was a self-test, and this is what all of them say."""


class Audience(Observer):
    """Several who watch the same service; each is told everything."""

    def __init__(self, *observers: Observer) -> None:
        self._observers = list(observers)

    def join(self, observer: Observer) -> None:
        """One more, who is told what comes."""
        self._observers.append(observer)

    def on_state_changed(self, old: State, new: State, why: Why) -> None:
        for observer in self._observers:
            observer.on_state_changed(old, new, why)

    def on_event(self, event: Event) -> None:
        for observer in self._observers:
            observer.on_event(event)

    def on_action(self, action: Action) -> None:
        for observer in self._observers:
            observer.on_action(action)

    def on_heard(self, first: Frames, pcm: bytes) -> None:
        for observer in self._observers:
            observer.on_heard(first, pcm)

    def on_ducked(self, ducked: Ducked) -> None:
        for observer in self._observers:
            observer.on_ducked(ducked)

    def on_vitals(self, vitals: Vitals) -> None:
        for observer in self._observers:
            observer.on_vitals(vitals)

    def on_health(self, health: Health) -> None:
        for observer in self._observers:
            observer.on_health(health)

    def on_timer(self, timer: Timer) -> None:
        for observer in self._observers:
            observer.on_timer(timer)

    def on_setting(self, setting: Setting) -> None:
        for observer in self._observers:
            observer.on_setting(setting)

    def on_device(self, device: Device) -> None:
        for observer in self._observers:
            observer.on_device(device)
