"""A mock Wyoming speech-to-text server. It closes a connection after its transcript, as faster-whisper's does."""

import asyncio
from collections import deque
from collections.abc import Callable
from typing import Any

import numpy as np
from wyoming.asr import Transcript
from wyoming.audio import AudioChunk
from wyoming.event import Event
from wyoming.info import AsrModel, AsrProgram, Info

from satellite.audio.card import Samples
from satellite.mock.wire import ATTRIBUTION, MockServer, read, write

# a few conversations
_MOST_REQUESTS = 100
# a minute: longer than any hub listens
_LONGEST_BYTES = 60 * 32_000


class MockStt(MockServer):
    """Recognises with `recognise`, and remembers the audio of every request in `requests`."""

    def __init__(self, recognise: Callable[[Samples], str], host: str = "127.0.0.1", port: int = 0) -> None:
        super().__init__(host, port)
        self._recognise = recognise
        self.requests: deque[Samples] = deque(maxlen=_MOST_REQUESTS)

    async def _talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        heard = bytearray()
        while (event := await read(reader)) is not None:
            match event.type:
                case "describe":
                    await write(writer, _info())
                case "audio-chunk" if len(heard) < _LONGEST_BYTES:
                    heard += AudioChunk.from_event(event).audio
                case "audio-stop":
                    samples = np.frombuffer(bytes(heard), "<i2")
                    self.requests.append(samples)
                    await write(writer, Transcript(text=self._recognise(samples)).event())
                    return


def _info() -> Event:
    common: dict[str, Any] = {"attribution": ATTRIBUTION, "installed": True, "description": None, "version": None}
    model = AsrModel(name="recordings", languages=["en"], **common)
    return Info(asr=[AsrProgram(name="mock-stt", models=[model], **common)]).event()
