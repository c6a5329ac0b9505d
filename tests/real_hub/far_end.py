"""The hub's side, run by the hub's own Python: calls what it is told to call of the bench that is found in a folder.

One JSON object a line comes in, {"id", "path", "args", "kwargs"}, and one goes out, {"id", "result"} or {"id", "error"}.
"""

import asyncio
import inspect
import json
import sys
from typing import Any


async def _serve(bench: Any, clock_zero_s: float) -> None:
    loop = asyncio.get_running_loop()
    reader = asyncio.StreamReader(limit=2**24)
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    _answer({"id": 0, "result": clock_zero_s})
    tasks = set()
    while line := await reader.readline():
        tasks.add(asyncio.create_task(_call(bench, json.loads(line))))


async def _call(bench: Any, request: dict[str, Any]) -> None:
    try:
        target: Any = bench
        for name in request["path"].split("."):
            target = getattr(target, name)
        result = target(*request["args"], **request["kwargs"]) if callable(target) else target
        if inspect.isawaitable(result):
            result = await result
        _answer({"id": request["id"], "result": result})
    # whatever went wrong at this side is told at the other
    except Exception as error:
        _answer({"id": request["id"], "error": f"{type(error).__name__}: {error}"})


def _answer(answer: dict[str, Any]) -> None:
    print(json.dumps(answer, default=str), flush=True)


async def main(folder: str, config: str, out: str) -> None:
    """Serves until there is nothing more to read."""
    sys.path.insert(0, folder)
    from bench import Bench  # type: ignore[import-not-found]
    from mocks import T0  # type: ignore[import-not-found]

    async with Bench(config, out, satellite=0, tts={"streaming": True}) as bench:
        await _serve(bench, T0)


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
