"""Servers that misbehave: each kind of fault for each kind of server, until it is taken away."""

import asyncio
import json
import socket
from enum import Enum
from typing import Any

from wyoming.asr import TranscriptChunk
from wyoming.audio import AudioChunk, AudioStart
from wyoming.error import Error
from wyoming.event import Event
from wyoming.handle import HandledChunk, HandledStart

from satellite.core.units import RATE_HZ
from satellite.mock.agent import keyword_agent
from satellite.mock.dialog import MockDialog
from satellite.mock.recogniser import TemplateRecogniser
from satellite.mock.recordings import SPOKEN, trimmed
from satellite.mock.stt import MockStt
from satellite.mock.tts import MockTts, hum
from satellite.mock.wire import Line, LineServer
from tests.service.house import REPLY_TEXT

# of what it says before it breaks off
_SOME_CHUNKS = 10
_CHUNK = hum(0.1)


class Fault(Enum):
    """What is wrong with it. All but the last answer `describe`, as a server does that is only broken inside."""

    DIES = "resets the connection when it is asked"
    CLOSES = "closes the connection when it is asked"
    BREAKS_OFF = "resets the connection in the middle of its answer"
    NONSENSE = "answers with bytes that are none of Wyoming's"
    WRONG_TYPES = "answers with events whose types are numbers"
    HUGE = "announces an answer of ten gigabytes"
    REFUSES = "answers with an error"
    SILENT = "never answers"
    ENDLESS = "never ends its answer"
    SLOW = "answers after ten seconds"
    DEAF = "does not answer to anything, not even who it is"


class Faulty(LineServer):
    """Beside a mock server: it behaves as that does once `fault` is None. `asked` counts requests that met the fault."""

    fault: Fault | None
    asked = 0

    async def _serve(self, line: Line) -> None:
        if self.fault is None or self.fault is Fault.SLOW:
            await self._delay(line)
            return
        event = await line.next()
        while event.type == "describe" and self.fault is not Fault.DEAF:
            await line.say(self.info())
            event = await line.next()
        if self.fault is None:
            # the connection was opened before it was well
            line._events._queue.appendleft(event)  # type: ignore[attr-defined]
            await self._delay(line)
            return
        self.asked += event.type != "describe"
        await self._misbehave(line)

    async def _delay(self, line: Line) -> None:
        raise NotImplementedError

    def info(self) -> Event:
        raise NotImplementedError

    async def _misbehave(self, line: Line) -> None:
        match self.fault:
            case Fault.DIES:
                line.cut()
            case Fault.CLOSES:
                line.hang_up()
            case Fault.BREAKS_OFF:
                for _ in range(_SOME_CHUNKS):
                    await line.say(self._piece())
                line.cut()
            case Fault.NONSENSE:
                await line.say_raw(b"\x00\xffHTTP/1.1 400 Bad Request\r\n\r\n")
            case Fault.WRONG_TYPES:
                await line.say_raw(json.dumps({"type": 5, "data": [1]}).encode() + b"\n")
            case Fault.HUGE:
                await line.say_raw(json.dumps({"type": "audio-chunk", "payload_length": 10**10}).encode() + b"\n")
            case Fault.REFUSES:
                await line.say(Error(text="the model is not loaded", code="model").event())
            case Fault.ENDLESS:
                while True:
                    await line.say(self._piece())
                    # a little faster than anybody speaks
                    await asyncio.sleep(0.05)
            case _:
                pass
        await asyncio.Event().wait()

    def _piece(self) -> Event:
        raise NotImplementedError


class FaultyStt(Faulty, MockStt):
    """Understands what the package has recordings of."""

    def __init__(self, fault: Fault) -> None:
        known = [(SPOKEN[name], trimmed(name)) for name in ("tts_lights_joe", "tts_lights_heart", "tts_stop_joe")]
        super().__init__(TemplateRecogniser(known).recognise)
        self.fault = fault

    def info(self) -> Event:
        return MockStt.info(self)

    async def _delay(self, line: Line) -> None:
        self.thinks_s = 10.0 if self.fault else 0.0
        await MockStt._serve(self, line)

    def _piece(self) -> Event:
        return TranscriptChunk(text="and so on " * 20).event()


class FaultyDialog(Faulty, MockDialog):
    """Says the same to everything."""

    def __init__(self, fault: Fault) -> None:
        super().__init__(keyword_agent({}, REPLY_TEXT))
        self.fault = fault

    def info(self) -> Event:
        return MockDialog.info(self)

    async def _delay(self, line: Line) -> None:
        if self.fault:
            await asyncio.sleep(10.0)
        await MockDialog._serve(self, line)

    async def _misbehave(self, line: Line) -> None:
        if self.fault in (Fault.ENDLESS, Fault.BREAKS_OFF):
            await line.say(HandledStart().event())
        await super()._misbehave(line)

    def _piece(self) -> Event:
        return HandledChunk(text="This goes on. ").event()


class FaultyTts(Faulty, MockTts):
    """Hums."""

    def __init__(self, fault: Fault) -> None:
        super().__init__({})
        self.fault = fault

    def info(self) -> Event:
        return MockTts.info(self)

    async def _delay(self, line: Line) -> None:
        self.thinks_s = 10.0 if self.fault else 0.0
        await MockTts._serve(self, line)

    async def _misbehave(self, line: Line) -> None:
        if self.fault in (Fault.ENDLESS, Fault.BREAKS_OFF):
            await line.say(AudioStart(**_form()).event())
        await super()._misbehave(line)

    def _piece(self) -> Event:
        return AudioChunk(**_form(), audio=_CHUNK.tobytes()).event()


FAULTY = {"stt": FaultyStt, "dialog": FaultyDialog, "tts": FaultyTts}


def _form() -> dict[str, Any]:
    return {"rate": RATE_HZ, "width": 2, "channels": 1}


def nobody() -> str:
    """The address of a server that is not there."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        return f"tcp://127.0.0.1:{taken.getsockname()[1]}"
