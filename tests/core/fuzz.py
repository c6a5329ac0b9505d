"""Random walks through conversations. `python -m tests.core.fuzz 1000000` takes a million events by hand."""

import argparse
import random
import sys
import time

from tests.core.world import World


def walk(events: int, seed: int, check_every: int = 16) -> int:
    """Lives at least so many events at random, and says how many; AssertionError at the first that breaks a rule."""
    dice = random.Random(seed)
    world = World(lambda n: int(dice.random() * n), check_every)
    while world.events < events:
        world.live()
    return world.events


def main() -> int:
    """Walks, and says how far it got."""
    parser = argparse.ArgumentParser(description="random walks through conversations; a breach of a rule is a traceback")
    parser.add_argument("events", type=int, nargs="?", default=1_000_000)
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    began = time.monotonic()
    done = walk(arguments.events, arguments.seed, check_every=1)
    print(f"{done} events, seed {arguments.seed}: no rule broken, nothing stuck; {time.monotonic() - began:.0f} s")
    return 0


if __name__ == "__main__":
    sys.exit(main())
