"""The goals of the design, and what was found: only those of which the results contain something.

For the user's latencies and misses the excess over the same scenes without echo is binding, and the absolute figure is an aim.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from satellite.bench import cases
from satellite.bench.cases import HEADLINE_SER_DB, Case
from satellite.bench.outcome import Results
from satellite.bench.scene import Kind
from satellite.bench.stats import Rate, Share, percentile
from satellite.bench.tables import Cell, Table, Verdict, judged, per_hour, rate_verdict, row, short_percent
from satellite.bench.versus import comparisons

# milliseconds from the user's first sound, at the headline's level: measure, percentile, aim, allowed excess over no echo
LATENCIES = (
    ("duck_ms", "answer is 20 dB down", 50, 80.0, 30.0),
    ("duck_ms", "answer is 20 dB down", 95, 250.0, None),
    ("silent_ms", "answer is silent", 50, 170.0, 100.0),
    ("silent_ms", "answer is silent", 95, 400.0, 150.0),
)
# percent of barge-ins that are missed in 1 s, whatever the level, and with a noise that the user is louder than by so much
MOST_MISSED, MOST_MISSED_IN_NOISE, LEAST_SNR_DB = 5.0, 10.0, 6.0
# points more than without echo, by the speech-to-echo ratio
MOST_MISSED_EXCESS = {0.0: 3.0, HEADLINE_SER_DB: 6.0}
# percent of one-word commands
LEAST_WORDS = 90.0
# an hour, with 95 % confidence
MOST_STOPS = {Kind.ECHO: 0.3, Kind.BACKGROUND: 2.0}
# percent that end the reply; and for how long it may be paused after the sound
MOST_COMMITTED = {Kind.COUGH: 5.0, Kind.BACKCHANNEL: 15.0}
LATEST_RESUME_MS = 700.0
# percent of turns that lose any of the user's words
MOST_LOST = 0.1
MOST_POSITION_ERROR_MS = 10.0

_NAMES = {
    Kind.ECHO: "False stops per hour, only its own voice to hear",
    Kind.BACKGROUND: "False stops per hour, TV or music on",
    Kind.COUGH: "Coughs that end the answer",
    Kind.BACKCHANNEL: '"Mm-hm" and the like that end the answer',
}


@dataclass(frozen=True, slots=True)
class Goal:
    """One line of the design's table."""

    measure: str
    goal: str
    found: str
    verdict: Verdict
    is_binding: bool = True


def goals(results: Results) -> list[Goal]:
    """In the order of the design."""
    users = cases.of_kind(results, Kind.USER)
    return [
        *_latencies(cases.headline(users)),
        *_missed(users),
        *_words(results),
        *_false_stops(results),
        *_harmless(results),
        *_exactness(cases.of_kind(results, *Kind)),
        *_ahead(results),
    ]


def goals_table(found: list[Goal]) -> Table:
    """For the terminal and the report."""
    note = (
        f"SER: the user's speech over the answer's echo, at the microphone. Latencies count from the user's first sound, "
        f"at SER {HEADLINE_SER_DB:.0f} dB in a quiet room, in the middle of an answer. The excess is over the same scenes "
        f"without echo, heard by one window of the voice detector: it binds, the absolute figure is an aim. Rates are their "
        f"95 % upper bounds."
    )
    rows = tuple(row(g.measure, g.goal + ("" if g.is_binding else " (aim)"), Cell(g.found, g.verdict)) for g in found)
    return Table("Goals", note, ("Measure", "Goal", "Found"), rows)


def _latencies(users: list[Case]) -> Iterator[Goal]:
    clear = cases.clear_times(users)
    for name, what, percent, aim_ms, most_excess_ms in LATENCIES:
        found = percentile(cases.times(users, name), percent)
        if found is None:
            continue
        measure = f"Until the {what}, p{percent}"
        yield Goal(measure, f"<= {aim_ms:.0f} ms", f"{found.value:.0f} ms", judged(found.value <= aim_ms), is_binding=False)
        reference = percentile(clear, percent)
        if reference is not None and most_excess_ms is not None:
            excess_ms = found.value - reference.value
            goal = f"<= {most_excess_ms:.0f} ms more than without echo"
            yield Goal(measure, goal, f"{excess_ms:+.0f} ms", judged(excess_ms <= most_excess_ms))


