"""What the daemon's own rule made of each group of scenes."""

import math

from satellite.bench import cases
from satellite.bench.cases import LATE_MS, Case
from satellite.bench.goals import (
    LATENCIES,
    LATEST_RESUME_MS,
    LEAST_WORDS,
    MOST_COMMITTED,
    MOST_LOST,
    MOST_MISSED_EXCESS,
    MOST_POSITION_ERROR_MS,
    MOST_STOPS,
)
from satellite.bench.outcome import Results
from satellite.bench.scene import Kind
from satellite.bench.stats import percentile, share
from satellite.bench.tables import (
    NOTHING,
    Cell,
    Table,
    Verdict,
    hours,
    judged,
    ms,
    per_hour,
    percent_of,
    rate_verdict,
    row,
    short_percent,
)

_ALL = "all"


def our_tables(results: Results) -> list[Table]:
    """Those that have rows."""
    users = cases.by_group(cases.of_kind(results, Kind.USER, Kind.WORD))
    tables = [_latencies(users), _reliability(users), _excess(users), _false(results), _harmless(results), _words(results)]
    return [table for table in tables if table.rows]


def _latencies(groups: dict[str, list[Case]]) -> Table:
    names = (("duck_ms", "Duck"), ("silent_ms", "Silent"), ("commit_ms", "Commit"))
    rows = tuple(
        row(group, f"{len(found)}", *(ms(cases.times(found, name), percent) for name, _ in names for percent in (50, 95)))
        for group, found in groups.items()
    )
    columns = ("Users", "n", *(f"{title} {percent}" for _, title in names for percent in ("p50", "p95")))
    note = (
        "Milliseconds from the user's first sound until the answer is 20 dB down, silent (40 dB down), and over, where it came "
        "to that; with 95 % intervals."
    )
    return Table("How fast it yields", note, columns, rows)


def _reliability(groups: dict[str, list[Case]]) -> Table:
    rows = tuple(
        row(
            group,
            f"{len(found)}",
            percent_of(cases.missed(found)),
            percent_of(cases.missed(found, LATE_MS)),
            *_lost(found),
            _position_error(found),
            _stale(found),
        )
        for group, found in groups.items()
    )
    columns = ("Users", "n", "Missed in 1 s", "In 2 s", "Lost words", "Most lost, ms", "Position, ms", "Stale")
    note = (
        "Missed: the answer was not silent by then. Lost words: turns that would reach a server without all of the user's first "
        "sounds, and the most of it. Position: where the answer was said to have stopped less where it did, the largest. Stale: "
        "samples that sounded after a stop. In brackets 95 % intervals."
    )
    return Table("Whom it does not hear, and what gets lost", note, columns, rows)


def _lost(found: list[Case]) -> tuple[Cell, Cell]:
    lost = cases.lost(found)
    if not lost.of:
        return Cell(NOTHING), Cell(NOTHING)
    most_ms = max(0.0, *cases.times(found, "lost_ms"))
    return Cell(short_percent(lost), judged(lost.percent <= MOST_LOST)), Cell(f"{most_ms:.0f}")


def _position_error(found: list[Case]) -> Cell:
    largest_ms = max(cases.times(found, "position_error_ms"), key=abs, default=None)
    if largest_ms is None:
        return Cell(NOTHING)
    return Cell(f"{largest_ms:+.1f}", judged(abs(largest_ms) <= MOST_POSITION_ERROR_MS))


def _stale(found: list[Case]) -> Cell:
    stale = sum(case.outcome.stale for case in found)
    return Cell(f"{stale}", judged(stale == 0))


def _excess(groups: dict[str, list[Case]]) -> Table:
    rows = tuple(
        row(
            group,
            ms(cases.clear_times(found), 50),
            ms(cases.clear_times(found), 95),
            short_percent(reference),
            *(_later(found, name, percent, most) for name, _, percent, _, most in LATENCIES if most is not None),
            _more_missed(found),
        )
        for group, found in groups.items()
        if (reference := cases.clear_missed(found)) is not None
    )
    columns = ("Users", "No echo p50", "p95", "Missed", "+ Duck p50", "+ Silent p50", "+ Silent p95", "+ Missed in 1 s")
    note = (
        "The same scenes without echo: when one window of the voice detector is sure of speech, and what it misses in 1 s; then "
        "how much more it takes with echo (ms, points). Goals are judged where all users are at SER "
        + " or ".join(f"{ser_db:.0f}" for ser_db in MOST_MISSED_EXCESS)
        + " dB."
    )
    return Table("What the echo costs", note, columns, rows)


