"""The probe in its closed loop: what it decides is heard by itself."""

import numpy as np

from satellite.bench.probe import ProbeRule
from satellite.bench.probing import _Prober
from satellite.bench.run import Run, run
from satellite.core.say import Allow
from tests.bench.played import USER, plain, setting

# no probability is above one; any is above zero, and any level above a margin of a thousand decibels below
NEVER = ProbeRule(probability=2.0, faint_probability=2.0)
ALWAYS = ProbeRule(probability=0.0, duck_margin_db=-1000.0, hit_margin_db=1000.0)


def _played(rule: ProbeRule) -> tuple[Run, _Prober]:
    prober = _Prober(setting(USER), rule, is_raw=True)
    return run(setting(USER), Allow.NONE, plain(USER).plays, prober.on_step), prober


def test_a_probe_that_never_ducks_changes_nothing() -> None:
    """To the last bit, at the loudspeaker and at the microphone."""
    played, prober = _played(NEVER)
    assert (prober.ducks, prober.stops) == ([], [])
    assert played.end == plain(USER).end and played.plays == plain(USER).plays
    for tape in ("given", "heard"):
        one, other = (getattr(of.room, tape).between(0, of.end) for of in (played, plain(USER)))
        assert np.array_equal(one, other), tape


def test_a_probe_that_always_ducks_is_heard_20_db_lower() -> None:
    """After the period, the queue and the ramp, until it has failed; it never stops, as nothing is a hit."""
    played, prober = _played(ALWAYS)
    assert prober.stops == []
    assert np.array_equal(played.room.given.between(0, prober.ducks[0]), plain(USER).room.given.between(0, prober.ducks[0]))
    # it fails after eight windows of 512; before that its duck is heard for a while, where the reply makes a sound
    gains = []
    for at in prober.ducks:
        given, meant = (of.room.given.between(at + 1600, at + 3200).astype(np.float64) for of in (played, plain(USER)))
        if meant @ meant > 1600 * 300.0**2:
            gains.append(20 * np.log10(given @ meant / (meant @ meant)))
    assert len(gains) >= 3
    assert np.allclose(gains, -20.0, atol=0.5)
