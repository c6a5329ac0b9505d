"""What came of the chaos: a line for each kind of fault, and, where something failed, all that it takes to see it again."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from statistics import median
from typing import Any, Protocol

# of failures of one run: the first tells most
_MOST_FAILURES = 5


class Named(Protocol):
    """A kind of fault."""

    @property
    def name(self) -> str: ...


class Resting(Protocol):
    """What has been seen at rest."""

    most_bytes: int
    most_items: int
    grown_mb: float


@dataclass(slots=True)
class Row:
    """Of one kind of fault."""

    times: int = 0
    held: int = 0
    deadline_s: float = 0.0
    recovery_s: list[float] = field(default_factory=list)
    """Where it was the one of its episode that was to take longest."""


@dataclass
class Tally:
    """All that is counted in one run."""

    now_s: Callable[[], float]
    rows: dict[str, Row] = field(default_factory=dict)
    failures: list[str] = field(default_factory=list)
    episodes: int = 0
    second_tries: int = 0
    most_bytes: int = 0
    most_items: int = 0
    grown_mb: float = 0.0
    present: Sequence[str] = ()
    on_failure: Callable[[], None] = lambda: None

    def fail(self, what: str) -> None:
        """An invariant has not held."""
        if len(self.failures) < _MOST_FAILURES:
            self.failures.append(f"at {self.now_s():.3f} s, in {' + '.join(self.present) or 'the start'}: {what}")
        self.on_failure()

    def begins(self, names: Sequence[str]) -> None:
        """An episode with these."""
        self.present = names
        for name in names:
            self.rows.setdefault(name, Row()).times += 1

    def recovered(self, name: str, seconds: float, deadline_s: float) -> None:
        """Everything has ended, and so long after this one's end a wake word would be heard; this one could take longest."""
        row = self.rows[name]
        row.deadline_s = deadline_s
        row.recovery_s.append(seconds)

    def tries(self, count: int) -> None:
        """It took so many to be answered."""
        self.second_tries += count > 1

    def rested(self, seen: Resting) -> None:
        """Nothing goes on."""
        self.most_bytes, self.most_items, self.grown_mb = seen.most_bytes, seen.most_items, seen.grown_mb

    def held(self, faults: Iterable[Named]) -> None:
        """The episode is over, and everything has held."""
        self.episodes += 1
        for fault in faults:
            self.rows[fault.name].held += 1


def as_text(tally: Tally, minutes: float, seed: int, log: Sequence[str]) -> str:
    """For people."""
    lines = [f"{'fault':<20}{'times':>7}{'held':>7}{'recovery: median':>20}{'worst':>9}{'deadline':>10}"]
    for name, row in sorted(tally.rows.items()):
        times = (
            f"{median(row.recovery_s):>18.2f} s{max(row.recovery_s):>7.2f} s{row.deadline_s:>8.1f} s" if row.recovery_s else ""
        )
        lines.append(f"{name:<20}{row.times:>7}{row.held:>7}{times}")
    lines.append(
        f"{tally.now_s() / 60:.1f} virtual minutes, {tally.episodes} episodes; {tally.second_tries} turns took a second try; "
        f"at rest at most {tally.most_bytes / 1e6:.1f} MB and {tally.most_items} items in one place; "
        f"the process has grown by {tally.grown_mb:.1f} MB since its 20th minute"
    )
    if not tally.failures:
        lines.append("all held")
        return "\n".join(lines)
    lines += ["", "FAILED", *tally.failures, "", "the log until then:", *log]
    lines.append(f"\nto see it again: satellite chaos --minutes {minutes:g} --seed {seed}")
    return "\n".join(lines)


def _recovery(row: Row) -> str:
    if not row.recovery_s:
        return ""
    return f"{median(row.recovery_s):>18.2f} s{max(row.recovery_s):>7.2f} s{row.deadline_s:>8.1f} s"


def as_data(tally: Tally, minutes: float, seed: int, log: Sequence[str]) -> dict[str, Any]:
    """The same for programs."""
    faults = {
        name: {
            "times": row.times,
            "held": row.held,
            "recovery_s": {"median": median(row.recovery_s), "worst": max(row.recovery_s)} if row.recovery_s else None,
            "deadline_s": row.deadline_s,
        }
        for name, row in sorted(tally.rows.items())
    }
    counted = {"episodes": tally.episodes, "second_tries": tally.second_tries, "virtual_s": tally.now_s()}
    held = {"most_bytes": tally.most_bytes, "most_items": tally.most_items}
    told = {"failures": tally.failures, "log": list(log) if tally.failures else []}
    return {"minutes": minutes, "seed": seed, **counted, **held, "faults": faults, **told}
