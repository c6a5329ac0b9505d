"""What becomes of the satellite when the sound server under it is killed, and started again.

    python -m tests.rig.sound_server [--count N]

For PulseAudio and PipeWire through their ALSA plugins, with null sinks, if they are installed (see `latency.py`). The daemon, in
real time, plays a reply that lasts longer than all of it; the server is killed in the middle (SIGKILL) and is back 3 s later.
With the satellite's own settings of PulseAudio's library: without them that hangs for ever when its server is killed, and all of
the process with it, because it is called with the interpreter locked. Prints, in ms,

- told: from the kill until who watches the service is told that a device is lost,
- back: from the moment that the server can be reached until both devices work again, and what is heard comes in.
"""

import argparse
import asyncio
import logging
import os
import shutil
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from functools import partial
from pathlib import Path

import numpy as np

from satellite.audio import commands as cmd
from satellite.audio.alsa import AlsaSettings, open_microphone, open_speaker
from satellite.audio.parts import Devices
from satellite.audio.pulse import share_no_memory
from satellite.audio.reply import Reply
from satellite.config import Config, Hub
from satellite.core.hardware import Condition, Half
from satellite.core.say import Allow
from satellite.core.units import RATE_HZ
from satellite.service import Service
from tests.rig.faults import Watch
from tests.rig.latency import Server, pipe_wire, pulse_audio

AWAY_S = 3.0
PATIENCE_S = 30.0
SETTLE_S = 6.0
_POLL_S = 0.002


async def _until(holds: Callable[[], bool]) -> float:
    """When it is so, by the machine's clock."""
    async with asyncio.timeout(PATIENCE_S):
        while not holds():
            await asyncio.sleep(_POLL_S)
    return time.monotonic()


def _works(watch: Watch) -> bool:
    return len(watch.conditions) == len(Half) and not any(
        condition.is_lost or condition is Condition.OPENING for condition in watch.conditions.values()
    )


def _has_heard_since(watch: Watch, since_s: float) -> bool:
    return watch.heard_s > since_s


def _play(service: Service) -> None:
    """A murmur of a minute."""
    reply = Reply(0, service.engine.player.rate_hz)
    reply.append(np.random.default_rng(1).integers(-3000, 3000, 60 * RATE_HZ).astype(np.int16))
    service.engine.commands.append(cmd.PlayReply(reply, Allow.NONE))


async def _restarts(server: Server, count: int, watch: Watch) -> None:
    settings = AlsaSettings("mic", "speaker")
    devices = Devices(partial(open_microphone, settings), partial(open_speaker, settings), "the microphone", "the speaker")
    service = Service(Config(hub=Hub(host="127.0.0.1", port=0, announce=False)), devices, watch)
    await service.start()
    try:
        for _ in range(count):
            await _until(lambda: _works(watch))
            await asyncio.sleep(SETTLE_S)
            _play(service)
            await asyncio.sleep(1.0)
            killed_s = time.monotonic()
            await asyncio.to_thread(server.kill)
            told_s = await _until(lambda: any(condition.is_lost for condition in watch.conditions.values()))
            await asyncio.sleep(AWAY_S)
            await asyncio.to_thread(server.start)
            begun_s = time.monotonic()
            await _until(lambda: _works(watch))
            heard_s = await _until(partial(_has_heard_since, watch, begun_s))
            print(f"  told {(told_s - killed_s) * 1000:6.0f}   back {(heard_s - begun_s) * 1000:6.0f}", flush=True)
    finally:
        await service.stop()


def main() -> int:
    """Prints a line for each restart."""
    parser = argparse.ArgumentParser(prog="python -m tests.rig.sound_server", description="Sound servers that are killed.")
    parser.add_argument("--count", type=int, default=3, help="how often each (default: %(default)s)")
    args = parser.parse_args()
    logging.disable(logging.CRITICAL)
    share_no_memory(os.environ)
    servers: tuple[tuple[str, list[str], Callable[[Path], AbstractContextManager[Server]]], ...] = (
        ("PulseAudio", ["pulseaudio"], pulse_audio),
        ("PipeWire", ["pipewire", "wireplumber", "dbus-daemon"], pipe_wire),
    )
    for name, programs, server in servers:
        if missing := [program for program in programs if shutil.which(program) is None]:
            print(f"{name}: not installed: {', '.join(missing)}")
            continue
        print(f"{name}:")
        with tempfile.TemporaryDirectory() as folder, server(Path(folder)) as running:
            try:
                asyncio.run(_restarts(running, args.count, watch := Watch()))
            except TimeoutError:
                print(f"  nothing works after {PATIENCE_S:.0f} s: {'; '.join(filter(None, watch.reasons.values()))}")
                return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
