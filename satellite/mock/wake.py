"""A wake word service on microWakeWord's own models: a mock that works, also for other satellites on the network."""

import asyncio
from collections.abc import Sequence
from typing import Any

import numpy as np
from wyoming.audio import AudioChunk
from wyoming.event import Event
from wyoming.info import Info, WakeModel, WakeProgram
from wyoming.wake import Detect, Detection

from satellite.core.units import RATE_HZ
from satellite.detect.wake import WakeDetector
from satellite.detect.wake_engine import WakeWordSettings
from satellite.mock.wire import ATTRIBUTION, MockServer, read, write

WORDS = ("okay_nabu", "hey_jarvis", "hey_mycroft", "alexa")


class MockWake(MockServer):
    """Any number of satellites; each says which words it wants."""

    def __init__(self, host: str = "127.0.0.1", port: int = 0) -> None:
        super().__init__(host, port)
        self.heard_frames = 0
        """Of microphone, from all of them."""

    async def _talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        detector = WakeDetector([WakeWordSettings(word) for word in WORDS])
        while (event := await read(reader)) is not None:
            match event.type:
                case "describe":
                    await write(writer, _info())
                case "detect":
                    wanted = Detect.from_event(event).names
                    detector = WakeDetector([WakeWordSettings(word) for word in _known(wanted)])
                case "audio-chunk":
                    chunk = AudioChunk.from_event(event)
                    if (chunk.rate, chunk.width, chunk.channels) != (RATE_HZ, 2, 1):
                        return
                    self.heard_frames += chunk.samples
                    # as the services do: one detection is stamped with the piece of audio that completed it
                    for heard in detector.process(np.frombuffer(chunk.audio, "<i2")):
                        await write(writer, Detection(name=heard.name, timestamp=chunk.timestamp).event())


def _known(wanted: Sequence[str] | None) -> Sequence[str]:
    return [word for word in WORDS if not wanted or word in wanted]


def _info() -> Event:
    common: dict[str, Any] = {"attribution": ATTRIBUTION, "installed": True, "description": None, "version": None}
    models = [WakeModel(name=word, languages=["en"], phrase=word.replace("_", " "), **common) for word in WORDS]
    return Info(wake=[WakeProgram(name="mock-wake", models=models, **common)]).event()
