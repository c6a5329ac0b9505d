"""When an early answer is the answer."""

import pytest

from satellite.core.preemptive import SIMILAR, Preemptive, is_used, overlap

EARLY = "turn on the light in the kitchen"


@pytest.mark.parametrize(
    ("other", "share"),
    [
        (EARLY, 1.0),
        ("Turn on the light, in the kitchen!", 1.0),
        ("turn on the light in the kitchen please", 7 / 8),
        ("turn on the light", 4 / 7),
        ("the the the the the the the", 2 / 7),
        ("what time is it", 0.0),
        ("", 0.0),
    ],
)
def test_the_overlap_counts_words_once_each(other: str, share: float) -> None:
    """Of the longer text's; case and punctuation are speech-to-text's whims."""
    assert overlap(EARLY, other) == overlap(other, EARLY) == pytest.approx(share)


def test_nothing_is_like_nothing() -> None:
    """There is no answer to it."""
    assert overlap("", "") == 0.0


@pytest.mark.parametrize(
    ("strategy", "same", "similar", "other"),
    [
        (Preemptive.NEVER, False, False, False),
        (Preemptive.USE_IF_SIMILAR, True, True, False),
        (Preemptive.ALWAYS, True, True, True),
        (Preemptive.DISCARD, False, False, False),
    ],
)
def test_the_strategy_decides(strategy: Preemptive, same: bool, similar: bool, other: bool) -> None:
    """What was said at last may be the same, nearly so, or something else."""
    finals = (EARLY, f"{EARLY} please", "turn on the light")
    assert overlap(EARLY, finals[1]) >= SIMILAR > overlap(EARLY, finals[2])
    assert tuple(is_used(strategy, EARLY, final) for final in finals) == (same, similar, other)
