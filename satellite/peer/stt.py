"""Speech to text: a command goes out as it is spoken, and comes back as words.

The connection can be opened before anything may be sent on it: at the first sound, while nobody knows whether it is a command.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

from wyoming.event import Event as WireEvent

from satellite.core.units import RATE_HZ, Millis
from satellite.errors import PeerError
from satellite.peer import codec, services
from satellite.peer.request import Request, RequestRule
from satellite.peer.servers import Server

# audio that is kept until there is a connection: as long as a command may be
_MOST_WAITING_BYTES = 30 * RATE_HZ * 2

# nothing has to come while the user speaks; the conversation's own limits end what takes too long
_PATIENCE_S = 120.0


@dataclass(frozen=True, slots=True)
class SttListener:
    """Who is told what comes of a command. `partial` gets all that is understood by then."""

    ready: Callable[[], None]
    partial: Callable[[str], None]
    understood: Callable[[str], None]
    failed: Callable[[PeerError], None]


class Hearing:
    """One command on its way to one server. Until `begin` nothing of it is sent."""

    def __init__(self, server: Server, rule: RequestRule, after_s: float = 0.0) -> None:
        """Connects, after a pause if the server has just failed."""
        self.server, self._rule, self._after_s = server, rule, after_s
        self.error: PeerError | None = None
        """Why there is no connection, if nothing had begun when that was known."""
        self._waiting: list[WireEvent] = []
        self._waiting_bytes = 0
        self._request: Request | None = None
        self._listener: SttListener | None = None
        self._begun = asyncio.Event()
        self._task = asyncio.get_running_loop().create_task(self._run(), name="speech-to-text")

    @property
    def is_usable(self) -> bool:
        """Whether a command may begin on it."""
        return not self._task.done() and (self._request is None or self._request.is_heard)

    def begin(self, listener: SttListener, language: str | None, model: str | None) -> None:
        """There is a command, and what follows is its audio."""
        self._listener = listener
        self._send(services.transcribe(language, model), codec.audio_start(Millis(0)))
        self._begun.set()

    def audio(self, pcm: bytes, at: Millis) -> None:
        """A piece of it."""
        self._send(codec.audio(pcm, at))

    def end(self, at: Millis) -> None:
        """That was all."""
        self._send(codec.audio_stop(at))

    def abandon(self) -> None:
        """Nobody waits for it any more. A server that has not got all of it has nothing to do, then."""
        self._task.cancel()
        if self._request is not None:
            self._request.abandon()

    def _send(self, *events: WireEvent) -> None:
        if self._request is not None:
            try:
                self._request.send(*events)
            except PeerError as error:
                self._fail(error)
            return
        self._waiting_bytes += sum(len(event.payload or b"") for event in events)
        if self._waiting_bytes <= _MOST_WAITING_BYTES:
            self._waiting += events

    def _fail(self, error: PeerError) -> None:
        self._task.cancel()
        if self._listener is not None:
            asyncio.get_running_loop().call_soon(self._listener.failed, error)

    async def _run(self) -> None:
        try:
            await asyncio.sleep(self._after_s)
            self._request = await Request.open(self.server.host, self.server.port, self._rule, self.server.trust)
            waiting, self._waiting = self._waiting, []
            self._request.send(*waiting)
            await self._begun.wait()
            assert self._listener is not None
            self._listener.ready()
            words = await self._words(self._request, self._listener)
        except PeerError as error:
            self.error = error
            if self._listener is not None:
                self._listener.failed(error)
        else:
            self._listener.understood(words)
        finally:
            if self._request is not None:
                self._request.abandon()

    async def _words(self, request: Request, listener: SttListener) -> str:
        so_far = ""
        while True:
            event = await request.next(_PATIENCE_S)
            match event.type:
                case "transcript":
                    return _bounded(codec.text_of(event.data, "text"))
                case "transcript-start":
                    so_far = ""
                case "transcript-chunk":
                    so_far = _bounded(so_far + codec.text_of(event.data, "text"))
                    listener.partial(so_far)
                case "error":
                    raise PeerError(f"it says: {services.error_of(event)}")
                case _:
                    pass


def _bounded(text: str) -> str:
    if len(text) > services.MOST_TRANSCRIPT_CHARACTERS:
        raise PeerError(f"a transcript of more than {services.MOST_TRANSCRIPT_CHARACTERS} characters")
    return text
