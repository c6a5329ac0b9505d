"""Random walks through conversations. `python -m tests.core.fuzz 1000000` takes a million events by hand."""

import argparse
import random
import sys
import time
from dataclasses import dataclass

from satellite.core.table import ROWS
from tests.core.world import World


@dataclass(frozen=True, slots=True)
class Walk:
    """What a walk has seen."""

    events: int
    taken: frozenset[int]
    """Rows of the transition table, by identity."""


def walk(events: int, seed: int) -> Walk:
    """Lives so many events at random; AssertionError at the first that breaks a rule."""
    dice = random.Random(seed)
    world = World(lambda n: int(dice.random() * n))
    while world.events < events:
        world.live()
    return Walk(world.events, frozenset(world.taken))


def main() -> int:
    """Walks, and says how far it got."""
    parser = argparse.ArgumentParser(description="random walks through conversations; a breach of a rule is a traceback")
    parser.add_argument("events", type=int, nargs="?", default=1_000_000)
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    began = time.monotonic()
    done = walk(arguments.events, arguments.seed)
    seconds = time.monotonic() - began
    print(f"{done.events} events, seed {arguments.seed}: no rule broken, nothing stuck; {seconds:.0f} s")
    print(f"{len(done.taken)} of {len(ROWS)} rows of the table taken")
    return 0


if __name__ == "__main__":
    sys.exit(main())
