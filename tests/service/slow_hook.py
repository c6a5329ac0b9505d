"""`python -m tests.service.slow_hook`: how long a hub waits for a pong, without hooks, and while each of them sleeps 8 s.

The daemon runs in real time with its threads, a mock hub talks to it over TCP loopback, and somebody gives it commands.
"""

import asyncio
from collections.abc import Callable
from functools import partial
from statistics import median
from typing import Any

from wyoming.ping import Ping

from satellite.config import Hooks
from satellite.hooks import TABLE, HookRunner
from satellite.mock.agent import keyword_agent
from satellite.notices import Notice, Notices
from satellite.observer import Audience
from satellite.service import Service
from tests.service.house import REPLY_TEXT, House, house, play_live

_TURNS = 4
_EVERY_S = 0.05

# all that the configuration lets run at once: more programs are started in a turn than with the four that are usual
_SLOW = Hooks(**dict.fromkeys((hook.key for hook in TABLE), "sleep 8"), at_once=32)


def main() -> None:
    """Measures both, and prints a line for each."""
    print(f"{'':24}pings   at once  median ms  worst ms")
    for name, hooks in (("no hooks", Hooks()), ("every hook sleeps 8 s", _SLOW)):
        play_live(_measure(name, hooks))


async def _measure(name: str, hooks: Hooks) -> None:
    runner, ran = HookRunner(hooks), 0

    def tell(notice: Notice) -> None:
        nonlocal ran
        runner.notice(notice)
        ran = max(ran, len(runner._running))

    async with house(keyword_agent({}, REPLY_TEXT), construct=partial(_watched, tell)) as place:
        await runner.start()
        talk = asyncio.create_task(_talk(place))
        pongs_ms = []
        while not talk.done():
            pongs_ms.append(await _pong_ms(place, f"{len(pongs_ms)}"))
            await asyncio.sleep(_EVERY_S)
        await talk
        await runner.stop()
    print(f"{name:24}{len(pongs_ms):5}  {ran:8}  {median(pongs_ms):9.2f}  {max(pongs_ms):8.2f}")


def _watched(tell: Callable[[Notice], None], config: Any, open_card: Any, seen: Any, **rest: Any) -> Service:
    return Service(config, open_card, Audience(seen, Notices(tell)), **rest)


async def _talk(place: House) -> None:
    """Commands, each with its whole answer."""
    for turn in range(_TURNS):
        await place.answer()
        await place.until_over(turn + 1)


async def _pong_ms(place: House, text: str) -> float:
    loop = asyncio.get_running_loop()
    begun_s = loop.time()
    await place.hub.send(Ping(text).event())
    pong = await place.journal.wait_for("pong", text=text)
    return (pong.at_s - begun_s) * 1000


if __name__ == "__main__":
    main()
