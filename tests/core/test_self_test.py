"""What a reply says of our own echo, on level traces."""

from collections.abc import Sequence
from dataclasses import replace

import pytest

from satellite.core.echo import Excess
from satellite.core.reflex import Reflex, ReflexRule, Verdict, hold, resume, step
from satellite.core.self_test import SHORTEST_MS, SelfTest, SelfTested
from satellite.core.units import PERIOD_MS, Decibels
from tests.core.levels import ECHO_LOSS_DB, ERLE_DB, Heard, Voice, listen, when

RULE = ReflexRule()


def _tested(story: Sequence[Heard], is_overlapped: bool = False) -> SelfTested:
    """The result of a reply that is held for as long as it is."""
    test = SelfTest()
    for heard in story:
        microphone_db = max(heard.seen.reference_db - ECHO_LOSS_DB, heard.seen.clean_db)
        test.add(heard.seen, microphone_db, heard.reflex, heard.verdict, RULE)
    result = test.result(is_overlapped)
    assert result is not None
    return result


def test_of_an_empty_room_it_tells_what_the_canceller_took_and_what_was_left() -> None:
    """Nobody spoke, and nothing was lowered."""
    tested = _tested(listen(5000))
    assert tested.erle_db == pytest.approx(ERLE_DB, abs=2.0)
    # the story's detector hears 2 of us
    assert (tested.watched_ms, tested.residual_db) == (5000, 2.0)
    assert tested.leak_db < -20.0
    assert (tested.false_sounds, tested.false_voices, tested.false_stops, tested.is_undisturbed) == (0, 0, 0, True)


def test_dips_for_a_sound_and_for_a_voice_are_told_apart() -> None:
    """A door; and an echo that the voice detector takes for a voice whenever the canceller fails."""
    door = _tested(listen(4000, Voice(2000, 500, 10.0, probability=0.05, voicing=0.2)))
    assert (door.false_sounds, door.false_voices, door.is_undisturbed) == (1, 0, True)
    story = listen(7000, echo_probability=0.9, erle_fails=True)
    echo = _tested(story)
    assert (echo.false_sounds, echo.false_voices) == (0, len(when(story, Verdict.UNDUCK))) and echo.false_voices > 0


def test_a_reply_that_somebody_held_is_his() -> None:
    """What it was held for may have been heard before; or at the end, or before it began."""
    user = Voice(2000, 1000, 0.0)
    assert not _tested(listen(4000, user)).is_undisturbed
    assert _tested(listen(4000)).is_undisturbed
    assert not _tested(listen(4000), is_overlapped=True).is_undisturbed
    story = list(listen(3000))
    story[0] = replace(story[0], reflex=hold(Reflex(), story[0].reflex.onset))
    assert not _tested(story).is_undisturbed


def test_a_hold_that_is_taken_up_again_was_a_false_stop() -> None:
    """Each once; while it is held nothing is watched."""
    test, reflex, held = SelfTest(), Reflex(), 0
    for heard in listen(6000, Voice(1000, 300, 0.0), Voice(4000, 300, 0.0)):
        seen = replace(heard.seen, is_playing=held == 0)
        reflex, verdict = step(reflex, seen, RULE)
        test.add(seen, -25.0, reflex, verdict, RULE)
        held = 1 if verdict is Verdict.HOLD else held + 1 if held else 0
        if held == 50:
            reflex, held = resume(reflex, seen.end, RULE), 0
    tested = test.result(is_overlapped=False)
    assert tested is not None
    # held from the period after the verdict to the 50th
    assert (tested.false_stops, tested.is_undisturbed, tested.watched_ms) == (2, False, 6000 - 2 * 49 * PERIOD_MS)


def test_of_a_short_reply_or_one_that_nobody_may_interrupt_it_tells_nothing() -> None:
    """There is too little of it."""
    test = SelfTest()
    for heard in listen(4000):
        seen = replace(heard.seen, is_playing=heard.at_ms < SHORTEST_MS)
        test.add(seen, -25.0, heard.reflex, heard.verdict, RULE)
    assert test.result(is_overlapped=False) is None


def test_without_echo_there_is_nothing_to_cancel() -> None:
    """A muted amplifier is no bad canceller; ducks are counted all the same."""
    test, reflex = SelfTest(), Reflex()
    for heard in listen(4000):
        reflex, verdict = step(reflex, replace(heard.seen, reference_db=Decibels(-90.0)), RULE)
        test.add(heard.seen, -60.0, reflex, verdict, RULE)
    tested = test.result(is_overlapped=False)
    assert tested is not None and (tested.erle_db, tested.residual_db) == (None, None)
    assert str(tested) == "4.0 s of reply, no echo, 0 false ducks"


@pytest.mark.parametrize(("loud_periods", "residual_db"), [(2, 3.0), (3, 15.0)])
def test_the_residual_is_exceeded_by_one_period_in_a_thousand(loud_periods: int, residual_db: float) -> None:
    """Of 20 seconds by two."""
    test, story = SelfTest(), listen(20_000)
    for n, heard in enumerate(story):
        seen = replace(heard.seen, near_end=Excess(15.7 if n >= len(story) - loud_periods else 3.2))
        test.add(seen, -25.0, heard.reflex, heard.verdict, RULE)
    tested = test.result(is_overlapped=False)
    # the first periods are before the echo
    assert tested is not None and tested.residual_db == residual_db


def test_an_excess_beyond_all_measure_is_counted_too() -> None:
    """In the last step."""
    test = SelfTest()
    for heard in listen(3000):
        test.add(replace(heard.seen, near_end=Excess(1e6)), -25.0, heard.reflex, Verdict.NONE, RULE)
    tested = test.result(is_overlapped=False)
    assert tested is not None and tested.residual_db == 255.0
