"""Installs the satellite on a bare Debian with a real systemd, does to it what happens to one, and prints a table.

Needs root, debootstrap, systemd-container and slirp4netns; takes ten minutes for each Debian.
"""

import argparse
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path

from tests.install import faults, installing, unit  # noqa: F401
from tests.install.machine import CODENAMES, TOOLS, Machine, tree
from tests.install.proof import SOURCE, STEPS, Failed, Proof
from tests.rig.room import PROJECT, Room

# each on what the one before has left
ORDER = (
    *("dry run", "fails early", "install", "verify", "again", "sandbox", "sound", "hook"),
    *("reboot", "killed", "queue", "watchdog", "unplugged", "exit 78", "upgrade", "bad upgrade", "uninstall"),
)
assert set(ORDER) == STEPS.keys()


def main() -> int:
    """0: all that was tried has held."""
    parser = argparse.ArgumentParser(prog="python -m tests.install", description=__doc__)
    parser.add_argument("--debian", choices=(*CODENAMES, "all"), default="all")
    parser.add_argument(
        "--only",
        metavar="STEP,...",
        help="these steps, on what an earlier run with --keep has left if there is no install among them",
    )
    parser.add_argument("--list", action="store_true", help="print the names of the steps")
    parser.add_argument("--unfed", action="store_true", help="switch the watchdog off but in its own step")
    parser.add_argument("--keep", action="store_true", help="leave the machine's files, to look at them or go on with --only")
    parser.add_argument(
        "--cache", type=Path, default=Path("/var/tmp/satellite-proof"), help="bare trees and machines (default: %(default)s)"
    )
    args = parser.parse_args()
    if args.list:
        print(*ORDER, sep="\n")
        return 0
    missing = [tool for tool in TOOLS if shutil.which(tool) is None]
    if os.getuid() != 0 or missing:
        print(f"this needs root{' and ' + ', '.join(missing) if missing else ''}", file=sys.stderr)
        return 2
    names = args.only.split(",") if args.only else list(ORDER)
    if unknown := [name for name in names if name not in STEPS]:
        parser.error(f"no such step: {', '.join(unknown)}")
    versions = list(CODENAMES) if args.debian == "all" else [args.debian]
    results = [result for version in versions for result in proved(version, names, args)]
    return 0 if all(results) else 1


def proved(version: str, names: Sequence[str], args: argparse.Namespace) -> Iterator[bool]:
    """Whether each step held, on one Debian."""
    directory = args.cache / f"machine-{version}"
    bare = tree(version, args.cache)
    print(f"Debian {version}", flush=True)
    with ExitStack() as stack:
        room = Room(directory / "room") if shutil.which("gcc") else None
        if room is not None:
            stack.enter_context(room)
        binds = [f"{directory / 'room'}:/srv/room"] if room is not None else []
        machine = Machine(f"proof{version}", bare, directory, binds, is_fresh="install" in names)
        stack.enter_context(machine)
        if "install" in names:
            subprocess.run(
                ["git", "clone", "--quiet", "--no-hardlinks", str(PROJECT), str(machine.root / SOURCE[1:])], check=True
            )
        proof = Proof(machine, room, feeds=not args.unfed)
        for name in names:
            yield _tried(name, proof)
    if not args.keep:
        shutil.rmtree(directory)


def _tried(name: str, proof: Proof) -> bool:
    try:
        seen, held = STEPS[name](proof), True
    except (Failed, RuntimeError, TimeoutError, OSError) as error:
        seen, held = f"{error}", False
    print(f"  {'ok    ' if held else 'FAILED'}  {name:<12} {seen}", flush=True)
    return held


if __name__ == "__main__":
    sys.exit(main())
