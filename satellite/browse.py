"""Finds Wyoming servers in the network by mDNS: `_wyoming._tcp.local.`, which satellites and servers of all kinds announce.

What a server does it tells when it is asked; here only its address is found, and found again when it changes.
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from satellite.addresses import Address, AddressNews, connected_addresses
from satellite.discovery import SERVICE_TYPE, NotYet, import_zeroconf, open_on

if TYPE_CHECKING:
    from zeroconf.asyncio import AsyncZeroconf

_log = logging.getLogger(__name__)

# that have not been looked at; no house has as many servers, and a liar's do not fill the memory
MOST_CHANGES = 200


@dataclass(frozen=True, slots=True)
class BrowseRule:
    """How long things take."""

    # a network that comes up after us is there in seconds, or when somebody plugs it in
    first_retry_s: float = 1.0
    longest_retry_s: float = 30.0
    # between two looks at the machine's addresses, of 0.5 ms each; the kernel tells of changes
    look_s: float = 30.0
    # between a server's announcement and its address
    ask_s: float = 3.0
    # everybody is asked five times in the first half minute; whoever was there before and does not answer then is gone
    answer_s: float = 40.0
    close_s: float = 1.0


class Browser:
    """Tells of each server that is `found` or `lost`, by its URI, from `start` to `stop`."""

    def __init__(
        self,
        found: Callable[[str], None],
        lost: Callable[[str], None],
        rule: BrowseRule | None = None,
        look: Callable[[], frozenset[Address]] = connected_addresses,
        open_zeroconf: "Callable[[frozenset[Address]], AsyncZeroconf]" = open_on,
    ) -> None:
        self._found, self._lost, self._rule = found, lost, rule or BrowseRule()
        self._look, self._open = look, open_zeroconf
        self._uris: dict[str, str] = {}
        # known from addresses that we had before, and not heard of since
        self._unconfirmed: set[str] = set()
        self._changes: asyncio.Queue[tuple[str, bool]] = asyncio.Queue(MOST_CHANGES)
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begins, if it has not, and does not wait for the network."""
        if self._task is None:
            self._task = asyncio.get_running_loop().create_task(self._run(), name="browse")

    async def stop(self) -> None:
        """Looks no more."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait({self._task}, timeout=self._rule.close_s)
            self._task = None

    async def _run(self) -> None:
        news = AddressNews()
        try:
            await self._browse(news)
        finally:
            news.close()

    async def _browse(self, news: AddressNews) -> None:
        retry_s, level = self._rule.first_retry_s, logging.WARNING
        while True:
            try:
                await self._browse_until_changed(news)
                retry_s = self._rule.first_retry_s
                continue
            # libraries and networks fail in more ways than can be named, and none of them is worth a satellite
            except Exception as error:
                _log.log(
                    level, "cannot look for servers in the network, and will try again: %s", str(error) or type(error).__name__
                )
                level = logging.DEBUG
            await news.wait(retry_s)
            retry_s = min(2 * retry_s, self._rule.longest_retry_s)

    async def _browse_until_changed(self, news: AddressNews) -> None:
        """Returns when the machine has other addresses: what is asked from the old ones is not answered."""
        addresses = await asyncio.to_thread(self._look)
        if not addresses:
            raise NotYet("this machine has no address in the network yet")
        await asyncio.to_thread(import_zeroconf)
        async with self._opened(addresses) as network:
            tasks = [asyncio.create_task(self._follow(network)), asyncio.create_task(self._until_other(addresses, news))]
            try:
                done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
                for task in done:
                    task.result()
            finally:
                for task in tasks:
                    task.cancel()
                await asyncio.gather(*tasks, return_exceptions=True)

    @asynccontextmanager
    async def _opened(self, addresses: frozenset[Address]) -> "AsyncIterator[AsyncZeroconf]":
        from zeroconf.asyncio import AsyncServiceBrowser

        network = self._open(addresses)
        try:
            self._unconfirmed = set(self._uris)
            browser = AsyncServiceBrowser(network.zeroconf, SERVICE_TYPE, handlers=[self._on_change])
            try:
                yield network
            finally:
                await browser.async_cancel()
        finally:
            await network.async_close()

    async def _until_other(self, addresses: frozenset[Address], news: AddressNews) -> None:
        while await asyncio.to_thread(self._look) == addresses:
            await news.wait(self._rule.look_s)

    async def _follow(self, network: "AsyncZeroconf") -> None:
        """Until something fails."""
        forget_at_s = asyncio.get_running_loop().time() + self._rule.answer_s
        while True:
            try:
                async with asyncio.timeout_at(forget_at_s if self._unconfirmed else None):
                    name, is_there = await self._changes.get()
            except TimeoutError:
                for name in self._unconfirmed:
                    self._tell(name, None)
                self._unconfirmed.clear()
                continue
            self._unconfirmed.discard(name)
            self._tell(name, await self._uri_of(network, name) if is_there else None)

    def _on_change(self, zeroconf: Any, service_type: str, name: str, state_change: Any) -> None:
        """By the library, on the event loop."""
        from zeroconf import ServiceStateChange

        with suppress(asyncio.QueueFull):
            self._changes.put_nowait((name, state_change is not ServiceStateChange.Removed))

    async def _uri_of(self, network: "AsyncZeroconf", name: str) -> str | None:
        from zeroconf.asyncio import AsyncServiceInfo

        info = AsyncServiceInfo(SERVICE_TYPE, name)
        if not await info.async_request(network.zeroconf, self._rule.ask_s * 1000):
            return None
        # IPv4 first: a link-local IPv6 address is of no use without its interface
        host = min(info.parsed_scoped_addresses(), key=lambda address: ":" in address, default=None)
        if host is None or info.port is None:
            return None
        return f"tcp://[{host}]:{info.port}" if ":" in host else f"tcp://{host}:{info.port}"

    def _tell(self, name: str, uri: str | None) -> None:
        before = self._uris.get(name)
        if uri is None:
            self._uris.pop(name, None)
        else:
            self._uris[name] = uri
        if before is not None and before != uri and before not in self._uris.values():
            self._lost(before)
        if uri is not None:
            _log.debug("%s is at %s", name, uri)
            self._found(uri)
