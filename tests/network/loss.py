"""The network lost in earnest: the daemon in one network namespace, a mock hub that behaves as Home Assistant does in another.

    python -m tests.network.loss [--loss-s N] [--only WORD]

By root, with iproute2; takes ten minutes, and prints after how many seconds everything works again. The link between the two is
taken down in each state of the conversation; a hub that muted the satellite vanishes; the satellite gets another IPv4 address,
then has only IPv6, then no network at all when it starts; and at the end its goodbye is heard. mDNS is the real one.
"""

import argparse
import asyncio
import json
import os
import signal
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from satellite.control import ask
from satellite.mock.recordings import trimmed
from tests.network.place import STATE, Doing

PORT = 10700
HUB_IP, FIRST_IP, NEXT_IP = "10.77.0.1", "10.77.0.2", "10.77.0.3"
HUB_IP6, IP6 = "fd77::1", "fd77::2"

# longer than anything that is to happen takes
_PATIENCE_S = 90.0
_LOOK_S = 0.02


async def run(*command: str) -> None:
    """A program that is soon done. RuntimeError if it fails."""
    process = await asyncio.create_subprocess_exec(*command, stderr=asyncio.subprocess.PIPE)
    _, error = await process.communicate()
    if process.returncode:
        raise RuntimeError(f"{' '.join(command)}: {error.decode().strip()}")


@dataclass
class Program:
    """Runs in a network namespace; `lines` are what it says, with their times."""

    process: asyncio.subprocess.Process
    lines: list[tuple[float, str]] = field(default_factory=list)
    reading: asyncio.Task[None] | None = None

    @classmethod
    async def start(cls, space: str, *command: str, env: dict[str, str] | None = None, says: str = "stdout") -> "Program":
        """Begins."""
        pipes = {"stdin": asyncio.subprocess.PIPE, says: asyncio.subprocess.PIPE}
        whole = "ip", "netns", "exec", space, sys.executable, "-m", *command
        process = await asyncio.create_subprocess_exec(*whole, env={**os.environ, **(env or {})}, **pipes)  # type: ignore[arg-type]
        program = cls(process)
        program.reading = asyncio.create_task(program._read(process.stdout if says == "stdout" else process.stderr))
        return program

    async def _read(self, stream: asyncio.StreamReader | None) -> None:
        assert stream is not None
        while line := await stream.readline():
            self.lines.append((time.monotonic(), line.decode().rstrip()))

    def say(self, line: str) -> None:
        """Tells it something."""
        assert self.process.stdin is not None
        self.process.stdin.write(f"{line}\n".encode())

    async def until(self, holds: Callable[[str], object], since_s: float) -> float:
        """When it first said such a line, after a time. TimeoutError with its last ones if it does not."""
        until_s = time.monotonic() + _PATIENCE_S
        while True:
            for at_s, line in self.lines:
                if at_s >= since_s and holds(line):
                    return at_s
            if time.monotonic() > until_s:
                last = "\n".join(line for _, line in self.lines[-30:])
                raise TimeoutError(f"it did not say that; last:\n{last}")
            await asyncio.sleep(_LOOK_S)

    async def end(self) -> float:
        """Terminates it; after how many seconds it was gone."""
        began_s = time.monotonic()
        if self.process.returncode is None:
            self.process.send_signal(signal.SIGTERM)
        await asyncio.wait_for(self.process.wait(), _PATIENCE_S)
        return time.monotonic() - began_s


@dataclass
class Net:
    """Two namespaces and a cable between them; the satellite's end is `eth0` in `near`, the hub's in `far`."""

    near: str
    far: str

    async def near_ip(self, *words: str) -> None:
        """`ip ...` where the satellite is."""
        await run("ip", "-n", self.near, *words)

    async def address(self, ip: str, *, there: bool) -> None:
        """Gives or takes one of the satellite's."""
        length = "64" if ":" in ip else "24"
        dad = ("nodad",) if ":" in ip and there else ()
        await self.near_ip("addr", "replace" if there else "del", f"{ip}/{length}", "dev", "eth0", *dad)

    async def link(self, *, is_up: bool) -> None:
        """Plugs the cable in, or pulls it."""
        await self.near_ip("link", "set", "eth0", "up" if is_up else "down")


@asynccontextmanager
async def net() -> AsyncIterator[Net]:
    """With a cable that is plugged in, and no address on the satellite's side."""
    here = Net(f"near-{os.getpid()}", f"far-{os.getpid()}")
    spaces = here.near, here.far
    try:
        for space in spaces:
            await run("ip", "netns", "add", space)
        await run("ip", "-n", here.near, "link", "add", "eth0", "type", "veth", "peer", "name", "eth0", "netns", here.far)
        for space in spaces:
            for device in ("lo", "eth0"):
                await run("ip", "-n", space, "link", "set", device, "up")
        for ip in (f"{HUB_IP}/24", f"{HUB_IP6}/64"):
            await run("ip", "-n", here.far, "addr", "add", ip, "dev", "eth0", *(("nodad",) if ":" in ip else ()))
        yield here
    finally:
        for space in spaces:
            await run("ip", "netns", "del", space)


