"""What becomes of the satellite when a sound device fails: the daemon on the virtual card, a mock hub, in real time.

    python -m tests.rig.faults [--seed N]

For each fault a line, in ms:

- told: from the fault until who watches the service is told of it (hooks, status line and broker are told then),
- deaf: from the last that was heard (of the speaker: from the fault) until it is told: so long nobody could have known,
- back: from when the cause is gone until the microphone is heard, or the speaker plays, again. What heals by being opened anew
  has no cause that goes: from the fault,
- pause: the longest between two answers of the satellite to the hub's pings, which come every 2 s.

A microphone that gives only zeros may be a room that is very quiet for the first 10 s: it is told of after that.
Exit code 1 if anything but that was undetected for more than 2 s, or the hub had to connect anew.
"""

import argparse
import asyncio
import logging
import os
import random
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from itertools import pairwise
from pathlib import Path

from satellite.audio.alsa import AlsaSettings, open_microphone, open_speaker
from satellite.audio.parts import Devices
from satellite.config import Config, Hub
from satellite.core.hardware import Condition, Device, Half
from satellite.core.units import Frames
from satellite.mock.agent import keyword_agent
from satellite.mock.hub import MockHub
from satellite.observer import Observer
from satellite.service import Service
from tests.rig.room import Room

MOST_UNDETECTED_MS = 2000.0
PATIENCE_S = 30.0
# so long a device has to have worked to be opened again at once
BETWEEN_S = 5.5
_POLL_S = 0.001

MIC, SPEAKER = Half.MICROPHONE, Half.SPEAKER
STREAMS = {MIC: "mic", SPEAKER: "speaker"}


@dataclass
class Watch(Observer):
    """When what was told, by the machine's clock."""

    heard_s: float = 0.0
    conditions: dict[Half, Condition] = field(default_factory=dict)
    told_s: dict[Half, float] = field(default_factory=dict)
    reasons: dict[Half, str] = field(default_factory=dict)

    def on_heard(self, first: Frames, pcm: bytes) -> None:
        self.heard_s = time.monotonic()

    def on_device(self, device: Device) -> None:
        self.reasons[device.half] = device.why
        if self.conditions.get(device.half) is not device.condition:
            self.conditions[device.half], self.told_s[device.half] = device.condition, time.monotonic()


@dataclass
class Stage:
    """A daemon on a card, and a hub."""

    room: Room
    service: Service
    watch: Watch
    hub: MockHub
    dice: random.Random

    async def do(self, what: str, half: Half, **more: object) -> None:
        """Has something happen to a device."""
        await asyncio.to_thread(self.room.do, what, stream=STREAMS[half], **more)

    async def until(self, holds: Callable[[], bool]) -> None:
        """Waits for that."""
        async with asyncio.timeout(PATIENCE_S):
            while not holds():
                await asyncio.sleep(_POLL_S)


@dataclass(frozen=True)
class Fault:
    """`begin` makes it, `end` takes its cause away after `lasts_s`; None: it is over when the device is opened again."""

    name: str
    half: Half
    begin: Callable[[Stage], Awaitable[None]]
    end: Callable[[Stage], Awaitable[None]] | None = None
    lasts_s: float = 3.0
    tells: tuple[Condition, ...] = (Condition.MISSING, Condition.STALLED)


async def _pulled(half: Half, s: Stage) -> None:
    await s.do("unplug", half)


async def _plugged(half: Half, s: Stage) -> None:
    await s.do("plug", half)


async def _plugged_as_another(half: Half, s: Stage) -> None:
    await s.do("device", half, settings={"rates": [48000], "channels": [2, 2], "formats": ["S32_LE"]})
    await s.do("plug", half)


async def _held(half: Half, s: Stage) -> None:
    for what in ("hold", "unplug", "plug"):
        await s.do(what, half)


async def _all_pulled(s: Stage) -> None:
    for half in Half:
        await s.do("unplug", half)


async def _all_plugged(s: Stage) -> None:
    for half in Half:
        await s.do("plug", half)


async def _stalled(s: Stage) -> None:
    await asyncio.to_thread(s.room.do, "stall", ms=3000)


async def _storm(half: Half, s: Stage) -> None:
    end_s = time.monotonic() + 5.0
    while time.monotonic() < end_s and not s.watch.conditions[half].is_lost:
        await s.do("xrun", half)
        await asyncio.sleep(0.01)


async def _wired(source: object, s: Stage) -> None:
    await s.do("device", MIC, settings={"map": [source]})


async def _nothing(s: Stage) -> None:
    pass


