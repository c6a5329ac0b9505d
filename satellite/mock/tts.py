"""A mock Wyoming text-to-speech server: says what it has a recording of, and hums the length of anything else."""

import asyncio
from collections.abc import Mapping
from typing import Any

import numpy as np
import soxr
from wyoming.audio import AudioChunk, AudioStart, AudioStop
from wyoming.event import Event
from wyoming.info import Info, TtsProgram, TtsVoice
from wyoming.tts import Synthesize

from satellite.audio.card import Samples
from satellite.core.units import RATE_HZ
from satellite.mock.wire import ATTRIBUTION, MockServer, read, write

# what Piper's voices have, and Home Assistant asks for
VOICE_RATE_HZ = 22_050
# of ordinary speech
_S_PER_CHARACTER = 0.06
_CHUNK_FRAMES = 1024


class MockTts(MockServer):
    """`texts` maps a text to 16 kHz samples. With `pace` 1 it speaks no faster than a person, with None at once."""

    def __init__(self, texts: Mapping[str, Samples], pace: float | None = None, host: str = "127.0.0.1", port: int = 0) -> None:
        super().__init__(host, port)
        self._texts, self._pace = texts, pace
        self.fails = False
        """Close the connection instead of speaking."""

    async def _talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while (event := await read(reader)) is not None:
            if event.type == "describe":
                await write(writer, _info())
            elif event.type == "synthesize":
                if self.fails:
                    return
                await self._speak(Synthesize.from_event(event).text, writer)

    async def _speak(self, text: str, writer: asyncio.StreamWriter) -> None:
        samples = soxr.resample(self._samples(text), RATE_HZ, VOICE_RATE_HZ)
        form: dict[str, Any] = {"rate": VOICE_RATE_HZ, "width": 2, "channels": 1}
        await write(writer, AudioStart(**form).event())
        for at in range(0, len(samples), _CHUNK_FRAMES):
            chunk = samples[at : at + _CHUNK_FRAMES]
            await write(writer, AudioChunk(**form, audio=chunk.tobytes()).event())
            if self._pace:
                await asyncio.sleep(len(chunk) / VOICE_RATE_HZ / self._pace)
        await write(writer, AudioStop().event())

    def _samples(self, text: str) -> Samples:
        known = self._texts.get(text)
        return known if known is not None else hum(len(text) * _S_PER_CHARACTER)


def hum(seconds: float) -> Samples:
    """A voiced sound with the rhythm of syllables."""
    t = np.arange(int(max(seconds, 0.3) * RATE_HZ)) / RATE_HZ
    voice = sum(np.sin(2 * np.pi * 120 * k * t) / k for k in range(1, 20))
    samples: Samples = (3000 * voice * (0.55 - 0.45 * np.cos(2 * np.pi * 4 * t))).astype(np.int16)
    return samples


def _info() -> Event:
    common: dict[str, Any] = {"attribution": ATTRIBUTION, "installed": True, "description": None, "version": None}
    voice = TtsVoice(name="recordings", languages=["en"], **common)
    return Info(tts=[TtsProgram(name="mock-tts", voices=[voice], **common)]).event()