@dataclass
class Stage:
    """The satellite and its hub."""

    net: Net
    home: Path
    hub: Program
    loss_s: float
    satellite: Program | None = None
    results: list[tuple[str, str]] = field(default_factory=list)

    # ---- the satellite

    @property
    def daemon(self) -> Program:
        """That runs."""
        assert self.satellite is not None
        return self.satellite

    async def start(self) -> None:
        """The daemon, with a microphone and a loudspeaker that are programs."""
        config = self.home / "config.yaml"
        mic = f"{sys.executable} -m tests.network.microphone {self.home / 'words'}"
        snd = f"{sys.executable} -m tests.network.loudspeaker"
        keys = {
            "external": {"mic_command": mic, "snd_command": snd, "snd_rate_hz": 16_000},
            "sounds": {"start_up": None, "awake": None},
        }
        config.write_text(json.dumps(keys))
        env = {"RUNTIME_DIRECTORY": str(self.home), "STATE_DIRECTORY": str(self.home)}
        self.satellite = await Program.start(self.net.near, "satellite", "-v", "run", "-c", str(config), env=env, says="stderr")
        await self.daemon.until(lambda line: "waiting for a hub" in line, 0.0)

    def ask(self, command: str) -> Any:
        """By its control socket."""
        return ask(self.home / "control", {"command": command})

    def say(self, name: str) -> None:
        """A recording, into its microphone."""
        fresh = self.home / "words.new"
        fresh.write_bytes(trimmed(name).tobytes())
        fresh.rename(self.home / "words")

    async def until_state(self, state: str, since_s: float) -> float:
        """When it came to that."""
        return await self.daemon.until(lambda line: f"= {state}, was" in line, since_s)

    # ---- the hub

    async def until_heard(self, since_s: float, kind: str, **data: object) -> float:
        """When the hub told of something."""
        return await self.hub.until(
            lambda line: data.items() <= json.loads(line).items() and json.loads(line)["kind"] == kind, since_s
        )

    async def chosen(self, ip: str) -> None:
        """The hub connects to that address."""
        now_s = time.monotonic()
        self.hub.say(f"hub {ip} {PORT}")
        await self.until_heard(now_s, "wire", type="info")

    async def works(self) -> None:
        """A turn, to the end of its answer."""
        now_s = time.monotonic()
        await self.command()
        await self.until_heard(now_s, "wire", type="played")
        await self.until_state("idle", now_s)

    async def command(self) -> None:
        """Said to a satellite that listens."""
        now_s = time.monotonic()
        self.ask("listen")
        await self.until_state("listening", now_s)
        self.say("tts_stop_joe")

    async def come_to(self, doing: Doing) -> None:
        """Until that goes on."""
        now_s = time.monotonic()
        match doing:
            case Doing.MUTED:
                self.hub.say("pause")
            case Doing.RINGING:
                self.hub.say("timer")
            case Doing.LISTENING:
                self.ask("listen")
            case Doing.PROCESSING | Doing.SPEAKING | Doing.HELD:
                await self.command()
        if doing is Doing.HELD:
            await self.until_state("speaking", now_s)
            self.say("tts_lights_heart")
        if doing is not Doing.IDLE:
            await self.until_state(STATE[doing].value, now_s)

    def tell(self, what: str, figures: str) -> None:
        """Prints a result."""
        print(f"{what:<44} {figures}", flush=True)


async def lost(stage: Stage, doing: Doing) -> None:
    """The cable is pulled in that state, and plugged in again."""
    await stage.come_to(doing)
    down_s = time.monotonic()
    await stage.net.link(is_up=False)
    await asyncio.sleep(stage.loss_s)
    up_s = time.monotonic()
    await stage.net.link(is_up=True)
    if doing is Doing.MUTED:
        assert stage.ask("status")["state"] == "muted"
        stage.hub.say("unpause")
    if doing is Doing.RINGING:
        stage.ask("stop")
    back_s = await stage.until_heard(up_s, "wire", type="info")
    announced_s = await stage.daemon.until(lambda line: "announced as" in line, up_s)
    await stage.works()
    gone = [at_s - down_s for at_s, line in stage.daemon.lines if at_s >= down_s and "the hub is gone" in line]
    noticed = f"noticed after {gone[0]:.1f} s, " if gone and doing is not Doing.MUTED else ""
    stage.tell(
        f"{stage.loss_s:g} s without a link, {doing}",
        f"{noticed}hub back after {back_s - up_s:.1f} s, mDNS {announced_s - up_s:.1f} s",
    )


