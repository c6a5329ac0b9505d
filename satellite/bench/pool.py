"""Plays scenes on all cores, and says how far it is. The same scenes give the same results, however many cores there are."""

import os
import signal
import sys
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from multiprocessing import get_context
from pathlib import Path

from satellite.bench.corpus import Corpus, Half
from satellite.bench.outcome import Played
from satellite.bench.play import play
from satellite.bench.scene import Scene
from satellite.core.sensitivity import PROFILES, Sensitivity

# a terminal is told so often
_TELL_EVERY_S = 0.5
_BAR = 30


def play_all(
    scenes: Sequence[Scene], root: Path, half: Half, sensitivity: Sensitivity, jobs: int, with_others: bool
) -> tuple[list[Played], float]:
    """In the order of the scenes; and how many seconds of sound that was."""
    task = partial(_play, root=root, half=half, sensitivity=sensitivity, with_others=with_others)
    if jobs == 1:
        found = list(_told(map(task, scenes), len(scenes)))
    else:
        # new processes rather than copies of this one, whose libraries may have threads
        with ProcessPoolExecutor(jobs, get_context("spawn"), _leave_interrupts_to_the_parent) as pool:
            try:
                found = list(_told(pool.map(task, scenes), len(scenes)))
            except BaseException:
                # whoever gives up does not want to wait for an hour of scenes
                pool.shutdown(wait=False, cancel_futures=True)
                raise
    return [played for played, _ in found], sum(seconds for _, seconds in found)


def all_cores() -> int:
    """That this process may use."""
    return len(os.sched_getaffinity(0))


def _leave_interrupts_to_the_parent() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)


_corpora: dict[tuple[Path, Half], Corpus] = {}


def _play(scene: Scene, root: Path, half: Half, sensitivity: Sensitivity, with_others: bool) -> tuple[Played, float]:
    corpus = _corpora.get((root, half))
    if corpus is None:
        corpus = _corpora[root, half] = Corpus(root, half)
    return play(scene, corpus, PROFILES[sensitivity], with_others)


def _told(found: Iterator[tuple[Played, float]], count: int) -> Iterator[tuple[Played, float]]:
    """Passes on what comes, and draws a bar if somebody watches."""
    is_watched, began_s, told_s = sys.stderr.isatty(), time.monotonic(), 0.0
    for number, one in enumerate(found, 1):
        yield one
        now_s = time.monotonic()
        if is_watched and (now_s - told_s >= _TELL_EVERY_S or number == count):
            told_s = now_s
            left_s = (now_s - began_s) / number * (count - number)
            bar = "#" * (number * _BAR // count)
            print(f"\r[{bar:<{_BAR}}] {number} of {count} scenes, {_minutes(left_s)} left ", end="", file=sys.stderr, flush=True)
    if is_watched:
        print(f"\r{'':<80}\r", end="", file=sys.stderr, flush=True)


def _minutes(seconds: float) -> str:
    return f"{int(seconds) // 60}:{int(seconds) % 60:02d}"
