"""A Wyoming wake word service elsewhere: it gets the microphone all the time, and says when it has heard a word.

The service is asked once per connection, before the audio: openWakeWord's takes later names for those of its model files,
and is then deaf. It gives back the time of the piece of audio with which the word was complete, if it keeps to the protocol.
"""

import asyncio
import logging
import reprlib
from collections import deque
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass

from wyoming.event import Event as WireEvent

from satellite.core.refractory import Refractory
from satellite.core.units import Frames, Millis, frames, millis
from satellite.errors import PeerError
from satellite.peer import codec
from satellite.peer.framing import Decoder, Limits, encode
from satellite.peer.outgoing import connect, place_of
from satellite.peer.reconnect import Reconnecting
from satellite.peer.sockets import never_wait_long
from satellite.peer.uplink import KEEP_FRAMES
from satellite.trust import Trust

_log = logging.getLogger(__name__)

# microWakeWord decides every 30 ms, the others every 32 and 80
PIECE_FRAMES = frames(30)
_PIECE_BYTES = PIECE_FRAMES * 2

# at once from a socket
_READ_BYTES = 64 * 1024

# of audio that the system may hold for a service that does not read: what is older is of no use
_SEND_BUFFER_BYTES = 64 * 1024


@dataclass(frozen=True, slots=True)
class WakeClientRule:
    """How long a service may take, and what is kept for it."""

    connect_s: float = 5.0
    # it answers `describe` at once, or after its models are loaded
    answer_s: float = 15.0
    # nothing that is on the network leaves audio unread or unacknowledged for so long
    stuck_s: float = 10.0
    # a service that is restarted is back in a second or two; one that is gone is not worth more than two tries a minute
    first_retry_s: float = 1.0
    most_retry_s: float = 30.0
    # a connection that held so long was good; one that breaks sooner is tried as if there had been none
    steady_s: float = 60.0
    # two seconds from before a voice come at once
    queue_frames: Frames = frames(5000)
    # it has nothing to say that is long
    limits: Limits = Limits(header=64 * 1024, data=1024 * 1024, payload=64 * 1024)


