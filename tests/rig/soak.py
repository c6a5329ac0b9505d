"""The daemon for hours on the virtual card, with a turn every 20 s and faults at random: does it stay as it was?

    python -m tests.rig.soak [--hours H | --minutes M] [--seed N] [--log FILE.csv]

`satellite run` is a process of its own; the mock hub is in this one, behind a cable that can go dead. Prints a line a minute, and
in the end what was answered, what went wrong, and how memory, descriptors and threads went. Exit code 0: the memory is flat to
1 MB an hour, nothing leaks, there was no traceback, and it ended when it was asked to.
"""

import argparse
import asyncio
import csv
import random
import socket
import sys
import tempfile
import time
from pathlib import Path

from satellite.chaos.cable import Cable
from satellite.mock.hub import HubRule, MockHub
from satellite.mock.recogniser import TemplateRecogniser
from satellite.mock.recordings import ANSWER, SPOKEN, recording
from satellite.mock.stt import MockStt
from satellite.mock.tts import MockTts
from tests.rig.barge_ins import USERS, alternating, answers, room_config, user_wavs
from tests.rig.room import Room
from tests.rig.soaking.daemon import Daemon
from tests.rig.soaking.faults import FAULTS, SETTLES_S, World
from tests.rig.soaking.figures import Soak, Turns, report

_TURN_S = 20.0
_SAMPLE_S = 10.0
_PROGRESS_S = 60.0
# models, caches and the first of everything; of a short run a fifth
_WARM_UP_S = 600.0
# from the end of one fault to the next
_BETWEEN_S = (15.0, 70.0)
# as loud at the microphone as our own answer
_SER_DB = 0.0
_PATIENCE_S = 10.0


