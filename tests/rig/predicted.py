"""Does the bench predict what the daemon does? The same barge-ins through the real ALSA API in real time, and in virtual time.

    python -m tests.rig.predicted [--count 50] [--ser DB]

prints both medians for the moment in which the answer is silent, and their difference. Takes six seconds a barge-in.
"""

import argparse
import asyncio
import logging
import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from satellite.bench.measure import outcome
from satellite.bench.run import run as play
from satellite.bench.scene import Kind, Scene
from satellite.bench.setting import ROOM_NOISE_DBFS, Setting
from satellite.core.say import Allow
from satellite.core.units import RATE_HZ
from satellite.mock.recordings import SPOKEN_S, recording
from satellite.simulate.signals import active_level_db, convolved, signal
from tests.rig.barge_ins import BEGIN_S, ECHO_DB, USERS, answers, run

# of the two clocks that are compared, and what a busy machine does to one of them
MOST_DIFFERENCE_MS = 40.0


def predicted_ms(count: int, ser_db: float) -> list[float]:
    """When the answer is silent, in ms from the user's first sound; of so many barge-ins in virtual time."""
    found = []
    for setting in _settings(count, ser_db):
        ours = play(setting, Allow.SPEECH)
        silent_ms = outcome(ours, play(setting, Allow.NONE, ours.plays)).silent_ms
        if silent_ms is not None:
            found.append(silent_ms)
    return found


def _settings(count: int, ser_db: float) -> Iterator[Setting]:
    """The users, answers, places and room of the rig's barge-ins, in their order."""
    replies = list(answers().values())
    echo_ir, talker_ir = signal(recording("sim7_spk8cm")), signal(recording("sim7_talk2m"))
    reply = signal(replies[0])
    gain_db = active_level_db(reply) + ECHO_DB - active_level_db(convolved(reply, echo_ir))
    echo_ir = echo_ir * np.float32(10 ** (gain_db / 20))
    for number in range(count):
        noise = np.random.default_rng(number).standard_normal(20 * RATE_HZ) * 10 ** (ROOM_NOISE_DBFS / 20)
        name = USERS[number % len(USERS)]
        words = recording(name)[round(SPOKEN_S[name][0] * RATE_HZ) :]
        scene = Scene(id="1", kind=Kind.USER, group="rig", seed=number, room="sim7", clip=name, ser_db=ser_db)
        into_s = BEGIN_S[number % len(BEGIN_S)] + SPOKEN_S[name][0]
        turns = (replies[(number + 1) % 2], replies[number % 2])
        yield Setting(scene, turns, noise.astype(np.float32), echo_ir, echo_ir, talker_ir, words, into_s)


def main() -> int:
    """0 if they agree."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, default=50)
    parser.add_argument("--ser", type=float, default=-10.0, metavar="DB", help="speech-to-echo ratio (default: %(default)s)")
    args = parser.parse_args()
    logging.getLogger("satellite").setLevel(logging.ERROR)
    with tempfile.TemporaryDirectory() as directory:
        found, missed = asyncio.run(run("16k", args.count, Path(directory), args.ser))
    real = [b.silent_ms for b in found if b.silent_ms is not None]
    virtual = predicted_ms(args.count, args.ser)
    for name, values, count in (("real time, ALSA", real, len(found) + missed), ("bench", virtual, args.count)):
        p50, p95 = np.percentile(values, (50, 95))
        print(f"{name:<16} silent after {p50:4.0f} / {p95:4.0f} ms (median / p95), {len(values)} of {count} held")
    difference = float(np.median(real) - np.median(virtual))
    print(f"difference of the medians {difference:+.0f} ms, at most {MOST_DIFFERENCE_MS:.0f}")
    return 0 if abs(difference) <= MOST_DIFFERENCE_MS else 1


if __name__ == "__main__":
    raise SystemExit(main())
