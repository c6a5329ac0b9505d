"""Recorded features: what the reflex saw, period by period, and what it decided, as lines of text."""

import csv
from collections.abc import Iterable, Iterator
from pathlib import Path

from satellite.core.echo import Excess
from satellite.core.reflex import Mode, Observation, Verdict
from satellite.core.units import Decibels, Frames, Millis, Probability

RECORDED = Path(__file__).parent / "recorded"

COLUMNS = (
    *("end", "probability", "clean_db", "now_db", "in_probe_db", "background_db", "lively", "voicing", "reference_db"),
    *("ducked", "playing", "remaining_ms", "idle", "verdict", "mode"),
)


def rounded(seen: Observation) -> Observation:
    """As it is written down: hundredths are more than any threshold needs."""
    return _read(dict(zip(COLUMNS, _line(seen), strict=False)))


def write(path: Path, story: Iterable[tuple[Observation, Verdict, Mode]]) -> None:
    """A line for each period."""
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(COLUMNS)
        writer.writerows((*_line(seen), verdict.name, mode.name) for seen, verdict, mode in story)


def read(path: Path) -> Iterator[tuple[Observation, Verdict, Mode]]:
    """What was written."""
    with path.open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            yield _read(row), Verdict[row["verdict"]], Mode[row["mode"]]


def _line(seen: Observation) -> tuple[str, ...]:
    excess = seen.near_end
    levels = (seen.clean_db, excess.now_db, excess.in_probe_db, excess.background_db)
    return (
        str(seen.end),
        "" if seen.probability is None else f"{seen.probability:.4f}",
        *(f"{level:.2f}" for level in levels),
        str(int(excess.is_lively)),
        f"{seen.voicing:.3f}",
        f"{seen.reference_db:.2f}",
        str(int(seen.is_ducked)),
        str(int(seen.is_playing)),
        "" if seen.remaining_ms is None else str(seen.remaining_ms),
        str(int(seen.is_idle)),
    )


def _read(row: dict[str, str]) -> Observation:
    excess = Excess(
        float(row["now_db"]), float(row["in_probe_db"]), Decibels(float(row["background_db"])), bool(int(row["lively"]))
    )
    return Observation(
        end=Frames(int(row["end"])),
        probability=Probability(float(row["probability"])) if row["probability"] else None,
        clean_db=Decibels(float(row["clean_db"])),
        near_end=excess,
        voicing=float(row["voicing"]),
        reference_db=Decibels(float(row["reference_db"])),
        is_ducked=bool(int(row["ducked"])),
        is_playing=bool(int(row["playing"])),
        remaining_ms=Millis(int(row["remaining_ms"])) if row["remaining_ms"] else None,
        is_idle=bool(int(row["idle"])),
    )