def faults() -> list[Fault]:
    """All of them."""
    each = [
        fault
        for half in Half
        for fault in (
            Fault(f"{half} pulled, and plugged after 3 s", half, partial(_pulled, half), partial(_plugged, half)),
            Fault(
                f"{half} pulled, comes back with 48 kHz only", half, partial(_pulled, half), partial(_plugged_as_another, half)
            ),
            Fault(
                f"{half} taken by another program for 3 s",
                half,
                partial(_held, half),
                partial(Stage.do, what="free", half=half),
            ),
            Fault(f"{half}: its clock stands still", half, partial(Stage.do, what="freeze", half=half)),
            Fault(f"{half} suspended", half, partial(Stage.do, what="suspend", half=half)),
            Fault(f"{half}: one xrun after the other", half, partial(_storm, half)),
        )
    ]
    zeros, loud = partial(_wired, "zero"), partial(_wired, {"of": "mic", "gain_db": 90})
    back = partial(_wired, "mic")
    return [
        *each,
        Fault("microphone gives nothing for 3 s, opened or not", MIC, _stalled, _nothing),
        Fault("both pulled for 0.5 s: a USB hub was reset", MIC, _all_pulled, _all_plugged, 0.5),
        Fault("both pulled for 12 s", MIC, _all_pulled, _all_plugged, 12.0),
        Fault("microphone gives only zeros for 14 s", MIC, zeros, back, 14.0, (Condition.SILENT,)),
        Fault("microphone clips for 12 s (told: of no loss)", MIC, loud, back, 12.0, (Condition.CLIPPING,)),
    ]


@dataclass
class Found:
    """In ms."""

    told_ms: float
    deaf_ms: float
    back_ms: float
    pause_ms: float


async def _play(s: Stage, fault: Fault) -> Found:
    await s.until(lambda: not any(condition.is_lost for condition in s.watch.conditions.values()))
    await asyncio.sleep(BETWEEN_S + s.dice.random() * 0.1)
    pongs = len(s.hub.journal.of("pong"))
    begin_s = time.monotonic()
    beginning = asyncio.ensure_future(fault.begin(s))
    await s.until(lambda: s.watch.conditions[fault.half] in fault.tells)
    told_s, heard_s = s.watch.told_s[fault.half], s.watch.heard_s
    await beginning
    healed_s = begin_s
    if fault.end is not None:
        await asyncio.sleep(max(begin_s + fault.lasts_s - time.monotonic(), 0.0))
        healed_s = time.monotonic()
        await fault.end(s)
    if fault.tells == (Condition.CLIPPING,):
        back_s = healed_s
    else:
        await s.until(lambda: s.watch.conditions[fault.half] is Condition.WORKING)
        back_s = s.watch.told_s[fault.half]
    # in silence a period is heard, and that it means nothing shows later
    deaf_s = told_s - (begin_s if fault.half is SPEAKER or not any(c.is_lost for c in fault.tells) else max(heard_s, begin_s))
    await asyncio.sleep(2.5)
    times = [entry.at_s for entry in s.hub.journal.of("pong")][max(pongs - 1, 0) :]
    pause_s = max((later - earlier for earlier, later in pairwise(times)), default=0.0)
    return Found((told_s - begin_s) * 1000, deaf_s * 1000, (back_s - healed_s) * 1000, pause_s * 1000)


def _devices() -> Devices:
    settings = AlsaSettings("mic", "speaker")
    return Devices(partial(open_microphone, settings), partial(open_speaker, settings), "the microphone", "the speaker")


async def _measure(directory: Path, seed: int) -> int:
    code = 0
    with Room(directory / "room", {"noise": {"dbfs": -62}}) as room:
        os.environ.update(room.env)
        watch = Watch()
        config = Config(hub=Hub(host="127.0.0.1", port=0, announce=False))
        service = Service(config, _devices(), watch)
        port = await service.start()
        unused = "tcp://127.0.0.1:9"
        hub = MockHub("127.0.0.1", port, unused, unused, keyword_agent({}, "Yes."))
        stage = Stage(room, service, watch, hub, random.Random(seed))
        try:
            await stage.until(lambda: len(watch.conditions) == len(Half))
            async with hub:
                print(f"{'fault':<50} {'told':>7} {'deaf':>7} {'back':>7} {'pause':>7}", flush=True)
                worst_ms = 0.0
                for fault in faults():
                    found = await _play(stage, fault)
                    figures = (found.told_ms, found.deaf_ms, found.back_ms, found.pause_ms)
                    print(f"{fault.name:<50} {' '.join(f'{figure:7.0f}' for figure in figures)}", flush=True)
                    if any(condition.is_lost for condition in fault.tells):
                        worst_ms = max(worst_ms, found.deaf_ms)
                print(f"longest undetected deafness: {worst_ms:.0f} ms; connections of the hub: {hub.connections}")
                code = int(worst_ms > MOST_UNDETECTED_MS or hub.connections != 1)
        finally:
            await service.stop()
    return code


def main() -> int:
    """Prints a table."""
    parser = argparse.ArgumentParser(prog="python -m tests.rig.faults", description="How soon each fault of a device is told.")
    parser.add_argument("--seed", type=int, default=1, help="of the moments (default: %(default)s)")
    args = parser.parse_args()
    logging.disable(logging.CRITICAL)
    with tempfile.TemporaryDirectory() as directory, suppress(KeyboardInterrupt):
        return asyncio.run(_measure(Path(directory), args.seed))
    return 130


if __name__ == "__main__":
    sys.exit(main())
