"""What goes wrong during the soak: each fault with how it is done and undone."""

import asyncio
import os
import random
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass

from satellite.chaos.cable import Cable
from satellite.chaos.faults import GARBAGE
from satellite.mock.hub import MockHub
from tests.rig.room import Room
from tests.rig.soaking.daemon import Daemon

# a device comes back within its longest retry of 5 s, and a hub within 3 s of its own; and both are about to be used
SETTLES_S = 8.0


@dataclass
class World:
    """What faults can touch."""

    room: Room
    hub: MockHub
    cable: Cable
    daemon: Daemon
    port: int
    rng: random.Random
    volume: int = 100

    def do(self, what: str, **event: object) -> Awaitable[object]:
        """In the room."""
        return asyncio.to_thread(self.room.do, what, **event)


def _pull(*streams: str) -> Callable[[World], Awaitable[None]]:
    async def fault(world: World) -> None:
        for stream in streams:
            await world.do("unplug", stream=stream)
        await asyncio.sleep(world.rng.uniform(1.0, 15.0))
        for stream in streams:
            await world.do("plug", stream=stream)

    return fault


async def _stall(world: World) -> None:
    seconds = world.rng.uniform(0.3, 4.0)
    await world.do("stall", ms=int(seconds * 1000))
    await asyncio.sleep(seconds)


async def _xruns(world: World) -> None:
    for _ in range(world.rng.randint(1, 5)):
        await world.do("xrun", stream=world.rng.choice(("mic", "speaker")))
        await asyncio.sleep(world.rng.uniform(0.05, 1.0))


async def _hub_dies(world: World) -> None:
    world.hub.vanish()
    await world.hub.stop()
    await asyncio.sleep(world.rng.uniform(1.0, 20.0))
    await world.hub.start()


async def _hub_leaves(world: World) -> None:
    await world.hub.stop()
    await asyncio.sleep(world.rng.uniform(1.0, 10.0))
    await world.hub.start()


async def _half_open(world: World) -> None:
    world.cable.half_open()
    await asyncio.sleep(world.rng.uniform(3.0, 30.0))
    world.cable.mend()


async def _stranger(world: World) -> None:
    with suppress(OSError):
        _, writer = await asyncio.open_connection("127.0.0.1", world.port)
        writer.write(world.rng.choice((*GARBAGE, os.urandom(2000))))
        await asyncio.sleep(world.rng.uniform(0.0, 5.0))
        writer.transport.abort()


async def _reload(world: World) -> None:
    world.volume = 100 if world.volume < 100 else 95
    world.daemon.configure(world.volume)
    world.daemon.reload()


async def _loss(world: World) -> None:
    world.cable.lose()
    await asyncio.sleep(world.rng.uniform(1.0, 30.0))
    world.cable.deliver()


FAULTS: dict[str, Callable[[World], Awaitable[None]]] = {
    "microphone unplugged": _pull("mic"),
    "speaker unplugged": _pull("speaker"),
    "both unplugged": _pull("mic", "speaker"),
    "microphone stalled": _stall,
    "xruns": _xruns,
    "hub killed": _hub_dies,
    "hub gone": _hub_leaves,
    "half-open": _half_open,
    "loss": _loss,
    "stranger": _stranger,
    "reload": _reload,
}
