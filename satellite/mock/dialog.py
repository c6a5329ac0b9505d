"""A mock Wyoming dialog server: an agent behind `handle` or `intent` events, whole or piece by piece."""

import asyncio
from collections import deque
from dataclasses import dataclass
from typing import Any

from wyoming.event import Event
from wyoming.handle import Handled, HandledChunk, HandledStart, HandledStop, NotHandled
from wyoming.info import HandleModel, HandleProgram, Info, IntentModel, IntentProgram
from wyoming.intent import Intent, NotRecognized

from satellite.mock.agent import Agent
from satellite.mock.wire import ATTRIBUTION, Line, LineServer

_MOST_REQUESTS = 100


@dataclass(frozen=True, slots=True)
class Asked:
    """A request as it came."""

    text: str
    language: str | None
    context: dict[str, Any]
    at_s: float


class MockDialog(LineServer):
    """Answers with `agent`; with `streams` as it thinks. It keeps a connection open afterwards, for `interrupt` events."""

    def __init__(self, agent: Agent, host: str = "127.0.0.1", port: int = 0, streams: bool = False) -> None:
        super().__init__(host, port)
        self._agent, self._streams = agent, streams
        self.requests: deque[Asked] = deque(maxlen=_MOST_REQUESTS)
        self.abandoned = 0
        """Answers that nobody waited for any more while they were thought of."""

    def info(self) -> Event:
        """What it says of itself."""
        return _handle_info(self._streams)

    @property
    def interrupts(self) -> list[dict[str, Any]]:
        """What it was told of interruptions, in order."""
        return [entry.data for entry in self.journal.of("interrupt")]

    async def _serve(self, line: Line) -> None:
        while True:
            event = await line.next()
            if event.type == "describe":
                await line.say(self.info())
            elif event.type in ("transcript", "intent"):
                asked = _asked(event)
                self.requests.append(asked)
                try:
                    await (self._stream(line, asked) if self._streams else self._answer(line, asked))
                except asyncio.CancelledError:
                    self.abandoned += 1
                    raise
                except LookupError:
                    await line.say(NotHandled(context=asked.context).event())

    async def _answer(self, line: Line, asked: Asked) -> None:
        text = ""
        async for piece in self._agent(asked.text):
            text += piece
        await line.say(Handled(text=text, context=asked.context).event())

    async def _stream(self, line: Line, asked: Asked) -> None:
        text = ""
        await line.say(HandledStart(context=asked.context).event())
        async for piece in self._agent(asked.text):
            text += piece
            await line.say(HandledChunk(text=piece).event())
        await line.say(Handled(text=text, context=asked.context).event())
        await line.say(HandledStop().event())


class MockIntent(LineServer):
    """Recognises sentences by a word in them: `intents` maps the word to the name of what is meant."""

    def __init__(self, intents: dict[str, str], host: str = "127.0.0.1", port: int = 0) -> None:
        super().__init__(host, port)
        self._intents = intents

    async def _serve(self, line: Line) -> None:
        while True:
            event = await line.next()
            if event.type == "describe":
                await line.say(_intent_info())
            elif event.type in ("transcript", "recognize"):
                text = event.data.get("text", "")
                name = next((name for word, name in self._intents.items() if word in text.lower()), None)
                context = event.data.get("context")
                known = Intent(name=name, text=text, context=context) if name else NotRecognized(text=None, context=context)
                await line.say(known.event())


def _asked(event: Event) -> Asked:
    text = event.data.get("name") if event.type == "intent" else event.data.get("text")
    at_s = asyncio.get_running_loop().time()
    return Asked(text or "", event.data.get("language"), event.data.get("context") or {}, at_s)


_COMMON: dict[str, Any] = {"attribution": ATTRIBUTION, "installed": True, "description": None, "version": None}


def _handle_info(streams: bool) -> Event:
    model = HandleModel(name="agent", languages=["en"], **_COMMON)
    return Info(handle=[HandleProgram(name="mock-dialog", models=[model], supports_handled_streaming=streams, **_COMMON)]).event()


def _intent_info() -> Event:
    model = IntentModel(name="words", languages=["en"], **_COMMON)
    return Info(intent=[IntentProgram(name="mock-intent", models=[model], **_COMMON)]).event()