def _missed(users: list[Case]) -> Iterator[Goal]:
    for ser_db, most_excess in MOST_MISSED_EXCESS.items():
        here = cases.at_level(cases.in_quiet(users), ser_db)
        if not here:
            continue
        measure, found = f"Users not heard in 1 s, SER {ser_db:.0f} dB", cases.missed(here)
        yield _at_most(measure, found, MOST_MISSED, is_binding=False)
        reference = cases.clear_missed(here)
        if reference is not None:
            excess = found.percent - reference.percent
            goal = f"<= {most_excess:.0f} points more than without echo"
            yield Goal(measure, goal, f"{excess:+.1f} points", judged(excess <= most_excess))
    over_noise = [case for case in users if _is_tv_or_music(case) and _snr_db(case) >= LEAST_SNR_DB]
    if over_noise:
        measure = f"Users not heard in 1 s, {LEAST_SNR_DB:.0f} dB or more over TV or music"
        yield _at_most(measure, cases.missed(over_noise), MOST_MISSED_IN_NOISE)


def _is_tv_or_music(case: Case) -> bool:
    """By the name of the recording that was on."""
    return case.scene.noise is not None and Path(case.scene.noise).stem.startswith(("tv", "music"))


def _snr_db(case: Case) -> float:
    """What has no level of its own is not above anything."""
    return case.scene.snr_db if case.scene.snr_db is not None else float("-inf")


def _words(results: Results) -> Iterator[Goal]:
    found = cases.ended(cases.of_kind(results, Kind.WORD))
    if found.of:
        verdict = judged(found.percent >= LEAST_WORDS)
        yield Goal("One-word commands that end the answer", f">= {LEAST_WORDS:.0f} %", _counted(found), verdict)


def _false_stops(results: Results) -> Iterator[Goal]:
    for kind, most in MOST_STOPS.items():
        counted = cases.of_kind(results, kind)
        found = cases.stops([case for case in counted if kind is Kind.ECHO or _is_tv_or_music(case)])
        if found.hours:
            yield Goal(_NAMES[kind], f"<= {most:g}", _bound(found), rate_verdict(found, most))


def _harmless(results: Results) -> Iterator[Goal]:
    for kind, most in MOST_COMMITTED.items():
        found = cases.ended(cases.of_kind(results, kind))
        if found.of:
            yield _at_most(_NAMES[kind], found, most)
    late = percentile(cases.times(cases.of_kind(results, *MOST_COMMITTED), "resume_ms"), 95)
    if late is not None:
        measure, verdict = "Answer goes on after those that do not, p95", judged(late.value <= LATEST_RESUME_MS)
        yield Goal(measure, f"<= {LATEST_RESUME_MS:.0f} ms", f"{late.value:.0f} ms", verdict)


def _exactness(everything: Sequence[Case]) -> Iterator[Goal]:
    lost = cases.lost(everything)
    if lost.of:
        yield _at_most("Turns that lose some of the user's words", lost, MOST_LOST)
    errors = [abs(error) for error in cases.times(everything, "position_error_ms")]
    if errors:
        goal, verdict = f"<= {MOST_POSITION_ERROR_MS:.0f} ms", judged(max(errors) <= MOST_POSITION_ERROR_MS)
        yield Goal("Error of the spoken position, largest", goal, f"{max(errors):.1f} ms", verdict)
    if everything:
        stale = sum(case.outcome.stale for case in everything)
        yield Goal("Samples that sound after a stop", "0", f"{stale}", judged(stale == 0))


def _ahead(results: Results) -> Iterator[Goal]:
    known = comparisons(results)
    if known:
        found = f"{sum(ahead.is_ahead for ahead in known)} of {len(known)}"
        goal, verdict = "all", judged(all(ahead.is_ahead for ahead in known))
        yield Goal("Other rules that ours is ahead of, on misses and false stops", goal, found, verdict)


def _at_most(measure: str, found: Share, most: float, is_binding: bool = True) -> Goal:
    return Goal(measure, f"<= {most:g} %", _counted(found), judged(found.percent <= most), is_binding)


def _counted(found: Share) -> str:
    return f"{short_percent(found)} ({found.count} of {found.of})"


def _bound(rate: Rate) -> str:
    return f"<= {per_hour(rate.upper)} ({rate.events} in {rate.hours:.1f} h)"
