"""What the rows of the transition table do: each takes the conversation and an event, and gives the next and actions.

Here is what they have in common. The hub comes and goes in `linking.py`, the user's turn and the hub's run are in
`turns.py`, what we say is in `replies.py`, and what becomes of it when somebody talks over it in `interruptions.py`.
"""

from collections.abc import Callable
from dataclasses import replace
from typing import TypeAlias

from satellite.core import actions as act
from satellite.core import events as ev
from satellite.core.actions import Action
from satellite.core.burst import Burst
from satellite.core.conversation import Conversation
from satellite.core.events import Deadline, Position
from satellite.core.say import Say, SayState
from satellite.core.state import Stage
from satellite.core.units import Millis

Result: TypeAlias = tuple[Conversation, tuple[Action, ...]]
Effect: TypeAlias = Callable[..., Result]


def nothing(c: Conversation, e: ev.Event) -> Result:
    """The event changes nothing here."""
    return c, ()


def wait(c: Conversation, kind: Deadline, after: Millis, *actions: Action) -> Result:
    """Do this, and wait for one thing so long."""
    return replace(c, deadline=kind), (*actions, act.SetDeadline(kind, after))


def over(say: Say | None, state: SayState, position: Position | None = None) -> tuple[Action, ...]:
    """Whoever waits for an utterance is told how it ended, unless it had ended before."""
    if say is None or say.state is not SayState.PLAYING:
        return ()
    return (act.SayOver(say.turn, say.id, state, position or say.position),)


def played(c: Conversation) -> tuple[Action, ...]:
    """Tell the hub that what it had us say has ended. Not while another waits: it would take that for played too."""
    return () if any(say.is_of_hub for say in c.says) else (act.SendPlayed(),)


def without_turn(c: Conversation) -> Conversation:
    """Nothing is left of the turn but its number."""
    return replace(
        c,
        stage=Stage.NONE,
        attempt=0,
        detection="",
        burst=Burst(),
        answer_text="",
        aside=None,
        interrupt=None,
        kept=None,
    )
