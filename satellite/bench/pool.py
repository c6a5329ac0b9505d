"""Plays scenes on all cores, and says how far it is. The same scenes give the same results, however many cores there are."""

import os
import signal
import sys
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
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
        with ProcessPoolExecutor(jobs, get_context("spawn")) as pool:
            try:
                # a terminal interrupts all of them, and the pool does not survive one that is interrupted: they inherit this
                with _interrupts_put_off():
                    playing = pool.map(task, scenes)
                found = list(_told(playing, len(scenes)))
            except BaseException:
                # whoever gives up does not want to wait for an hour of scenes; and typing it again does not break off this
                with _interrupts_put_off():
                    pool.shutdown(cancel_futures=True)
                raise
    return [played for played, _ in found], sum(seconds for _, seconds in found)


def all_cores() -> int:
    """That this process may use."""
    return len(os.sched_getaffinity(0))


@contextmanager
def _interrupts_put_off() -> Iterator[None]:
    """Of this thread until it is left, and of threads and processes that are started in it for good."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


_corpora: dict[tuple[Path, Half], Corpus] = {}


def _play(scene: Scene, root: Path, half: Half, sensitivity: Sensitivity, with_others: bool) -> tuple[Played, float]:
    corpus = _corpora.get((root, half))
    if corpus is None:
        corpus = _corpora[root, half] = Corpus(root, half)
    return play(scene, corpus, PROFILES[sensitivity], with_others)


def _told(found: Iterator[tuple[Played, float]], count: int) -> Iterator[tuple[Played, float]]:
    """Passes on what comes, and draws a bar if somebody watches."""
    is_watched, began_s, told_s = sys.stderr.isatty(), time.monotonic(), 0.0
    try:
        for number, one in enumerate(found, 1):
            yield one
            now_s = time.monotonic()
            if is_watched and (now_s - told_s >= _TELL_EVERY_S or number == count):
                told_s = now_s
                left_s = (now_s - began_s) / number * (count - number)
                bar = f"[{'#' * (number * _BAR // count):<{_BAR}}] {number} of {count} scenes, {_minutes(left_s)} left "
                print(f"\r{bar}", end="", file=sys.stderr, flush=True)
    finally:
        if is_watched:
            print(f"\r{'':<80}\r", end="", file=sys.stderr, flush=True)


def _minutes(seconds: float) -> str:
    return f"{int(seconds) // 60}:{int(seconds) % 60:02d}"
