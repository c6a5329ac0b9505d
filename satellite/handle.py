"""What a program holds of an utterance: whether it plays, how it ended, and the means to stop it."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

from satellite.core import actions as act
from satellite.core.actions import Action
from satellite.core.events import Position
from satellite.core.say import NOWHERE, SayState

# of utterances that have ended, whose place in the conversation may still be asked for: the last one may be taken up again
_MOST_TURNS = 4


@dataclass(frozen=True, slots=True)
class Playout:
    """How an utterance ended. Times in ms of its audio: 0 <= heard_ms <= played_ms <= total_ms."""

    state: SayState
    """`played`; `interrupted`, by the user; or `cancelled`, by anybody else: a program, a fault, the end of the session."""
    played_ms: int
    """What has left the loudspeaker."""
    heard_ms: int
    """What of it was loud enough to be followed: an utterance is lowered before it stops."""
    total_ms: int | None
    """How long it is; None if not all of its audio had come."""

    @property
    def was_interrupted(self) -> bool:
        """Whether the user has talked over it."""
        return self.state is SayState.INTERRUPTED


class SayHandle:
    """One utterance. Its methods are for the session's event loop."""

    def __init__(self, text: str, cancel: "Callable[[SayHandle], None]", id: int | None = None) -> None:
        self.text = text
        """What is said; of an answer that is still being thought of, what was known when it began."""
        self.id = id
        self.turn: int | None = None
        self._cancel = cancel
        self._state = SayState.QUEUED
        self._position = NOWHERE
        self._ended = asyncio.Event()

    @property
    def state(self) -> SayState:
        """Where it is: `queued`, `playing` (also while it is lowered or held for a voice), or one of the three ends."""
        return self._state

    @property
    def is_over(self) -> bool:
        """Whether it has ended."""
        return self._ended.is_set()

    async def wait_for_playout(self) -> Playout:
        """Waits until it has ended, and says how; at once if it has.

        An interruption is an end like any other, and raises nothing. If it turns out that the user had said nothing, what he
        interrupted may be taken up again; then its `state` is `playing` once more, and this can be called once more.
        """
        await self._ended.wait()
        at = self._position
        return Playout(self._state, at.played, at.heard, at.total)

    def cancel(self) -> None:
        """Stops it: the loudspeaker is silent within a period of 10 ms and the fade of 8 ms, and its connection is closed.

        What waits is not said at all. Does nothing if it has ended; may be called as often as one likes.
        """
        if not self.is_over:
            self._cancel(self)

    def begins(self) -> None:
        """It is spoken, or spoken again."""
        self._state = SayState.PLAYING
        self._ended.clear()

    def ends(self, state: SayState, position: Position) -> None:
        """So, after so much of it."""
        self._state, self._position = state, position
        self._ended.set()


class Handles:
    """Follows what the conversation does, and keeps the handles of all utterances up to date; `cancel` stops one."""

    def __init__(self, cancel: Callable[[SayHandle], None]) -> None:
        self._cancel = cancel
        self._by_id: dict[int, SayHandle] = {}
        self._by_turn: dict[int, SayHandle] = {}

    def new(self, id: int, text: str) -> SayHandle:
        """Of what is to be said under this id."""
        self._by_id[id] = SayHandle(text, self._cancel, id)
        return self._by_id[id]

    def follow(self, action: Action, text: str) -> None:
        """The conversation wants this done; `text` is that of the reply that plays, as far as it is known."""
        match action:
            case act.TakeSpeech(id, turn) if id in self._by_id:
                self._keep(turn, self._by_id[id])
            case act.Play(turn):
                self._of(turn, text).begins()
            case act.ResumeReply(turn):
                self._of(turn, text).begins()
            case act.SayOver(turn, id, state, position):
                handle = self._by_id.pop(id, None) if id is not None else None
                (handle or self._of(turn, text)).ends(state, position)

    def playing(self) -> SayHandle | None:
        """Of what is being spoken; None in silence."""
        return next((handle for handle in self._by_turn.values() if handle.state is SayState.PLAYING), None)

    def _of(self, turn: int, text: str) -> SayHandle:
        if turn not in self._by_turn:
            self._keep(turn, SayHandle(text, self._cancel))
        return self._by_turn[turn]

    def _keep(self, turn: int, handle: SayHandle) -> None:
        handle.turn = turn
        self._by_turn[turn] = handle
        while len(self._by_turn) > _MOST_TURNS:
            del self._by_turn[next(iter(self._by_turn))]
