"""Whoever watches a service: tests, the demo, and what later shows pictures. Called on the event loop, after the fact."""

from satellite.audio.commands import Ducked
from satellite.core.actions import Action
from satellite.core.events import Event
from satellite.core.state import State, Why
from satellite.core.timers import Timer
from satellite.core.units import Frames


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
