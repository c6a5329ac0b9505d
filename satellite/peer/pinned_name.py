"""Where the host is that `hub.only` names: looked up at the start, once a minute, and when somebody else wants to be the hub.

While its address has never been found, nobody is it. One that was found holds for an hour without a name server.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass

from satellite.core.networks import Address, address
from satellite.peer.reach import looked_up

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class PinnedNameRule:
    """When it is looked up."""

    refresh_s: float = 60.0
    # a stranger who knocks all day must not make a name server work
    least_s: float = 2.0
    # a name server that has not answered by now is not well
    patience_s: float = 5.0
    # a router restarts in minutes; after longer its address may be somebody else's
    keep_s: float = 3600.0


LookUp = Callable[[str], Awaitable[Iterable[str]]]
"""As `looked_up`."""


class PinnedName:
    """From `start` to `stop`, which may both be called more than once."""

    def __init__(self, name: str, rule: PinnedNameRule | None = None, look_up: LookUp | None = None) -> None:
        self._name, self._rule, self._look_up = name, rule or PinnedNameRule(), look_up or looked_up
        self._task: asyncio.Task[None] | None = None
        self._wanted = asyncio.Event()
        self._addresses: tuple[Address, ...] = ()
        self._found_at_s = self._lost_at_s = 0.0
        self._is_lost = False

    def start(self, on_found: Callable[[tuple[Address, ...]], None]) -> None:
        """Begins to look; `on_found` is told where it is, or that this is not known any more."""
        if self._task is None:
            self._task = asyncio.create_task(self._run(on_found), name="hub.only")

    async def stop(self) -> None:
        """Looks no more."""
        if self._task is not None:
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task
            self._task = None

    def look_again(self) -> None:
        """It may be elsewhere by now."""
        self._wanted.set()

    async def _run(self, on_found: Callable[[tuple[Address, ...]], None]) -> None:
        while True:
            await self._look(on_found)
            on_found(self._addresses)
            await asyncio.sleep(self._rule.least_s)
            with suppress(TimeoutError):
                async with asyncio.timeout(self._rule.refresh_s):
                    await self._wanted.wait()
            self._wanted.clear()

    async def _look(self, on_found: Callable[[tuple[Address, ...]], None]) -> None:
        # it runs in a thread that cannot be ended: never two of them
        looking = asyncio.ensure_future(self._look_up(self._name))
        try:
            await asyncio.wait({looking}, timeout=self._rule.patience_s)
            if not looking.done():
                self._failed(f"no answer within {self._rule.patience_s:g} s")
                on_found(self._addresses)
            self._found(await looking)
        except (OSError, UnicodeError) as error:
            self._failed(getattr(error, "strerror", None) or str(error))
        finally:
            looking.cancel()

    def _found(self, hosts: Iterable[str]) -> None:
        now_s = asyncio.get_running_loop().time()
        found = tuple(dict.fromkeys(a for a in map(address, hosts) if a is not None))
        if self._is_lost:
            _log.info("hub.only: %s is found again after %.1f s", self._name, now_s - self._lost_at_s)
        if found != self._addresses:
            _log.info("hub.only: %s is %s", self._name, ", ".join(map(str, found)))
        self._addresses, self._found_at_s, self._is_lost = found, now_s, False

    def _failed(self, why: str) -> None:
        now_s = asyncio.get_running_loop().time()
        level = logging.DEBUG if self._is_lost else logging.WARNING
        if not self._is_lost:
            self._is_lost, self._lost_at_s = True, now_s
        if self._addresses and now_s - self._found_at_s > self._rule.keep_s:
            self._addresses, level = (), logging.WARNING
        what = f"it stays {', '.join(map(str, self._addresses))} for now" if self._addresses else "nobody can be the hub"
        _log.log(level, "hub.only: %s cannot be found (%s): %s", self._name, why, what)
