"""Text to speech: one utterance, sentence by sentence, about one sentence ahead of what plays.

A server that takes text piece by piece gets it on one connection; any other gets a request for each sentence. To stop is to close
the connection: no server of today reads before it has spoken what it was asked for.
"""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Protocol

from sentence_stream import SentenceBoundaryDetector
from wyoming.event import Event as WireEvent

from satellite.core.script import LOW_MS, MS_PER_CHARACTER, Script
from satellite.core.units import Millis, millis
from satellite.errors import PeerError
from satellite.peer import services
from satellite.peer.request import Request, RequestRule
from satellite.peer.servers import Server, Servers
from satellite.peer.services import Voice

# how exactly "one sentence ahead" is kept: a twentieth of the shortest sentence
_LOOK_S = 0.05


@dataclass(frozen=True, slots=True)
class TtsRule:
    """How long speech may take, how much of it there may be, and how often it is asked for."""

    # a long sentence on a small computer; less than the conversation waits, so that it hears why
    first_s: float = 8.0
    # from one piece of a sentence to the next
    next_s: float = 5.0
    # a sentence that takes longer is none that anybody speaks: three times as slow as usual, and a long breath
    slowest: float = 3.0
    breath: Millis = Millis(3000)
    attempts: int = 2
    # doubled each time, before the same server is asked again
    retry_s: float = 0.25
    request: RequestRule = field(default_factory=RequestRule)


class _Endless(PeerError):
    """Speech that is none."""


class SpeechSink(Protocol):
    """Takes the audio of one utterance, of one format or of several, one after the other."""

    rate_hz: int

    @property
    def frames(self) -> int: ...

    def feed(self, pcm: bytes, rate_hz: int, width: int, channels: int) -> None: ...

    def end_part(self) -> None: ...

    def finish(self) -> None: ...


@dataclass(frozen=True, slots=True)
class SpeechListener:
    """Who is told of an utterance: that its first audio is there, that all of it is; or that there will be none, or no more."""

    began: Callable[[], None]
    completed: Callable[[Millis], None]
    failed: Callable[[PeerError], None]


