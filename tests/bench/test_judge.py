"""A rule of another system, made up for the purpose, is judged by where it stops."""

from collections.abc import Callable

import numpy as np
import pytest

from satellite.bench import judge as judging
from satellite.bench.judge import CARRIED_OUT_MS, judge
from satellite.bench.rules import Rule, Yields
from satellite.bench.trace import Trace
from satellite.bench.tracing import counted
from tests.bench.played import ALONE, USER, plain


def _stops_at(*frames: int) -> Rule:
    """With threshold 1 at all of these frames, with 2 never."""

    def listen(_: Trace) -> Callable[[float], Yields]:
        return lambda threshold: Yields(frames if threshold == 1.0 else ())

    return Rule(name="made up", source="nobody", means="nothing", threshold=1.0, sweep=(1.0, 2.0), listen=listen)


def test_each_threshold_is_a_rule_and_the_sources_own_has_the_plain_name(monkeypatch: pytest.MonkeyPatch) -> None:
    """What a user hears of it comes later than its decision: the microphone's latency, the fade, the loudspeaker's."""
    onset = plain(USER).onset
    assert onset is not None
    begin = counted(plain(USER))[-1][0]
    monkeypatch.setattr(judging, "RULES", (_stops_at(begin - 1, begin + 1600, onset + 3200),))
    found = dict(judge(plain(USER)))
    assert list(found) == ["made up", "made up@2"]
    own, other = found["made up"], found["made up@2"]
    assert own.silent_ms == own.commit_ms == own.duck_ms == 200 + CARRIED_OUT_MS
    assert own.stops == 1, "before the reply there is nothing to stop"
    assert (other.silent_ms, other.commit_ms, other.stops) == (None, None, 0)
    assert own.hours == pytest.approx((onset - begin) / 16_000 / 3600)


def test_where_nobody_speaks_stops_count_in_replies_only(monkeypatch: pytest.MonkeyPatch) -> None:
    """Before, between and after them nothing plays."""
    (a, b), (c, d) = counted(plain(ALONE))
    monkeypatch.setattr(judging, "RULES", (_stops_at(a, a + 1, b + 1, c, c + 1, d, d + 1),))
    found = dict(judge(plain(ALONE)))["made up"]
    assert found.stops == 3
    assert found.hours == pytest.approx(np.sum([b - a, d - c]) / 16_000 / 3600)
