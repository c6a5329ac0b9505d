"""What a mock saw, in order: for tests and for the demo."""

import asyncio
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

from wyoming.event import Event

# an hour of microphone and as many replies
_MOST_ENTRIES = 400_000

Direction = Literal["sent", "received"]


@dataclass(frozen=True, slots=True)
class Entry:
    """One event, at `at_s` of the event loop's clock."""

    at_s: float
    direction: Direction
    type: str
    data: dict[str, Any]
    payload: bytes


class Journal:
    """Bounded; the oldest entries are forgotten."""

    def __init__(self) -> None:
        self.entries: deque[Entry] = deque(maxlen=_MOST_ENTRIES)
        self.listeners: list[Callable[[Entry], None]] = []
        self._waiters: set[asyncio.Future[None]] = set()

    def note(self, direction: Direction, event: Event) -> None:
        """An event went by."""
        entry = Entry(asyncio.get_running_loop().time(), direction, event.type, event.data or {}, event.payload or b"")
        self.entries.append(entry)
        for listener in self.listeners:
            listener(entry)
        for waiter in self._waiters:
            if not waiter.done():
                waiter.set_result(None)

    def of(self, kind: str, direction: Direction = "received", **data: Any) -> list[Entry]:
        """All events of a type, with these data."""
        return [e for e in self.entries if e.type == kind and e.direction == direction and data.items() <= e.data.items()]

    async def wait_for(
        self, kind: str, count: int = 1, timeout_s: float = 5.0, direction: Direction = "received", **data: Any
    ) -> Entry:
        """The count-th event of a type, once it has come. TimeoutError names what came instead."""
        try:
            async with asyncio.timeout(timeout_s):
                while len(found := self.of(kind, direction, **data)) < count:
                    await self._change()
        except TimeoutError:
            seen = [
                f"{e.direction[0]}:{e.type}" for e in list(self.entries)[-400:] if e.type not in ("audio-chunk", "ping", "pong")
            ]
            raise TimeoutError(f"no {kind} {data} number {count} within {timeout_s} s; last: {seen[-12:]}") from None
        return found[count - 1]

    async def _change(self) -> None:
        waiter: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiters.add(waiter)
        try:
            await waiter
        finally:
            self._waiters.discard(waiter)
