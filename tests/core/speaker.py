"""A speaker for the conversation: obeys its actions, asserts that they make sense, and knows how far a reply has come."""

from satellite.core import actions as act
from satellite.core.actions import Action
from satellite.core.events import Position
from satellite.core.say import Allow
from satellite.core.units import Millis


class FakeSpeaker:
    """One reply at a time. It can be held, and kept when it is stopped; what is stopped otherwise never sounds again."""

    def __init__(self) -> None:
        self.turn: int | None = None
        self.status = "empty"
        self.allow = Allow.NONE
        self.is_whole = False
        self.is_over = False
        self.played = self.heard = self.received = 0
        self.total: int | None = None
        self._latest = -1

    @property
    def position(self) -> Position:
        """Of the reply."""
        total = None if self.total is None else Millis(self.total)
        return Position(Millis(self.played), Millis(self.heard), Millis(self.received), total)

    def tick(self, ms: int) -> None:
        """Time passes: audio comes, faster than it is played, and some of it is played ducked."""
        if self.status in ("playing", "held") and not self.is_whole:
            self.received += 3 * ms
        if self.status == "playing":
            now = min(ms, self.received - self.played)
            self.played += now
            self.heard += now // 2

    def complete(self) -> int:
        """The last of its audio has come; its length."""
        self.received += 700
        self.total, self.is_whole = self.received, True
        return self.total

    def hold(self) -> None:
        """The reflex has stopped it."""
        self.status = "held"

    def end(self) -> None:
        """Its last sample has been played."""
        self.played = self.received
        self.total = self.received
        self.status, self.is_over = "empty", True

    def lose(self) -> None:
        """The device is gone."""
        self.status = "empty"

    def obey(self, action: Action) -> None:
        """Does what is wanted. AssertionError if nobody could."""
        match action:
            case act.Play(turn, allow):
                assert turn > self._latest, f"turn {turn} is played again after turn {self._latest}"
                self.__init__()  # type: ignore[misc]
                self.turn = self._latest = turn
                self.status, self.allow = "playing", allow
            case act.StopReply(turn, keep):
                assert turn == self.turn, f"turn {turn} is stopped while {self.turn} is there"
                assert not keep or self.status == "held", f"a reply that is {self.status} cannot be kept"
                self.status = "kept" if keep else "stopped"
            case act.ResumeReply(turn):
                assert turn == self.turn, f"turn {turn} is resumed while {self.turn} is there"
                assert self.status in ("held", "kept"), f"a reply that is {self.status} is resumed"
                self.status = "playing"
            case act.ContinueReply(turn):
                assert turn == self.turn and self.status in ("playing", "held"), f"a reply that is {self.status} goes on"
                self.is_whole, self.total = False, None
            case act.FinishReply(turn):
                assert turn == self.turn and self.status in ("playing", "held"), f"a reply that is {self.status} ends"
                self.is_whole = True
