"""What the conversation wants of whoever it talks to: a hub that has chosen us, or servers that we ask ourselves.

Each call is one of the conversation's actions, and returns at once; what comes of it is told by events, never within the call.
"""

from typing import Protocol

from satellite.core.interrupt import Interrupt
from satellite.core.units import Millis


class Link(Protocol):
    """The other end."""

    async def stop(self) -> None:
        """Says goodbye and closes."""

    def onset(self) -> None:
        """Somebody has begun to speak, and a turn may come of it."""

    def begin_turn(self, turn: int, owed: bool) -> None:
        """What comes of earlier turns is stale from now on; `owed`: the last one's answer may still come."""

    def expect_answer(self) -> None:
        """A reply that begins now may be the present turn's."""

    def accept_answer(self) -> None:
        """The reply that may be an earlier turn's is the present answer after all."""

    def continue_reply(self) -> None:
        """The stream that begins is the rest of the reply whose stream ended last."""

    def keep_announcement(self, id: int) -> None:
        """The announcement that has just begun waits for its turn, by this id."""

    def woken_by(self, name: str) -> None:
        """This word opened the turn."""

    def detection(self, name: str) -> None:
        """A wake word was heard here."""

    def run(self) -> None:
        """Asks for a run from speech to speech; the microphone follows."""

    def wake_run(self) -> None:
        """Asks for one that begins with waiting for the wake word."""

    def abort(self) -> None:
        """Asks to cancel the run that is alive; that it is dead is told by an error with the code for it."""

    def audio(self, pcm: bytes, at: Millis) -> None:
        """A piece of the microphone."""

    def audio_stop(self) -> None:
        """The utterance is over."""

    def pause(self, is_paused: bool) -> None:
        """The user has paused in the middle of the utterance, or goes on."""

    def played(self) -> None:
        """The reply has ended, one way or the other."""

    def interrupt(self, interrupt: Interrupt) -> None:
        """The user talks over the reply."""
