"""Mock conversation agents: text in, answer out, piece by piece as a language model gives it."""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping

Agent = Callable[[str], AsyncIterator[str]]


def keyword_agent(answers: Mapping[str, str], otherwise: str = "") -> Agent:
    """Answers by what the text contains; an empty answer is what Home Assistant's agents give to a command to be silent."""

    async def answer(text: str) -> AsyncIterator[str]:
        for keyword, reply in answers.items():
            if keyword.lower() in text.lower():
                yield reply
                return
        yield otherwise

    return answer


def slow(agent: Agent, seconds: float, dying_s: float = 0.0) -> Agent:
    """The same after thinking so long; when it is cancelled it takes `dying_s` to notice."""

    async def answer(text: str) -> AsyncIterator[str]:
        try:
            await asyncio.sleep(seconds)
        except asyncio.CancelledError:
            if dying_s:
                await asyncio.shield(asyncio.sleep(dying_s))
            raise
        async for piece in agent(text):
            yield piece

    return answer


def piecewise(*texts: str, pause_s: float = 0.0, last: asyncio.Event | None = None) -> Agent:
    """Answers everything with these, pausing after each; with the last of them only when it may."""

    async def answer(text: str) -> AsyncIterator[str]:
        for at, piece in enumerate(texts):
            if last is not None and at == len(texts) - 1:
                await last.wait()
            yield piece
            await asyncio.sleep(pause_s)

    return answer
