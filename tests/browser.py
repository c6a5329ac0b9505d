"""Home Assistant's ear for satellites, on the loopback interface."""

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager

from zeroconf import ServiceStateChange, Zeroconf
from zeroconf.asyncio import AsyncServiceBrowser, AsyncServiceInfo, AsyncZeroconf

from satellite.discovery import SERVICE_TYPE

# nothing on loopback takes longer, on a busy machine either
SOON_S = 15.0


class Browser:
    """Hears satellites come and go."""

    def __init__(self, network: AsyncZeroconf) -> None:
        self.network = network
        self._heard: list[tuple[ServiceStateChange, str]] = []
        self._changed = asyncio.Event()

    def hear(self, zeroconf: Zeroconf, service_type: str, name: str, state_change: ServiceStateChange) -> None:
        self._heard.append((state_change, name.removesuffix(f".{SERVICE_TYPE}")))
        self._changed.set()

    async def until_added(self, name: str, times: int = 1) -> None:
        """Waits until it has appeared so often."""
        await self._until(ServiceStateChange.Added, name, times)

    async def until_removed(self, name: str, times: int = 1) -> None:
        """Waits until it has said goodbye so often: what is not renewed is forgotten only after an hour."""
        await self._until(ServiceStateChange.Removed, name, times)

    async def resolve(self, name: str) -> AsyncServiceInfo:
        """What there is to know of it."""
        info = AsyncServiceInfo(SERVICE_TYPE, f"{name}.{SERVICE_TYPE}")
        assert await info.async_request(self.network.zeroconf, SOON_S * 1000)
        return info

    async def _until(self, change: ServiceStateChange, name: str, times: int) -> None:
        while self._heard.count((change, name)) < times:
            self._changed.clear()
            await self._changed.wait()


@asynccontextmanager
async def browser() -> AsyncIterator[Browser]:
    """Listens."""
    network = AsyncZeroconf(interfaces=["127.0.0.1"])
    ear = Browser(network)
    browsing = AsyncServiceBrowser(network.zeroconf, SERVICE_TYPE, handlers=[ear.hear])
    try:
        yield ear
    finally:
        await browsing.async_cancel()
        await network.async_close()


def play(story: Coroutine[None, None, None]) -> None:
    """Runs a test's story."""

    async def within_time() -> None:
        async with asyncio.timeout(SOON_S):
            await story

    asyncio.run(within_time())


async def until(holds: Callable[[], object]) -> None:
    """Waits for something to be so; the test has its time."""
    while not holds():
        await asyncio.wait({asyncio.get_running_loop().create_future()}, timeout=0.01)