class WakeClient:
    """Connects to `uri` again and again until stopped. `on_wake` gets a word and the frame of the stream at which it ended.

    `trust` judges the certificate of a service at `tls://`.
    """

    def __init__(
        self,
        uri: str,
        refractory: Mapping[str, Millis],
        on_wake: Callable[[str, Frames], None],
        rule: WakeClientRule | None = None,
        trust: Trust | None = None,
    ) -> None:
        self._uri, self._on_wake, self._rule = uri, on_wake, rule or WakeClientRule()
        self._place, self._trust = place_of(uri), trust
        self._names = list(refractory)
        self._missing: list[str] = []
        self._words = {codec.plain_word(name): (name, Refractory(frames(ms))) for name, ms in refractory.items()}
        self._task: asyncio.Task[None] | None = None
        retry = self._rule.first_retry_s, self._rule.most_retry_s, self._rule.steady_s
        self._service = Reconnecting(_log, "no wake word is heard", f"the wake word service {uri}", *retry)
        # only while connected
        self._queue: deque[tuple[Frames, bytes]] | None = None
        self._more = asyncio.Event()
        self._rest, self._rest_first = b"", Frames(0)
        self._sent_from = self._sent_to = Frames(0)
        self.dropped = 0
        """Pieces that were not sent because the service did not read."""

    def start(self) -> None:
        """Begins to connect, and tells the operator what that means."""
        _log.info("wake.uri: all that the microphone hears is sent to the wake word service %s", self._uri)
        self._task = asyncio.create_task(self._service.keep(self._talk))

    async def stop(self) -> None:
        """Closes the connection."""
        if self._task is not None:
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task

    def feed(self, first: Frames, pcm: bytes) -> None:
        """Hands over the next audio, of any length, and returns at once; it is dropped while there is no service."""
        if self._queue is None:
            return
        if first != self._rest_first + len(self._rest) // 2:
            self._rest, self._rest_first = b"", first
        pcm = self._rest + pcm
        whole = len(pcm) // _PIECE_BYTES * _PIECE_BYTES
        for at in range(0, whole, _PIECE_BYTES):
            if len(self._queue) >= self._rule.queue_frames // PIECE_FRAMES:
                self._queue.popleft()
                self.dropped += 1
            self._queue.append((Frames(self._rest_first + at // 2), pcm[at : at + _PIECE_BYTES]))
        self._rest, self._rest_first = pcm[whole:], Frames(self._rest_first + whole // 2)
        self._more.set()

    def forget(self) -> None:
        """What is not sent yet stays here."""
        self._rest = b""
        if self._queue:
            self._queue.clear()

    # ---- the connection

    async def _talk(self) -> None:
        """One connection; it only ends by an error."""
        reader, writer = await connect(self._place.host, self._place.port, self._rule.connect_s, self._trust)
        try:
            never_wait_long(writer.get_extra_info("socket"), self._rule.stuck_s, _SEND_BUFFER_BYTES)
            self._queue, self._rest = deque(), b""
            self._sent_from = self._sent_to = Frames(0)
            writer.write(encode(codec.describe()) + encode(codec.detect(self._names)) + encode(codec.audio_start(Millis(0))))
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(self._send(writer))
                tasks.create_task(self._receive(reader))
        except ExceptionGroup as group:
            raise group.exceptions[0] from None
        finally:
            self._queue = None
            writer.transport.abort()

    async def _send(self, writer: asyncio.StreamWriter) -> None:
        queue = self._queue
        assert queue is not None
        while True:
            while queue:
                first, pcm = queue.popleft()
                if self._sent_to == 0:
                    self._sent_from = first
                self._sent_to = Frames(first + len(pcm) // 2)
                writer.write(encode(codec.audio(pcm, millis(first))))
                try:
                    async with asyncio.timeout(self._rule.stuck_s):
                        await writer.drain()
                except TimeoutError:
                    raise PeerError(f"it has read nothing for {self._rule.stuck_s:g} s") from None
            self._more.clear()
            await self._more.wait()

    async def _receive(self, reader: asyncio.StreamReader) -> None:
        decoder = Decoder(self._rule.limits)
        patience_s: float | None = self._rule.answer_s
        while True:
            try:
                async with asyncio.timeout(patience_s):
                    received = await reader.read(_READ_BYTES)
            except TimeoutError:
                raise PeerError(f"it has not answered for {patience_s:g} s") from None
            if not received:
                raise PeerError("it closed the connection")
            for event in decoder.feed(received):
                if patience_s is not None:
                    # it speaks the protocol; from now on silence means that nobody said a word
                    patience_s = None
                    self._service.found()
                self._take(event)

    # ---- what it says

    def _take(self, event: WireEvent) -> None:
        match event.type:
            case "detection":
                self._detected(event)
            case "info":
                self._compare({codec.plain_word(name) for name in codec.wake_words(event)})
            case "error":
                _log.debug("the wake word service %s: %s", self._uri, reprlib.repr(event.data.get("text")))
            case _:
                pass

    def _compare(self, known: set[str]) -> None:
        """Tells the operator, once, which words are not among those that the service says it has."""
        missing = [name for name in self._names if codec.plain_word(name) not in known] if known else []
        if missing != self._missing and missing:
            which, has = " and no ".join(map(repr, missing)), reprlib.repr(sorted(known))
            _log.warning("wake.words: the service %s has no %s; it has %s", self._uri, which, has)
        self._missing = missing

    def _detected(self, event: WireEvent) -> None:
        name, at = codec.detected(event)
        # one that has a single word need not say which
        plain = codec.plain_word(name) if name or len(self._words) > 1 else next(iter(self._words))
        if plain not in self._words:
            _log.debug("the wake word service heard %s, which it was not asked for", reprlib.repr(name))
            return
        end = self._frame(at)
        if self._sent_to - end > KEEP_FRAMES:
            _log.warning("the wake word service is %.1f s behind; that is too late", (self._sent_to - end) / frames(1000))
            return
        ours, refractory = self._words[plain]
        if refractory.admits(end):
            self._on_wake(ours, end)

    def _frame(self, at: Millis | None) -> Frames:
        """The end of the piece that began at this time; of the last one, if the service made the time up."""
        if at is not None and millis(self._sent_from) <= at < millis(self._sent_to):
            return Frames(frames(at) + PIECE_FRAMES)
        return self._sent_to
