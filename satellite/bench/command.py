"""`satellite bench`: plays the scenes of a suite, and prints what came of them."""

import argparse
import platform
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from satellite import __version__
from satellite.bench.corpus import DEFAULT_CORPUS, Corpus, Half
from satellite.bench.outcome import Results
from satellite.bench.pool import all_cores, play_all
from satellite.bench.report import write_report
from satellite.bench.saved import as_json, from_json
from satellite.bench.scene import Scene
from satellite.bench.suite import Size, scenes
from satellite.bench.text import as_text
from satellite.bench.view import SceneView
from satellite.core.sensitivity import PROFILES, Sensitivity
from satellite.errors import ConfigError


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What the command line says."""

    corpus: Path | None
    half: Half | None
    suite: Size
    seed: int
    sensitivity: Sensitivity
    group: str | None
    jobs: int | None
    ours_only: bool
    json: Path | None
    report: Path | None
    saved: Path | None
    list_scenes: bool
    scene: str | None
    plot: Path | None


def wanted_by(args: argparse.Namespace) -> Wanted:
    """Of the command line's options, which have these names."""
    told: dict[str, Any] = {field: getattr(args, field) for field in Wanted.__dataclass_fields__}
    half = None if args.half is None else Half(args.half)
    return Wanted(**{**told, "half": half, "suite": Size(args.suite), "sensitivity": Sensitivity(args.sensitivity)})


def run_bench(wanted: Wanted) -> int:
    """0 if it could be run. ConfigError or SatelliteError says why not."""
    for path in (wanted.json, wanted.report, wanted.plot):
        if path is not None:
            _check_writable(path)
    if wanted.saved is not None:
        return _tell(from_json(_read(wanted.saved)), wanted)
    root, half = wanted.corpus or DEFAULT_CORPUS, _half(wanted)
    corpus = Corpus(root, half)
    if missing := corpus.missing():
        raise ConfigError(f"{root}, --half {half.value}: there are no {', no '.join(missing)}")
    suite = [scene for scene in scenes(corpus, wanted.suite, wanted.seed) if _is_wanted(scene, wanted)]
    if not suite:
        raise ConfigError("no scene of the suite is meant by --group or --scene; --list prints them all")
    if wanted.list_scenes:
        print("\n".join(map(_line, suite)))
        return 0
    if wanted.scene is not None:
        return _one(suite[0], corpus, wanted)
    began_s = time.monotonic()
    jobs = wanted.jobs or all_cores()
    played, sound_s = play_all(suite, root, half, wanted.sensitivity, jobs, not wanted.ours_only)
    results = Results(
        corpus=root.name if wanted.corpus else "that come with the package",
        half=half.value,
        suite=wanted.suite.value,
        seed=wanted.seed,
        version=__version__,
        machine=_machine(),
        took_s=time.monotonic() - began_s,
        sound_s=sound_s,
        played=played,
    )
    return _tell(results, wanted)


def _half(wanted: Wanted) -> Half:
    """The few recordings of the package are too few to be halved."""
    return wanted.half or (Half.HELD_OUT if wanted.corpus else Half.ALL)


def _is_wanted(scene: Scene, wanted: Wanted) -> bool:
    if wanted.scene is not None:
        return scene.id == wanted.scene
    return wanted.group is None or wanted.group.lower() in f"{scene.kind} {scene.group}".lower()


def _tell(results: Results, wanted: Wanted) -> int:
    print(as_text(results), end="")
    if results.took_s:
        print(f"\nTook {results.took_s:.0f} s: {results.sound_s / results.took_s:.0f} times as fast as it sounds.")
    if wanted.json is not None:
        wanted.json.write_text(as_json(results), encoding="utf-8")
    if wanted.report is not None:
        write_report(results, wanted.report)
        print(f"The report is in {wanted.report}.", file=sys.stderr)
    return 0


def _one(scene: Scene, corpus: Corpus, wanted: Wanted) -> int:
    from satellite.bench.looking import look

    draw = None if wanted.plot is None else _drawing(wanted.plot)
    view, lines = look(scene, corpus, PROFILES[wanted.sensitivity])
    print(_line(scene))
    print("\n".join(lines))
    if draw is not None:
        draw(view)
        print(f"Drawn in {wanted.plot}.", file=sys.stderr)
    return 0


def _drawing(picture: Path) -> Callable[[SceneView], None]:
    if find_spec("matplotlib") is None:
        raise ConfigError("--plot needs matplotlib, which is not installed: pip install 'satellite[plot]'")
    from satellite.bench.plot import draw_scene

    return partial(draw_scene, path=picture)


def _line(scene: Scene) -> str:
    """All that the scene is."""
    parts = [f"{name}={getattr(scene, name)}" for name in Scene.__dataclass_fields__ if name not in ("id", "kind", "group")]
    return f"{scene.id}  {scene.kind.value}  {scene.group!r}  " + " ".join(parts)


def _machine() -> str:
    return f"{platform.machine()}, {all_cores()} cores, Python {platform.python_version()}"


def _read(path: Path) -> str:
    try:
        return path.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"--from: cannot read {path}: {error}") from error


def _check_writable(path: Path) -> None:
    """Now rather than after an hour."""
    is_new = not path.exists()
    try:
        path.open("ab").close()
    except OSError as error:
        raise ConfigError(f"cannot write {path}: {error.strerror}") from error
    if is_new:
        path.unlink()