def _later(found: list[Case], name: str, percent: float, most_ms: float) -> Cell:
    ours, clear = percentile(cases.times(found, name), percent), percentile(cases.clear_times(found), percent)
    if ours is None or clear is None:
        return Cell(NOTHING)
    excess_ms = ours.value - clear.value
    return Cell(f"{excess_ms:+.0f}", judged(excess_ms <= most_ms) if _has_goals(found) else None)


def _more_missed(found: list[Case]) -> Cell:
    clear = cases.clear_missed(found)
    if clear is None:
        return Cell(NOTHING)
    excess = cases.missed(found).percent - clear.percent
    most = min((MOST_MISSED_EXCESS.get(level, math.inf) for level in cases.levels(found)), default=math.inf)
    return Cell(f"{excess:+.1f}", judged(excess <= most) if _has_goals(found) else None)


def _has_goals(found: list[Case]) -> bool:
    """They are stated for users of some levels."""
    return all(case.scene.kind is Kind.USER and case.scene.ser_db in MOST_MISSED_EXCESS for case in found)


def _false(results: Results) -> Table:
    rows = []
    for kind, most in MOST_STOPS.items():
        found = cases.of_kind(results, kind)
        groups = cases.by_group(found)
        for group, some in groups.items():
            rows.append(_false_row(group, some, most))
        if len(groups) > 1:
            rows.append(_false_row(f"{_ALL} {kind.value}", found, most))
    columns = ("Nobody speaks to it", "Hours", "Stops", "Per hour", "95 % bound", "Ducks", "Per hour", "95 % bound")
    note = (
        "While an answer plays and nobody means it: how often it stops, and how often it only gets softer for a moment. The "
        "bound is what the true rate is below, with 95 % confidence."
    )
    return Table("False stops and false ducks", note, columns, tuple(rows))


def _false_row(name: str, found: list[Case], most_stops: float) -> tuple[Cell, ...]:
    stops, ducks = cases.stops(found), cases.ducks(found)
    verdict: Verdict | None = rate_verdict(stops, most_stops) if stops.hours else None
    return row(
        name,
        hours(stops),
        f"{stops.events}",
        per_hour(stops.per_hour),
        Cell(per_hour(stops.upper), verdict),
        f"{ducks.events}",
        per_hour(ducks.per_hour),
        per_hour(ducks.upper),
    )


def _harmless(results: Results) -> Table:
    rows = []
    for kind in (Kind.BACKCHANNEL, Kind.COUGH, Kind.SOUND):
        for group, found in cases.by_group(cases.of_kind(results, kind)).items():
            rows.append(_harmless_row(group, found, MOST_COMMITTED.get(kind)))
    columns = ("Sound", "n", "Ends the answer", "Only pauses it", "Of these go on", "After p50, ms", "After p95, ms")
    note = (
        "Sounds with which nobody means it. It may pause; then it has to go on by itself. The time counts from the end of the "
        "sound to where it goes on for good; 0 if that is before the end. In brackets 95 % intervals."
    )
    return Table("Backchannels, coughs and other sounds", note, columns, tuple(rows))


def _harmless_row(group: str, found: list[Case], most_committed: float | None) -> tuple[Cell, ...]:
    committed = cases.ended(found)
    paused = [case for case in found if case.outcome.commit_ms is None and _paused(case)]
    resumed = share(case.outcome.resume_ms is not None for case in paused)
    at_ms = cases.times(paused, "resume_ms")
    late = percentile(at_ms, 95)
    return row(
        group,
        f"{len(found)}",
        Cell(percent_of(committed), judged(committed.percent <= most_committed) if most_committed is not None else None),
        f"{len(paused)}",
        Cell(short_percent(resumed), judged(resumed.count == resumed.of) if resumed.of else None),
        ms(at_ms, 50),
        Cell(ms(at_ms, 95), judged(late.value <= LATEST_RESUME_MS) if late is not None else None),
    )


def _paused(case: Case) -> bool:
    """What went on had been paused, too."""
    return case.outcome.silent_ms is not None or case.outcome.resume_ms is not None


def _words(results: Results) -> Table:
    rows = tuple(
        row(group, f"{len(found)}", Cell(percent_of(ended), judged(ended.percent >= LEAST_WORDS)))
        for group, found in cases.by_group(cases.of_kind(results, Kind.WORD)).items()
        if (ended := cases.ended(found)).of
    )
    note = 'Short commands ("stop", "no", "wait") after which the answer is over, with 95 % interval.'
    return Table("One-word commands", note, ("Words", "n", "End the answer"), rows)
