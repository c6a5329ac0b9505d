"""What is counted: the outcomes of one rule in scenes of a kind, and the measures that tables, goals and curves share."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from satellite.bench.outcome import OURS, Outcome, Results
from satellite.bench.scene import Kind, Scene
from satellite.bench.stats import Rate, Share, share

# whoever is not heard by then says it again ...
SOON_MS = 1000.0
# ... and whoever is not by then gives up
LATE_MS = 2000.0

# at which the goals are stated: a loudspeaker at the microphone, and a user who is softer
HEADLINE_SER_DB = -10.0

# after the name of a rule, before the value of a threshold that is not its default
SWEPT = "@"


@dataclass(frozen=True, slots=True)
class Case:
    """A scene, what one rule made of it, and when one window of the voice detector was sure without any echo."""

    scene: Scene
    outcome: Outcome
    clear_ms: float | None


def of_kind(results: Results, *kinds: Kind, rule: str = OURS, beside: str | None = None) -> list[Case]:
    """Those that the rule was played; beside another, those that both were."""
    return [
        Case(played.scene, played.outcomes[rule], played.clear_ms)
        for played in results.played
        if played.scene.kind in kinds and rule in played.outcomes and (beside is None or beside in played.outcomes)
    ]


def by_group(found: Iterable[Case]) -> dict[str, list[Case]]:
    """In the order in which groups first appear."""
    groups: dict[str, list[Case]] = {}
    for case in found:
        groups.setdefault(case.scene.group, []).append(case)
    return groups


def rules(results: Results) -> list[str]:
    """All names, in order; ours before the others."""
    names = dict.fromkeys(name for played in results.played for name in played.outcomes)
    return sorted(names, key=lambda name: family(name) != OURS)


def family(rule: str) -> str:
    """Its name without the value of a threshold."""
    return rule.split(SWEPT, 1)[0]


def levels(found: Iterable[Case]) -> list[float]:
    """The speech-to-echo ratios that occur, the easiest first."""
    return sorted({case.scene.ser_db for case in found}, reverse=True)


def at_level(found: Iterable[Case], ser_db: float) -> list[Case]:
    """Where the user is so loud."""
    return [case for case in found if case.scene.ser_db == ser_db]


def in_quiet(users: Iterable[Case]) -> list[Case]:
    """Where nothing is unusual but who speaks, where, and how loud: what latencies are stated for."""
    return [case for case in users if case.scene.is_ordinary]


def headline(users: Iterable[Case]) -> list[Case]:
    """In quiet, at the level at which the goals are stated."""
    return at_level(in_quiet(users), HEADLINE_SER_DB)


def times(found: Iterable[Case], name: str) -> list[float]:
    """A latency of the outcome, where it came to that; in ms."""
    return [at for case in found if (at := getattr(case.outcome, name)) is not None]


def clear_times(found: Iterable[Case]) -> list[float]:
    """What one window of the voice detector takes without echo, where it was ever sure; in ms."""
    return [case.clear_ms for case in found if case.clear_ms is not None]


def missed(found: Iterable[Case], within_ms: float = SOON_MS) -> Share:
    """The reply was not silent by then."""
    return share(_is_late(case.outcome.silent_ms, within_ms) for case in found)


def clear_missed(found: Sequence[Case], within_ms: float = SOON_MS) -> Share | None:
    """The same of the reference without echo; None if it was not taken."""
    if not clear_times(found):
        return None
    return share(_is_late(case.clear_ms, within_ms) for case in found)


def ended(found: Iterable[Case]) -> Share:
    """The reply was over, and not only paused."""
    return share(case.outcome.commit_ms is not None for case in found)


def lost(found: Iterable[Case]) -> Share:
    """Some of the user's words would be missing at the server; of those of whom anything would be sent."""
    return share(at > 0 for at in times(found, "lost_ms"))


def stops(found: Sequence[Case]) -> Rate:
    """All of them false."""
    return Rate(sum(case.outcome.stops for case in found), math.fsum(case.outcome.hours for case in found))


def ducks(found: Sequence[Case]) -> Rate:
    """All of them false."""
    return Rate(sum(case.outcome.ducks for case in found), math.fsum(case.outcome.hours for case in found))


def _is_late(at_ms: float | None, within_ms: float) -> bool:
    return at_ms is None or at_ms > within_ms