class Soaking:
    """One run."""

    def __init__(self, world: World, wavs: dict[str, Path], seconds: float, seed: int) -> None:
        self.soak = Soak()
        self._world, self._wavs, self._seconds = world, wavs, seconds
        self._rng = random.Random(seed + 1)
        self._begin_s = time.monotonic()
        self._disturbed: list[tuple[float, float]] = []
        self._fault_since_s: float | None = None

    @property
    def _elapsed_s(self) -> float:
        return time.monotonic() - self._begin_s

    async def run(self) -> None:
        """Until the time is over, or something has broken."""
        tasks = [asyncio.create_task(work) for work in (self._talk(), self._disturb(), self._watch())]
        try:
            done, _ = await asyncio.wait(tasks, timeout=self._seconds, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                # the daemon has died, or the soak itself is at fault: what was counted until then is told all the same
                self.soak.broken = repr(task.exception())
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    # ---- turns

    async def _talk(self) -> None:
        number = 0
        while True:
            number += 1
            kind = "announcement" if number % 9 == 0 else "barge-in" if self._rng.random() < 0.4 else "question"
            begin_s = self._elapsed_s
            trouble = await self._turn(kind)
            in_fault = self._was_disturbed(begin_s, self._elapsed_s)
            self.soak.turns.setdefault(kind, Turns()).add(trouble is None, in_fault)
            if trouble is not None and not in_fault:
                self.soak.unanswered.append(f"at {begin_s:.0f} s, a {kind}: {trouble}")
            await asyncio.sleep(max(number * _TURN_S - self._elapsed_s, 0.0))

    def _was_disturbed(self, begin_s: float, end_s: float) -> bool:
        return self._fault_since_s is not None or any(begin_s < until and since < end_s for since, until in self._disturbed)

    async def _turn(self, kind: str) -> str | None:
        """What went wrong."""
        hub = self._world.hub
        hub.journal.entries.clear()
        try:
            if kind == "announcement":
                await self._announce()
            else:
                await self._converse(is_interrupted=kind == "barge-in")
        except TimeoutError as error:
            return str(error)
        return None

    async def _announce(self) -> None:
        hub = self._world.hub
        if hub.pipeline is not None:
            await hub.announce(ANSWER)
        await hub.journal.wait_for("played", 1, 1.0)

    async def _converse(self, is_interrupted: bool) -> None:
        journal = self._world.hub.journal
        await self._say("tts_alexa_joe", 0.2)
        await self._say("tts_lights_joe", 1.6)
        await journal.wait_for("audio-start", 1, _PATIENCE_S, "sent")
        if is_interrupted:
            await self._say(self._rng.choice(USERS), self._rng.uniform(1.2, 2.4))
            await journal.wait_for("interrupt", 1, _PATIENCE_S, phase="confirmed")
            await journal.wait_for("audio-start", 2, _PATIENCE_S, "sent")
        await journal.wait_for("played", 1 + is_interrupted, _PATIENCE_S)

    async def _say(self, name: str, after_s: float) -> None:
        at_ns = time.monotonic_ns() + int(after_s * 1e9)
        await asyncio.to_thread(self._world.room.say, self._wavs[name], at_ns=at_ns)

    # ---- faults

    async def _disturb(self) -> None:
        rng = self._world.rng
        while True:
            await asyncio.sleep(rng.uniform(*_BETWEEN_S))
            name = rng.choice(list(FAULTS))
            since_s = self._fault_since_s = self._elapsed_s
            await FAULTS[name](self._world)
            self.soak.faults[name] += 1
            self._disturbed.append((since_s, self._elapsed_s + SETTLES_S))
            self._fault_since_s = None

    # ---- watching

    async def _watch(self) -> None:
        number = 0
        while True:
            if (code := self._world.daemon.process.poll()) is not None:
                raise RuntimeError(f"the daemon has ended with {code}")
            sample = self._world.daemon.sample(self._elapsed_s)
            self.soak.samples.append(sample)
            status = await self._world.daemon.status()
            self.soak.late = status.get("audio_late", self.soak.late)
            if number % round(_PROGRESS_S / _SAMPLE_S) == 0:
                self._progress(str(status.get("state")))
            number += 1
            await asyncio.sleep(max(number * _SAMPLE_S - self._elapsed_s, 0.0))

    def _progress(self, state: str) -> None:
        turns, sample = self.soak.turns.values(), self.soak.samples[-1]
        asked = sum(kind.asked + kind.asked_in_fault for kind in turns)
        answered = sum(kind.answered + kind.answered_in_fault for kind in turns)
        print(
            f"{sample.at_s / 60:5.0f} min  answered {answered:>3} of {asked:>3}  faults {self.soak.faults.total():>3}  "
            f"{sample.rss_mb:6.1f} MB  {sample.fds:>3} fds  {sample.threads:>2} threads  late {self.soak.late:>4}  {state}",
            flush=True,
        )


async def soak(seconds: float, seed: int, directory: Path) -> tuple[Soaking, Daemon]:
    """A whole run."""
    wavs = user_wavs(directory, _SER_DB)
    known = [(SPOKEN[name], recording(name)) for name in USERS]
    with Room(directory / "room", room_config("16k")) as room:
        daemon = Daemon(directory, port := _free_port(), room.env)
        for wav in wavs.values():
            await asyncio.to_thread(room.load, wav)
        daemon.start()
        async with MockStt(TemplateRecogniser(known).recognise) as stt, MockTts(answers()) as tts, Cable(port) as cable:
            hub = MockHub("127.0.0.1", cable.port, stt.uri, tts.uri, alternating(), HubRule())
            async with hub:
                await hub.journal.wait_for("info", 1, 30.0)
                world = World(room, hub, cable, daemon, port, random.Random(seed))
                soaking = Soaking(world, wavs, seconds, seed)
                try:
                    await soaking.run()
                finally:
                    soaking.soak.exit_code = daemon.stop()
    return soaking, daemon


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port


def _save(soaking: Soaking, path: Path) -> None:
    with path.open("w", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(("at_s", "rss_mb", "fds", "threads"))
        rows.writerows((f"{s.at_s:.1f}", f"{s.rss_mb:.3f}", s.fds, s.threads) for s in soaking.soak.samples)


def main() -> int:
    """Runs it, and prints what came of it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--hours", type=float, default=2.0)
    parser.add_argument("--minutes", type=float, help="instead of hours")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--log", type=Path, metavar="FILE.csv", help="memory, descriptors and threads every 10 s")
    args = parser.parse_args()
    seconds = args.hours * 3600 if args.minutes is None else args.minutes * 60
    with tempfile.TemporaryDirectory() as directory:
        soaking, daemon = asyncio.run(soak(seconds, args.seed, Path(directory)))
        if args.log is not None:
            _save(soaking, args.log)
            args.log.with_suffix(".satellite.log").write_bytes(daemon.log.read_bytes())
        return 0 if report(soaking.soak, min(_WARM_UP_S, seconds / 5), daemon.log_kinds()) else 1


if __name__ == "__main__":
    sys.exit(main())