class Speech:
    """One utterance on its way to audio. `played` tells how much of it has left the loudspeaker."""

    def __init__(
        self,
        servers: Servers,
        voice: Voice,
        sink: SpeechSink,
        played: Callable[[SpeechSink], Millis],
        listener: SpeechListener,
        rule: TtsRule,
    ) -> None:
        self.script = Script()
        self.sink = sink
        self._servers, self._voice, self._played = servers, voice, played
        self._listener, self._rule = listener, rule
        self._detector = SentenceBoundaryDetector()
        self._is_told = False
        self._more = asyncio.Event()
        self._tried: list[str] = []
        self._request: Request | None = None
        self._task = asyncio.get_running_loop().create_task(self._run(), name="text-to-speech")

    # ---- text in

    def add(self, text: str) -> None:
        """It goes on with this, which may end in the middle of a sentence."""
        for sentence in self._detector.add_chunk(text):
            self.script.add(sentence)
        self._more.set()

    def end(self) -> None:
        """That was all of the text."""
        self.script.add(self._detector.finish())
        self._is_told = True
        self._more.set()

    def tell(self, event: WireEvent) -> None:
        """A word to the server that speaks, if one does."""
        if self._request is not None and self._request.is_heard:
            with suppress(PeerError):
                self._request.send(event)

    def abandon(self) -> None:
        """Nobody listens any more: nothing is asked for, and the server is let go."""
        self._task.cancel()
        if self._request is not None:
            self._request.abandon()

    # ---- audio out

    @property
    def _received(self) -> Millis:
        return millis(self.sink.frames, self.sink.rate_hz)

    async def _run(self) -> None:
        try:
            await self._speak()
        except PeerError as error:
            self._listener.failed(error)
        else:
            self.sink.finish()
            self._listener.completed(self._received)

    async def _speak(self) -> None:
        """Until all of it has been spoken; a server that fails is replaced, once."""
        while await self._is_next_due():
            server = self._servers.pick(self._tried)
            self._tried.append(server.uri)
            try:
                await (self._stream(server) if server.streams else self._speak_sentence(server))
            except PeerError as error:
                self._servers.failed(server, error)
                # nobody wants to hear more of a voice that knows no end
                if len(self._tried) >= self._rule.attempts or isinstance(error, _Endless):
                    raise
                self._servers.failovers += 1
                await self._start_over(server)
            else:
                self._servers.worked(server)
                self._tried.remove(server.uri)
            finally:
                if self._request is not None:
                    self._request.abandon()

    async def _start_over(self, failed: Server) -> None:
        """The sentence that broke off is spoken again from its beginning, perhaps by another voice."""
        self.script.take_back(self._received)
        self.sink.end_part()
        if self._servers.pick(self._tried).uri == failed.uri:
            await asyncio.sleep(self._rule.retry_s * 2 ** (len(self._tried) - 1))

    async def _is_next_due(self) -> bool:
        """Waits until the next sentence should be asked for; False if there is none."""
        while not self.script.is_due(self._played(self.sink), self._received):
            if self._is_told and not self.script.has_more:
                return False
            self._more.clear()
            with suppress(TimeoutError):
                async with asyncio.timeout(_LOOK_S if self.script.has_more else None):
                    await self._more.wait()
        return True

    # ---- a request for each sentence

    async def _speak_sentence(self, server: Server) -> None:
        text = self.script.ask(self._received, is_certain=True)
        self._request = request = await self._open(server)
        request.send(services.synthesize(text, self._voice))
        most = self._received + self._longest(text)
        patience_s = self._rule.first_s
        while (event := await request.next(patience_s)).type != "audio-stop":
            patience_s = self._take(event, patience_s, most)

    # ---- one request for all

    async def _stream(self, server: Server) -> None:
        self._request = request = await self._open(server)
        request.send(services.synthesize_start(self._voice))
        asking = asyncio.get_running_loop().create_task(self._ask_on(request))
        try:
            await self._listen_to(request)
        finally:
            asking.cancel()

    async def _ask_on(self, request: Request) -> None:
        """Sends sentence by sentence, as each is due."""
        with suppress(PeerError):
            while await self._is_next_due():
                request.send(services.synthesize_chunk(self.script.ask(self._received, is_certain=False)))
            # the whole once more, for servers that do not stream after all
            request.send(services.synthesize(self.script.asked, self._voice), services.synthesize_stop())

    async def _listen_to(self, request: Request) -> None:
        start = self._received
        patience_s = self._rule.first_s
        while (event := await self._next_of_stream(request, patience_s)).type != "synthesize-stopped":
            if event.type == "audio-start":
                self.script.sentence_begins(self._received)
            patience_s = self._take(event, patience_s, start + self._longest(self.script.asked))

    async def _next_of_stream(self, request: Request, patience_s: float) -> WireEvent:
        """A server that has spoken all it was sent is silent until it is sent more, for as long as that takes."""
        while True:
            try:
                return await request.next(patience_s)
            except PeerError:
                if not request.is_heard or not self._may_be_silent:
                    raise

    @property
    def _may_be_silent(self) -> bool:
        """Whether whoever speaks waits for us: for a sentence that is still thought of, or that is not asked for yet."""
        if self.script.has_more:
            return self._received - self._played(self.sink) >= LOW_MS
        return not self._is_told

    # ---- what comes

    async def _open(self, server: Server) -> Request:
        return await Request.open(server.host, server.port, self._rule.request, server.trust)

    def _take(self, event: WireEvent, patience_s: float, most: int) -> float:
        """One event of a server that speaks; how long to wait for the next."""
        if event.type == "error":
            raise PeerError(f"it says: {services.error_of(event)}")
        if event.type != "audio-chunk":
            return patience_s
        is_first = self.sink.frames == 0
        self.sink.feed(*services.audio_of(event))
        if self._received > most:
            raise _Endless("it sent more speech than the text can take")
        if is_first and self.sink.frames:
            self._listener.began()
        return self._rule.next_s

    def _longest(self, text: str) -> int:
        """More audio than that is no speech of this text, in ms."""
        return self._rule.breath + int(len(text) * MS_PER_CHARACTER * self._rule.slowest)
