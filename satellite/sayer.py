"""What a program wants said becomes speech here: one utterance at a time, from text to the samples of a reply.

When it is made, dropped and spoken the conversation decides; here is what it takes to do so.
"""

from collections.abc import Callable
from dataclasses import dataclass

from satellite.audio.reply import Reply
from satellite.core import events as ev
from satellite.core.interrupt import Interrupt
from satellite.core.say import Say
from satellite.core.units import Millis
from satellite.errors import PeerError
from satellite.peer import codec
from satellite.peer.servers import Servers
from satellite.peer.services import Voice
from satellite.peer.tts import Speech, SpeechListener, SpeechSink, TtsRule


@dataclass(frozen=True, slots=True)
class Manner:
    """How something is said."""

    voice: Voice
    volume: float = 1.0
    """A factor, from 0 to 1."""


@dataclass(slots=True)
class _Saying:
    speech: Speech
    reply: Reply


class Sayer:
    """Its servers are looked for from the first utterance on. `emit` gives the conversation an event."""

    def __init__(
        self,
        servers: Servers,
        look_for_servers: Callable[[], None],
        open_reply: Callable[[float], Reply],
        played: Callable[[SpeechSink], Millis],
        emit: Callable[[ev.Event], None],
        now: Callable[[], Millis],
        rule: TtsRule | None = None,
    ) -> None:
        self._servers, self._look_for_servers = servers, look_for_servers
        self._open_reply, self._played = open_reply, played
        self._emit, self._now, self._rule = emit, now, rule or TtsRule()
        self._manners: dict[int, Manner] = {}
        self._sayings: dict[int, _Saying] = {}

    def expect(self, id: int, manner: Manner) -> None:
        """What has this id is to be said so, once it is made."""
        self._manners[id] = manner

    def make(self, say: Say) -> None:
        """Begins to make it."""
        assert say.id is not None
        id, manner = say.id, self._manners[say.id]
        self._look_for_servers()
        self._servers.start()
        listener = SpeechListener(
            began=lambda: self._emit(ev.SaySpeech(self._now(), id)),
            completed=lambda total: self._on_complete(id, total),
            failed=lambda error: self._on_failed(id, error),
        )
        reply = self._open_reply(manner.volume)
        speech = Speech(self._servers, manner.voice, reply, self._played, listener, self._rule)
        self._sayings[id] = _Saying(speech, reply)
        speech.add(say.text)
        speech.end()

    def take(self, id: int, turn: int) -> Reply:
        """What was made is the reply of this turn."""
        reply = self._sayings[id].reply
        reply.turn = turn
        return reply

    def drop(self, id: int) -> None:
        """It is over, or will not be said: nothing more is made of it. May be called twice."""
        self._manners.pop(id, None)
        if (saying := self._sayings.pop(id, None)) is not None:
            saying.speech.abandon()

    def interrupted(self, interrupt: Interrupt) -> None:
        """The user talks over one of them: the server that still speaks of it is told, whether it listens or not."""
        for saying in self._sayings.values():
            if saying.reply.turn == interrupt.turn:
                saying.speech.tell(codec.interrupt(interrupt))

    async def stop(self) -> None:
        """Drops all of them, and lets the servers go."""
        for id in [*self._sayings]:
            self.drop(id)
        await self._servers.stop()

    def _on_complete(self, id: int, total: Millis) -> None:
        if total == 0:
            self._on_failed(id, PeerError("no sound was made of it"))
        else:
            self._emit(ev.SayComplete(self._now(), id, total))

    def _on_failed(self, id: int, error: PeerError) -> None:
        self._emit(ev.SayFailed(self._now(), id))
