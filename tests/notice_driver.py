"""A conversation whose watcher tells what programs of others are told."""

from collections.abc import Callable

from satellite.core import actions as act
from satellite.core import events as ev
from satellite.core.actions import Action
from satellite.core.conversation import ConversationRule
from satellite.notices import Notice, Notices
from tests.core.driver import Driver


class WatchedDriver(Driver):
    """Calls its watcher in the service's order: the event, then each action, as it is carried out."""

    def __init__(self, tell: Callable[[Notice], None], rule: ConversationRule | None = None) -> None:
        super().__init__(rule)
        self.notices = Notices(tell)

    def give(self, event: ev.Event) -> tuple[Action, ...]:
        actions = super().give(event)
        self.notices.on_event(event)
        for action in actions:
            if isinstance(action, act.Become):
                self.notices.on_state_changed(action.old, action.new, action.why)
            self.notices.on_action(action)
        return actions
