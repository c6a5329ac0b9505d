"""What a soak has found, and whether that is good enough."""

import statistics
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from tests.rig.soaking.daemon import Sample
from tests.rig.soaking.faults import SETTLES_S

# issue and README say so
MOST_SLOPE_MB_PER_H = 1.0
# a passing connection (the hub asks who we are twice a minute) may be open when it is looked
_PASSING = 2
# as many samples as five minutes have, at the start and at the end
_WINDOW = 30


@dataclass
class Turns:
    """Of one kind: while nothing was wrong, and while a fault was or had just been."""

    asked: int = 0
    answered: int = 0
    asked_in_fault: int = 0
    answered_in_fault: int = 0

    def add(self, is_answered: bool, in_fault: bool) -> None:
        """One more."""
        if in_fault:
            self.asked_in_fault += 1
            self.answered_in_fault += is_answered
        else:
            self.asked += 1
            self.answered += is_answered


@dataclass
class Soak:
    """All that was counted."""

    turns: dict[str, Turns] = field(default_factory=dict)
    unanswered: list[str] = field(default_factory=list)
    faults: Counter[str] = field(default_factory=Counter)
    samples: list[Sample] = field(default_factory=list)
    late: int = 0
    exit_code: int | None = None
    broken: str = ""
    """Why it ended before its time."""


def slope(samples: Sequence[Sample]) -> tuple[float, float]:
    """Of the memory, MB/h, by least squares, and its standard error, which is the least it can be: neighbours are alike."""
    if len(samples) < 3:
        return float("nan"), float("nan")
    hours = np.array([sample.at_s for sample in samples]) / 3600
    rss = np.array([sample.rss_mb for sample in samples])
    hours -= hours.mean()
    spread = float((hours**2).sum())
    rise = float((hours * rss).sum()) / spread
    rest = rss - rss.mean() - rise * hours
    return rise, float(np.sqrt((rest**2).sum() / (len(rss) - 2) / spread))


def report(soak: Soak, warm_up_s: float, log_kinds: Mapping[str, int]) -> bool:
    """Prints it; whether all of it held."""
    steady = [sample for sample in soak.samples if sample.at_s >= warm_up_s] or soak.samples
    rise, error = slope(steady)
    print(f"\nturns{'':<15} undisturbed: answered of asked   within a fault or {SETTLES_S:.0f} s after it")
    for name, turns in soak.turns.items():
        print(f"  {name:<18} {turns.answered:>26} of {turns.asked:<5} {turns.answered_in_fault:>14} of {turns.asked_in_fault}")
    for line in soak.unanswered:
        print(f"  {line}")
    print("faults: " + ", ".join(f"{name} {count}" for name, count in sorted(soak.faults.items())))
    first, last = steady[0], steady[-1]
    most = max(sample.rss_mb for sample in steady)
    print(f"memory: {first.rss_mb:.1f} MB after warm-up, {last.rss_mb:.1f} MB at the end, at most {most:.1f} MB")
    print(f"  slope {rise:+.2f} MB/h, standard error {error:.2f}")
    leaks = {kind: _leaks(kind, steady) for kind in ("fds", "threads")}
    print(f"audio-thread deadlines missed: {soak.late}")
    print(f"log, warnings and worse: {sum(log_kinds.values())}")
    for kind, count in sorted(log_kinds.items(), key=lambda item: -item[1]):
        print(f"  {count:>5}  {kind}")
    faulty = {
        "the memory is not flat": not abs(rise) <= MOST_SLOPE_MB_PER_H,
        "descriptors leak": leaks["fds"],
        "threads leak": leaks["threads"],
        "there were tracebacks": bool(log_kinds.get("Traceback")),
        f"it ended with {soak.exit_code}": soak.exit_code != 0,
        soak.broken: bool(soak.broken),
    }
    failed = [what for what, is_so in faulty.items() if is_so]
    print("FAILED: " + "; ".join(failed) if failed else "all held")
    return not failed


def _leaks(kind: str, samples: Sequence[Sample]) -> bool:
    values = [getattr(sample, kind) for sample in samples]
    window = min(_WINDOW, max(len(values) // 3, 1))
    start, end = statistics.median(values[:window]), statistics.median(values[-window:])
    print(f"{kind}: {start:.0f} after warm-up, {end:.0f} at the end, at most {max(values)}")
    return end > start + _PASSING
