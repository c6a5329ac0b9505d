"""All rules beside each other, on the same scenes."""

from dataclasses import dataclass

from satellite.bench import cases
from satellite.bench.cases import SWEPT
from satellite.bench.outcome import OURS, Results
from satellite.bench.scene import Kind
from satellite.bench.stats import Rate, Share
from satellite.bench.tables import NOTHING, Cell, Table, bounded, judged, per_hour, percent_of, row, short_ms, short_percent


@dataclass(frozen=True, slots=True)
class Point:
    """A rule in the plane of its two faults."""

    rule: str
    missed: Share
    """Users, in 1 s."""
    stops: Rate


@dataclass(frozen=True, slots=True)
class Ahead:
    """How we compare with a rule: None where no point of ours is as good as it in the other thing."""

    theirs: Point
    missed_percent: float | None
    """Our fewest misses at no more false stops than theirs ..."""
    stops_per_hour: float | None
    """... and our fewest false stops at no more misses."""

    @property
    def is_ahead(self) -> bool:
        """Better in one, and in neither worse."""
        if self.missed_percent is None or self.stops_per_hour is None:
            return False
        return self.missed_percent < self.theirs.missed.percent or self.stops_per_hour < self.theirs.stops.per_hour


def points(results: Results, noisy: bool = False) -> list[Point]:
    """Of every rule and each of its thresholds that met a user and had time to err: in quiet, or with noise on."""
    found = (_point(results, rule, noisy) for rule in cases.rules(results))
    return [point for point in found if point is not None]


def _point(results: Results, rule: str, noisy: bool = False, beside: str | None = None) -> Point | None:
    users = [
        case for case in cases.of_kind(results, Kind.USER, rule=rule, beside=beside) if (case.scene.noise is not None) == noisy
    ]
    stops = cases.stops(cases.of_kind(results, Kind.BACKGROUND if noisy else Kind.ECHO, rule=rule, beside=beside))
    return Point(rule, cases.missed(users), stops) if users and stops.hours else None


def baselines(results: Results) -> list[str]:
    """The rules of others, as they come."""
    return [rule for rule in cases.rules(results) if SWEPT not in rule and rule != OURS]


def comparisons(results: Results) -> list[Ahead]:
    """With every rule of others, in quiet, on the scenes that it was played; none if we are not there."""
    mine = [rule for rule in cases.rules(results) if cases.family(rule) == OURS]
    found = []
    for rule in baselines(results):
        theirs = _point(results, rule)
        ours = [point for name in mine if (point := _point(results, name, beside=rule)) is not None]
        if theirs is not None and ours:
            found.append(_compared(ours, theirs))
    return found


def _compared(ours: list[Point], theirs: Point) -> Ahead:
    as_quiet = [point.missed.percent for point in ours if point.stops.per_hour <= theirs.stops.per_hour]
    as_keen = [point.stops.per_hour for point in ours if point.missed.percent <= theirs.missed.percent]
    return Ahead(theirs, min(as_quiet, default=None), min(as_keen, default=None))


def versus_tables(results: Results) -> list[Table]:
    """None if there is only one rule."""
    names = [OURS, *baselines(results)]
    if len(names) < 2:
        return []
    tables = [_keen(results, names), _calm(results, names), _ahead(results)]
    return [table for table in tables if table.rows]


def _keen(results: Results, names: list[str]) -> Table:
    users = {name: cases.of_kind(results, Kind.USER, rule=name) for name in names}
    levels = cases.levels(case for found in users.values() for case in found)
    rows = tuple(
        row(
            name,
            *(percent_of(cases.missed(cases.at_level(found, level))) for level in levels),
            short_ms(cases.times(found, "silent_ms"), 50),
            short_ms(cases.times(found, "silent_ms"), 95),
        )
        for name, found in users.items()
        if found
    )
    columns = ("Rule", *(f"SER {level:.0f} dB" for level in levels), "Silent p50, ms", "p95, ms")
    note = (
        "Users whom the answer was not silent for in 1 s, with 95 % interval, by their speech over its echo; and how long it "
        "took in the scenes in which it became silent."
    )
    return Table("All rules: whom they do not hear", note, columns, rows)


def _calm(results: Results, names: list[str]) -> Table:
    def stops(name: str, kind: Kind) -> str:
        return bounded(cases.stops(cases.of_kind(results, kind, rule=name)))

    def ended(name: str, kind: Kind) -> str:
        return short_percent(cases.ended(cases.of_kind(results, kind, rule=name)))

    harmless = (Kind.BACKCHANNEL, Kind.COUGH, Kind.SOUND)
    rows = tuple(
        row(
            name,
            stops(name, Kind.ECHO),
            stops(name, Kind.BACKGROUND),
            ended(name, Kind.WORD),
            *(ended(name, kind) for kind in harmless),
        )
        for name in names
    )
    columns = ("Rule", "Stops/h, echo only", "TV or music on", "Words end it", "Backchannels", "Coughs", "Other sounds")
    note = (
        "False stops per hour of answer, in brackets with their 95 % upper bound; and what ends the answer for good: one-word "
        "commands should, backchannels, coughs and other sounds should not."
    )
    return Table("All rules: what fools them", note, columns, rows)


def _ahead(results: Results) -> Table:
    rows = []
    for ahead in comparisons(results):
        verdict = judged(ahead.is_ahead)
        ours_missed = NOTHING if ahead.missed_percent is None else f"{ahead.missed_percent:.1f} %"
        ours_stops = NOTHING if ahead.stops_per_hour is None else per_hour(ahead.stops_per_hour)
        theirs = (short_percent(ahead.theirs.missed), per_hour(ahead.theirs.stops.per_hour))
        rows.append(row(ahead.theirs.rule, theirs[0], Cell(ours_missed, verdict), theirs[1], Cell(ours_stops, verdict)))
    columns = ("Rule", "Misses", "Ours at no more stops", "Stops/h", "Ours at no more misses")
    note = (
        "All users in quiet, and echo only, in the scenes that the rule was played: the fewest misses in 1 s of any threshold of "
        "ours that stops falsely no more often than the rule, and the fewest false stops of any that misses no more users. "
        f"{NOTHING}: none does."
    )
    return Table("Ours against each rule", note, columns, tuple(rows))
