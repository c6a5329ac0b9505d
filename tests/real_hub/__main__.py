"""`python -m tests.real_hub --hub DIR`: DIR has start.sh, stop.sh, in_ns.sh and bench.py of a real Home Assistant.

Starts that hub in its network namespace, a satellite on a simulated sound card beside it, plays every scene, prints a table of
what was seen, and takes all of it down. Needs root, for the namespace. HA_OLD=2025.4.4 plays it with that version.
"""

import argparse
import asyncio
import logging
import subprocess
import sys
import tempfile
from contextlib import suppress
from pathlib import Path

from tests.real_hub.scenes import SCENES, Scene
from tests.real_hub.stage import Scripts, Stage, stage


def main() -> int:
    """Outside of the namespace it starts the hub and itself again; inside it plays."""
    parser = argparse.ArgumentParser(prog="python -m tests.real_hub", description=__doc__)
    parser.add_argument("--hub", type=Path, required=True, help="the folder with start.sh")
    parser.add_argument("--scene", action="append", default=[], help="only this one, and what all need; may be repeated")
    parser.add_argument("--log", type=Path, help="write the satellite's own log there")
    parser.add_argument("--inside", type=Path, help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.inside is None:
        return _outside(args)
    if args.log:
        logging.basicConfig(filename=args.log, level=logging.DEBUG, format="%(relativeCreated)d %(name)s %(message)s")
    scenes = [scene for scene in SCENES if not args.scene or scene.__name__ in ("discovery", *args.scene)]
    return asyncio.run(_play(scenes, Scripts(args.hub, args.inside)))


def _outside(args: argparse.Namespace) -> int:
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run([args.hub / "start.sh", folder], check=True)
        try:
            arguments = ["-m", "tests.real_hub", *sys.argv[1:], "--inside", folder]
            return subprocess.run([args.hub / "in_ns.sh", sys.executable, *arguments], check=False).returncode
        finally:
            subprocess.run([args.hub / "stop.sh", folder], check=True)


async def _play(scenes: list[Scene], scripts: Scripts) -> int:
    failed = 0
    with tempfile.TemporaryDirectory() as out:
        async with stage(scripts, Path(out)) as place:
            print("| scene | what was seen |\n|---|---|")
            for scene in scenes:
                failed += await _row(scene, place)
    return 1 if failed else 0


async def _row(scene: Scene, place: Stage) -> bool:
    """Plays one and prints what was seen; True if it failed."""
    try:
        seen = await scene(place)
        await place.until_idle()
    except (AssertionError, TimeoutError, RuntimeError) as error:
        print(f"| {scene.__name__.replace('_', ' ')} | **FAILED**: {error} |", flush=True)
        with suppress(RuntimeError):
            # or the scenes after it fail for nothing
            await place.hub("hub.mute", place.entry, False)
        return True
    print(f"| {scene.__name__.replace('_', ' ')} | {'; '.join(seen)} |", flush=True)
    return False


if __name__ == "__main__":
    sys.exit(main())
