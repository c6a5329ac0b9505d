"""Other rules on a run that played on: what would have come of it, had they decided."""

from bisect import bisect_right
from collections.abc import Iterator

from satellite.audio.player import STOP_FADE_MS
from satellite.bench.cases import SWEPT
from satellite.bench.outcome import Outcome
from satellite.bench.rules import RULES, Yields
from satellite.bench.run import Run
from satellite.bench.tracing import counted, trace
from satellite.core.units import RATE_HZ

# What a decision costs until it can be heard is the same for all: the microphone's own latency, the fade, and the loudspeaker's.
_MICROPHONE_MS, _LOUDSPEAKER_MS = 6.0, 1.0
CARRIED_OUT_MS = _MICROPHONE_MS + STOP_FADE_MS + _LOUDSPEAKER_MS


def judge(plain: Run) -> Iterator[tuple[str, Outcome]]:
    """Every rule by its name, and with other thresholds by the name with the threshold behind it."""
    given = trace(plain)
    spans = counted(plain)
    for rule in RULES:
        for threshold, told in rule.curve(given):
            name = rule.name if threshold == rule.threshold else f"{rule.name}{SWEPT}{threshold:g}"
            yield name, of_yields(plain, spans, told)


def of_yields(plain: Run, spans: list[tuple[int, int]], told: Yields) -> Outcome:
    """What came of a rule that gave way at these frames."""
    onset = plain.onset
    if onset is None:
        hours = sum(end - begin for begin, end in spans) / RATE_HZ / 3600
        return Outcome(ducks=_within(told.ducks, spans), stops=_within(told.stops, spans), hours=hours)
    before = [(spans[0][0], onset)]
    silent_ms = _first_ms(told.stops, onset)
    resumes = [at for at in told.resumes if at > onset]
    resume_ms = None
    if silent_ms is not None and resumes and plain.said is not None:
        resume_ms = (resumes[0] - plain.said.end_frame) * 1000 / RATE_HZ
    return Outcome(
        duck_ms=_first_ms(told.ducks or told.stops, onset),
        silent_ms=silent_ms,
        # a rule that never takes up a reply again has ended it
        commit_ms=None if resumes else silent_ms,
        resume_ms=resume_ms,
        ducks=_within(told.ducks, before),
        stops=_within(told.stops, before),
        hours=max(onset - spans[0][0], 0) / RATE_HZ / 3600,
    )


def _within(at: tuple[int, ...], spans: list[tuple[int, int]]) -> int:
    return sum(1 for frame in at if any(begin < frame <= end for begin, end in spans))


def _first_ms(at: tuple[int, ...], onset: int) -> float | None:
    index = bisect_right(at, onset)
    return None if index == len(at) else (at[index] - onset) * 1000 / RATE_HZ + CARRIED_OUT_MS
