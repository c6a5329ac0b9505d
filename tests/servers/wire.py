"""The plainest clients there are, for servers on this machine. Every one has a deadline; none is ours."""

import asyncio
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from wyoming.asr import Transcribe
from wyoming.audio import AudioChunk, AudioStart, AudioStop
from wyoming.client import AsyncTcpClient
from wyoming.event import Event
from wyoming.info import Describe, Info

from satellite.audio.card import Samples
from satellite.core.units import RATE_HZ

# the slowest is Whisper with a noise in which it looks for words: 3.5 s
DEADLINE_S = 30.0
# 20 ms, what a satellite sends at a time
_CHUNK_FRAMES = RATE_HZ // 50


@asynccontextmanager
async def connection(port: int) -> AsyncIterator[AsyncTcpClient]:
    """To a server on this machine; TimeoutError if all that is done with it takes longer than the deadline."""
    async with asyncio.timeout(DEADLINE_S), AsyncTcpClient("127.0.0.1", port) as client:
        yield client


async def send(client: AsyncTcpClient, *events: Event) -> None:
    """One after the other."""
    for event in events:
        await client.write_event(event)


async def receive(client: AsyncTcpClient, until: str) -> list[Event]:
    """All events up to the first of that type, and with it; fewer if the server closes."""
    events: list[Event] = []
    while (event := await client.read_event()) is not None:
        events.append(event)
        if event.type == until:
            break
    return events


async def describe(port: int) -> Info:
    """What the server says of itself."""
    async with connection(port) as client:
        await send(client, Describe().event())
        return Info.from_event((await receive(client, "info"))[-1])


def spoken(samples: Samples, rate_hz: int = RATE_HZ) -> list[Event]:
    """What a satellite sends of it, int16 mono: `transcribe`, the audio, its end."""
    chunks = [samples[at : at + _CHUNK_FRAMES].tobytes() for at in range(0, len(samples), _CHUNK_FRAMES)]
    return [
        Transcribe(language="en").event(),
        AudioStart(rate=rate_hz, width=2, channels=1).event(),
        *(AudioChunk(rate=rate_hz, width=2, channels=1, audio=chunk).event() for chunk in chunks),
        AudioStop().event(),
    ]


async def transcribe(port: int, samples: Samples, rate_hz: int = RATE_HZ) -> str:
    """What a recogniser understands of it, int16 mono."""
    async with connection(port) as client:
        await send(client, *spoken(samples, rate_hz))
        events = await receive(client, "transcript")
    text: str = events[-1].data["text"]
    return text.strip()


@dataclass(slots=True)
class Speech:
    """What a synthesizer sent: everything between an `audio-start` and its `audio-stop`."""

    rate_hz: int
    pcm: bytearray = field(default_factory=bytearray)

    @property
    def seconds(self) -> float:
        """How long it is, as mono of 16 bits."""
        return len(self.pcm) / 2 / self.rate_hz


def speeches(events: Iterable[Event]) -> list[Speech]:
    """One for every `audio-start`. AssertionError if the events of audio do not come in their order."""
    found: list[Speech] = []
    is_open = False
    for event in events:
        if AudioStart.is_type(event.type):
            assert not is_open, "two audio-start"
            start = AudioStart.from_event(event)
            assert (start.width, start.channels) == (2, 1)
            found.append(Speech(start.rate))
            is_open = True
        elif AudioChunk.is_type(event.type):
            assert is_open, "audio before audio-start"
            found[-1].pcm += AudioChunk.from_event(event).audio
        elif AudioStop.is_type(event.type):
            assert is_open, "audio-stop before audio-start"
            is_open = False
    assert not is_open, "no audio-stop"
    return found
