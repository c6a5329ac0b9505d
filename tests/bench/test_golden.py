"""A bench of one minute that fails when the rule gets worse. In virtual time, so its figures are the same every time.

The tolerances are for cancellers that choose their arithmetic by the processor; they are no room for getting worse.
"""

import statistics
from collections.abc import Sequence

import pytest

from satellite.bench.corpus import DEFAULT_CORPUS, Corpus, Half
from satellite.bench.outcome import OURS, Played
from satellite.bench.play import play
from satellite.bench.scene import Kind
from satellite.bench.suite import Size, scenes
from satellite.core.sensitivity import PROFILES, Sensitivity

# what is played of the smallest suite; echo alone in the groups whose loudspeaker or path is not as it should be
GROUPS = {
    Kind.USER: ("SER +0 dB", "SER -10 dB", "SER -15 dB", "first answer after the start", "in its last 300 ms", "latency 120 ms"),
    Kind.ECHO: ("answers alone", "loudspeaker 5 % THD", "echo path +10 dB and back", "clocks 50 ppm apart"),
    Kind.COUGH: ("coughs, SER +0 dB", "coughs, SER -10 dB"),
}


@pytest.fixture(scope="module")
def played() -> Sequence[Played]:
    """All of them, under our rule."""
    corpus = Corpus(DEFAULT_CORPUS, Half.ALL)
    chosen = [s for s in scenes(corpus, Size.MINI, seed=1) if s.group in GROUPS.get(s.kind, ())]
    found = [play(scene, corpus, PROFILES[Sensitivity.NORMAL], with_others=False)[0] for scene in chosen]
    assert {one.scene.group for one in found} == {group for groups in GROUPS.values() for group in groups}
    return found


def test_users_are_heard(played: Sequence[Played]) -> None:
    """Each in half a second, and the answer is over within one and a half: but for one "stop", which is taken for a cough."""
    users = [one.outcomes[OURS] for one in played if one.scene.kind is Kind.USER]
    assert len(users) == 12
    assert all(user.silent_ms is not None and user.silent_ms <= 500 for user in users)
    assert sum(user.commit_ms is not None and user.commit_ms <= 1500 for user in users) >= 11


def test_users_are_heard_soon(played: Sequence[Played]) -> None:
    """Medians of three, which were 136, 203 and 218 ms."""
    for group, most_ms in (("SER +0 dB", 170), ("SER -10 dB", 240), ("SER -15 dB", 280)):
        found = [one.outcomes[OURS].silent_ms for one in played if one.scene.group == group]
        assert statistics.median(ms for ms in found if ms is not None) <= most_ms, group


def test_nothing_is_lost_or_stale(played: Sequence[Played]) -> None:
    """Not a word at the server, not a sample after the stop, not a millisecond of the position."""
    users = [one.outcomes[OURS] for one in played if one.scene.kind is Kind.USER]
    assert {user.lost_ms for user in users} <= {0.0, None}
    assert sum(user.stale for user in users) == 0
    assert all(abs(user.position_error_ms) < 1.0 for user in users if user.position_error_ms is not None)


def test_nobody_is_no_user(played: Sequence[Played]) -> None:
    """Our own voice never stops us, through a loudspeaker that distorts, over a path that jumps, with clocks that drift."""
    alone = [one.outcomes[OURS] for one in played if one.scene.kind is Kind.ECHO]
    assert sum(one.hours for one in alone) > 0.06
    assert sum(one.stops for one in alone) == 0
    # the path jumps five times
    assert sum(one.ducks for one in alone) <= 8


def test_a_cough_is_no_word(played: Sequence[Played]) -> None:
    """The answer goes on, soon."""
    coughs = [one.outcomes[OURS] for one in played if one.scene.kind is Kind.COUGH]
    assert len(coughs) == 2
    assert all(cough.commit_ms is None for cough in coughs)
    assert all(cough.resume_ms is None or cough.resume_ms <= 700 for cough in coughs)
