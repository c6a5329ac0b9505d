"""A mock Wyoming speech-to-text server. It closes a connection after its transcript, as faster-whisper's does."""

import asyncio
from collections import deque
from collections.abc import Callable
from typing import Any

import numpy as np
from wyoming.asr import Transcript, TranscriptChunk, TranscriptStart, TranscriptStop
from wyoming.audio import AudioChunk
from wyoming.event import Event
from wyoming.info import AsrModel, AsrProgram, Info

from satellite.audio.card import Samples
from satellite.core.units import RATE_HZ
from satellite.mock.wire import ATTRIBUTION, Line, LineServer

# a few conversations
_MOST_REQUESTS = 100
# a minute: longer than any hub listens
_LONGEST_BYTES = 60 * 32_000

# how often a server that streams looks at what it has heard
_LOOK_FRAMES = RATE_HZ // 5


class MockStt(LineServer):
    """Recognises with `recognise`, and remembers the audio of every request in `requests`.

    With `words_at`, which says what is understood of so much audio, it streams: what that adds to what it has said is a chunk.
    """

    def __init__(
        self,
        recognise: Callable[[Samples], str],
        host: str = "127.0.0.1",
        port: int = 0,
        words_at: Callable[[Samples], str] | None = None,
    ) -> None:
        super().__init__(host, port)
        self._recognise, self._words_at = recognise, words_at
        self.requests: deque[Samples] = deque(maxlen=_MOST_REQUESTS)
        self.thinks_s = 0.0
        """How long it takes from the end of the audio to the transcript."""

    def info(self) -> Event:
        """What it says of itself."""
        return _info(self._words_at is not None)

    async def _serve(self, line: Line) -> None:
        heard, so_far = bytearray(), ""
        while True:
            event = await line.next()
            match event.type:
                case "describe":
                    await line.say(self.info())
                case "audio-chunk" if len(heard) < _LONGEST_BYTES:
                    before = len(heard)
                    heard += AudioChunk.from_event(event).audio
                    if self._words_at and len(heard) // (2 * _LOOK_FRAMES) > before // (2 * _LOOK_FRAMES):
                        so_far = await self._stream(line, so_far, self._words_at(_samples(heard)))
                case "audio-stop":
                    self.requests.append(_samples(heard))
                    await asyncio.sleep(self.thinks_s)
                    text = self._recognise(self.requests[-1])
                    if self._words_at:
                        await self._stream(line, so_far, text)
                        await line.say(TranscriptStop().event())
                    await line.say(Transcript(text=text).event())
                    line.hang_up()
                    return

    async def _stream(self, line: Line, before: str, now: str) -> str:
        """Says what is new of a text that grows."""
        if not now.startswith(before) or now == before:
            return before
        if not before:
            await line.say(TranscriptStart().event())
        await line.say(TranscriptChunk(text=now[len(before) :]).event())
        return now


def _samples(heard: bytearray) -> Samples:
    return np.frombuffer(bytes(heard), "<i2")


def _info(streams: bool) -> Event:
    common: dict[str, Any] = {"attribution": ATTRIBUTION, "installed": True, "description": None, "version": None}
    model = AsrModel(name="recordings", languages=["en"], **common)
    return Info(asr=[AsrProgram(name="mock-stt", models=[model], supports_transcript_streaming=streams, **common)]).event()
