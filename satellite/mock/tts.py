"""A mock Wyoming text-to-speech server: says what it has a recording of, and hums the length of anything else."""

import asyncio
from collections import deque
from collections.abc import Mapping
from typing import Any

import numpy as np
import soxr
from sentence_stream import SentenceBoundaryDetector
from wyoming.audio import AudioChunk, AudioStart, AudioStop
from wyoming.event import Event
from wyoming.info import Info, TtsProgram, TtsVoice
from wyoming.tts import SynthesizeStopped

from satellite.audio.card import Samples
from satellite.core.units import RATE_HZ
from satellite.mock.wire import ATTRIBUTION, Line, LineServer

# what Piper's voices have, and Home Assistant asks for
VOICE_RATE_HZ = 22_050
# of ordinary speech
_S_PER_CHARACTER = 0.06
_CHUNK_FRAMES = 1024
_MOST_REQUESTS = 1000


class MockTts(LineServer):
    """`texts` maps a text to 16 kHz samples. With `pace` 1 it speaks no faster than a person, with None at once.

    With `streams` it takes its text in pieces, too, and speaks each sentence when it can see its end, as Piper's does, whose
    splitter of sentences it has: "Yes. It is." is one, for "Yes." may be an abbreviation. On a connection with a stream it
    ignores any whole text, as that does.
    """

    def __init__(
        self,
        texts: Mapping[str, Samples],
        pace: float | None = None,
        host: str = "127.0.0.1",
        port: int = 0,
        streams: bool = False,
    ) -> None:
        super().__init__(host, port)
        self._texts, self._pace, self._streams = texts, pace, streams
        self.fails = False
        """Close the connection instead of speaking."""
        self.thinks_s = 0.0
        """How long it takes to make a sentence."""
        self.spoken: deque[tuple[str, dict[str, Any] | None]] = deque(maxlen=_MOST_REQUESTS)
        """Each sentence or text that it began to speak, and in whose voice."""

    def info(self) -> Event:
        """What it says of itself."""
        return _info(self._streams)

    async def _serve(self, line: Line) -> None:
        sentences: SentenceBoundaryDetector | None = None
        voice: dict[str, Any] | None = None
        while True:
            event = await line.next()
            match event.type:
                case "describe":
                    await line.say(self.info())
                case "synthesize" if sentences is None:
                    await self._speak(event.data.get("text", ""), event.data.get("voice"), line)
                case "synthesize-start" if self._streams:
                    sentences, voice = SentenceBoundaryDetector(), event.data.get("voice")
                case "synthesize-chunk" if sentences is not None:
                    for sentence in list(sentences.add_chunk(event.data.get("text", ""))):
                        await self._speak(sentence, voice, line)
                case "synthesize-stop" if sentences is not None:
                    if rest := sentences.finish():
                        await self._speak(rest, voice, line)
                    await line.say(SynthesizeStopped().event())

    async def _speak(self, text: str, voice: dict[str, Any] | None, line: Line) -> None:
        if self.fails:
            line.hang_up()
            return
        self.spoken.append((text, voice))
        await asyncio.sleep(self.thinks_s)
        samples = soxr.resample(self._samples(text), RATE_HZ, VOICE_RATE_HZ)
        form: dict[str, Any] = {"rate": VOICE_RATE_HZ, "width": 2, "channels": 1}
        await line.say(AudioStart(**form).event())
        for at in range(0, len(samples), _CHUNK_FRAMES):
            chunk = samples[at : at + _CHUNK_FRAMES]
            await line.say(AudioChunk(**form, audio=chunk.tobytes()).event())
            if self._pace:
                await asyncio.sleep(len(chunk) / VOICE_RATE_HZ / self._pace)
        await line.say(AudioStop().event())

    def _samples(self, text: str) -> Samples:
        known = self._texts.get(text)
        return known if known is not None else hum(len(text) * _S_PER_CHARACTER)


def hum(seconds: float) -> Samples:
    """A voiced sound with the rhythm of syllables."""
    t = np.arange(int(max(seconds, 0.3) * RATE_HZ)) / RATE_HZ
    voice = sum(np.sin(2 * np.pi * 120 * k * t) / k for k in range(1, 20))
    samples: Samples = (3000 * voice * (0.55 - 0.45 * np.cos(2 * np.pi * 4 * t))).astype(np.int16)
    return samples


def _info(streams: bool) -> Event:
    common: dict[str, Any] = {"attribution": ATTRIBUTION, "installed": True, "description": None, "version": None}
    voice = TtsVoice(name="recordings", languages=["en"], **common)
    return Info(tts=[TtsProgram(name="mock-tts", voices=[voice], supports_synthesize_streaming=streams, **common)]).event()