async def vanished_while_muted(stage: Stage) -> None:
    """The hub's machine is gone for good, and says so to nobody."""
    await stage.come_to(Doing.MUTED)
    down_s = time.monotonic()
    await stage.net.link(is_up=False)
    gone_s = await stage.until_state("offline", down_s)
    up_s = time.monotonic()
    await stage.net.link(is_up=True)
    stage.hub.say("unpause")
    back_s = await stage.until_heard(up_s, "wire", type="info")
    await stage.works()
    stage.tell("a hub that muted us vanishes", f"noticed after {gone_s - down_s:.1f} s, hub back after {back_s - up_s:.1f} s")


async def moved(stage: Stage) -> None:
    """DHCP gives another address."""
    now_s = time.monotonic()
    await stage.net.address(FIRST_IP, there=False)
    await stage.net.address(NEXT_IP, there=True)
    heard_s = await stage.until_heard(now_s, "address", ip=NEXT_IP)
    await stage.daemon.until(lambda line: "announced as satellite-" in line and NEXT_IP in line and FIRST_IP not in line, now_s)
    await stage.chosen(NEXT_IP)
    await stage.works()
    stage.tell("another IPv4 address", f"announced after {heard_s - now_s:.1f} s")


async def only_ipv6(stage: Stage) -> None:
    """The IPv4 address goes."""
    now_s = time.monotonic()
    await stage.net.address(IP6, there=True)
    await stage.net.address(NEXT_IP, there=False)
    announced_s = await stage.daemon.until(
        lambda line: "announced as" in line and f"at {IP6}" in line and NEXT_IP not in line, now_s
    )
    await stage.chosen(IP6)
    await stage.works()
    stage.tell("IPv6 only", f"announced after {announced_s - now_s:.1f} s")


async def goodbye(stage: Stage) -> None:
    """The daemon is stopped."""
    now_s = time.monotonic()
    took_s = await stage.daemon.end()
    heard_s = await stage.until_heard(now_s, "name", change="removed")
    stage.tell("stopped", f"goodbye on the wire after {heard_s - now_s:.2f} s, gone after {took_s:.2f} s")


async def late(stage: Stage) -> None:
    """The daemon is started without any network; that comes later."""
    await stage.daemon.end()
    await stage.net.near_ip("addr", "flush", "dev", "eth0")
    await stage.net.link(is_up=False)
    await stage.start()
    await stage.daemon.until(lambda line: "no address in the network" in line, 0.0)
    await asyncio.sleep(stage.loss_s)
    now_s = time.monotonic()
    await stage.net.link(is_up=True)
    await stage.net.address(FIRST_IP, there=True)
    heard_s = await stage.until_heard(now_s, "address", ip=FIRST_IP)
    await stage.chosen(FIRST_IP)
    await stage.works()
    stage.tell(f"a network {stage.loss_s:g} s after the start", f"announced after {heard_s - now_s:.1f} s")


async def show(loss_s: float, only: str) -> None:
    """All of it."""
    async with net() as here:
        with tempfile.TemporaryDirectory() as home:
            hub = await Program.start(here.far, "tests.network.far_hub", HUB_IP, "2")
            stage = Stage(here, Path(home), hub, loss_s)
            try:
                await stage.until_heard(0.0, "ready")
                await here.address(FIRST_IP, there=True)
                await stage.start()
                await stage.until_heard(0.0, "address", ip=FIRST_IP)
                await stage.chosen(FIRST_IP)
                await stage.works()
                acts: list[tuple[str, Callable[[Stage], Awaitable[None]]]] = [
                    (f"loss {d}", partial(lost, doing=d)) for d in Doing
                ]
                acts += [
                    ("vanish", vanished_while_muted),
                    ("move", moved),
                    ("ipv6", only_ipv6),
                    ("goodbye", goodbye),
                    ("late", late),
                ]
                for name, act in acts:
                    if only in name:
                        await act(stage)
            except TimeoutError:
                print("\n".join(line for _, line in stage.daemon.lines[-40:]), file=sys.stderr)
                raise
            finally:
                for program in (stage.satellite, hub):
                    if program is not None:
                        await program.end()


def main() -> None:
    """From the command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--loss-s", type=float, default=30.0, help="how long the link is down (default: %(default)s)")
    parser.add_argument(
        "--only", default="", metavar="WORD", help="only what has this in its name: loss, vanish, move, ipv6, goodbye, late"
    )
    args = parser.parse_args()
    asyncio.run(show(args.loss_s, args.only))


if __name__ == "__main__":
    main()
