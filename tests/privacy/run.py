"""`python -m tests.privacy --hours 3 --corpus DIR`: people talk for hours, and what left the machine is told."""

import argparse
import sys
import time
from collections.abc import Callable
from pathlib import Path

from satellite.config import Mode
from satellite.service import Service
from tests.privacy import sounds
from tests.privacy.life import Life, Plan
from tests.privacy.place import scene
from tests.privacy.sounds import Sounds
from tests.privacy.witness import Witness
from tests.service.house import run_virtually

# a life at a time, each in another room
_LIFE_S = 900.0
# of real time; a busy machine computes no faster than the room lives
_PATIENCE_FACTOR = 3.0


def lived(
    heard: Sounds,
    mode: Mode,
    seconds: float,
    seed: int,
    construct: Callable[..., Service] = Service,
    plan: Plan | None = None,
) -> tuple[Witness, Life]:
    """A life of so long, or what is planned of it, and who watched it."""
    lives: list[tuple[Witness, Life]] = []

    async def story() -> None:
        async with scene(heard, mode, seed, construct, place=seed) as place:
            life = Life(place, plan)
            lives.append((place.witness, life))
            await life.live(seconds)
        place.witness.breaches += place.doors.opened

    run_virtually(story(), seconds + 300.0, 120.0 + _PATIENCE_FACTOR * seconds)
    return lives[0]


def main() -> int:
    """Lives, and says what left."""
    parser = argparse.ArgumentParser(prog="python -m tests.privacy", description=__doc__)
    parser.add_argument("--hours", type=float, default=1.0, help="of virtual time")
    parser.add_argument("--corpus", type=Path, help="a folder of recordings with a manifest, as for the bench")
    parser.add_argument("--standalone", type=float, default=0.25, metavar="SHARE", help="of the lives without a hub")
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    heard = sounds.corpus(arguments.corpus) if arguments.corpus else sounds.package()
    total, began, lives = Total(), time.monotonic(), max(round(arguments.hours * 3600 / _LIFE_S), 1)
    for number in range(lives):
        mode = Mode.STANDALONE if number % 4 < 4 * arguments.standalone else Mode.HUB
        witness, life = lived(heard, mode, arguments.hours * 3600 / lives, arguments.seed + number)
        total.add(witness, life)
        told = f"{len(witness.licences)} turns, {len(witness.breaches)} breaches"
        print(f"life {number + 1} of {lives}, {mode}: {told}", flush=True)
    print(total.told(arguments.hours, time.monotonic() - began))
    return 1 if total.breaches else 0


class Total:
    """Of all lives."""

    def __init__(self) -> None:
        self.count: dict[str, int] = {}
        self.turns: dict[str, list[int]] = {}
        self.breaches: list[str] = []
        self.spoken_s = self.noise_s = 0.0

    def add(self, witness: Witness, life: Life) -> None:
        """One more."""
        self.breaches += witness.breaches
        self.spoken_s += life.spoken_s
        self.noise_s += life.noise_s
        for name, number in [*life.did.items(), *witness.count.items()]:
            self.count[name] = self.count.get(name, 0) + number
        for licence in witness.licences:
            licence.why += life.cause(licence.why, licence.opened_at)
        for why, number, sent_ms, lead_ms in witness.turns():
            so_far = self.turns.get(why, [0, 0, 0])
            self.turns[why] = [so_far[0] + number, so_far[1] + sent_ms, max(so_far[2], lead_ms)]

    def told(self, hours: float, took_s: float) -> str:
        """As it is printed."""
        lines = [f"{hours:g} h of virtual time in {took_s / 60:.0f} min, {self.spoken_s / 3600:.2f} h of speech in it,"]
        lines += [f"{self.noise_s / 3600:.2f} h of television, music and other noise"]
        lines += [f"  {name}: {number}" for name, number in sorted(self.count.items())]
        lines += ["turns by what opened them:"]
        lines += [
            f"  {why}: {number} turns, {sent / 1000:.0f} s sent, at most {lead} ms from before what opened it"
            for why, (number, sent, lead) in sorted(self.turns.items())
        ]
        lines += [f"bytes of the microphone outside turns: {self.count.get('bytes of audio outside turns', 0)}"]
        lines += [f"breaches: {len(self.breaches)}", *self.breaches[:20]]
        return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main())
