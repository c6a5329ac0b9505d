"""What is read off a run, against the records themselves."""

from copy import copy
from dataclasses import replace

import numpy as np
import pytest

from satellite.bench.judge import CARRIED_OUT_MS, of_yields
from satellite.bench.measure import outcome
from satellite.bench.rules import Yields
from satellite.bench.run import Run
from satellite.bench.scene import Scene
from satellite.bench.stage import Told
from satellite.bench.tracing import clear_ms, counted, trace
from satellite.core import actions as act
from satellite.core import events as ev
from satellite.core.state import Why
from satellite.core.units import RATE_HZ, frames
from satellite.detect.silero import SileroVad
from tests.bench.played import ALONE, COUGH, FAR, USER, ours, plain, setting


@pytest.mark.parametrize("scene", [USER, FAR], ids=["near", "far"])
def test_a_barge_in_is_measured_to_the_sample(scene: Scene) -> None:
    """It ducks, falls silent, and is over, in this order; after the last loud sample there is none that is not silence."""
    found = outcome(ours(scene), plain(scene))
    onset = ours(scene).onset
    assert onset is not None and found.duck_ms is not None and found.silent_ms is not None and found.commit_ms is not None
    assert 0 < found.duck_ms <= found.silent_ms < found.commit_ms
    given = ours(scene).room.given.between(onset, ours(scene).end)
    silent = round(found.silent_ms * RATE_HZ / 1000)
    reply = setting(scene).replies[-1].astype(np.float64)
    assert np.abs(given[silent:]).max(initial=0) <= 0.01 * np.sqrt(np.mean(reply**2))
    assert (found.stale, found.lost_ms, found.stops) == (0, 0.0, 0)
    assert found.position_error_ms is not None and abs(found.position_error_ms) < 1.0


def test_a_cough_pauses_the_reply() -> None:
    """Nobody was interrupted, and when it has ended the reply goes on already."""
    found = outcome(ours(COUGH), plain(COUGH))
    assert (found.commit_ms, found.resume_ms, found.stale) == (None, 0.0, 0)
    assert found.silent_ms is not None


def test_a_cough_that_pauses_twice_counts_until_the_reply_goes_on_for_good() -> None:
    """Not until the first of both, which was while it lasted; and between hold and resume nothing sounds, both times."""
    scene = replace(COUGH, seed=2)
    run_ = ours(scene)
    holds, resumes = _pauses(run_)
    assert len(holds) == len(resumes) == 2 and run_.said is not None and resumes[0] < run_.said.end_frame
    found = outcome(run_, plain(scene))
    assert found.resume_ms is not None and found.stale == 0
    goes_on = run_.said.end_frame + round(found.resume_ms * RATE_HZ / 1000)
    assert resumes[1] < goes_on <= resumes[1] + frames(60)
    assert run_.room.given.between(goes_on, goes_on + 1).any()


def test_a_pause_that_does_not_end_is_no_resume() -> None:
    """Though one before it did; and who sounds in it is stale."""
    run_ = ours(COUGH)
    _, (resumed,) = _pauses(run_)
    stage = copy(run_.stage)
    _, held = next(stage.all_told(ev.Held))
    # as if it had been held again, and had played on nevertheless
    stage.told = [*stage.told, Told(resumed + frames(300), held)]
    found = outcome(replace(run_, stage=stage), plain(COUGH))
    assert found.resume_ms is None and found.stale > RATE_HZ // 10


def _pauses(of: Run) -> tuple[list[int], list[int]]:
    """When the reply was held, and when taken up again."""
    changes = [(at, change.why) for at, change in of.stage.all_told(act.Become)]
    return [at for at, _ in of.stage.all_told(ev.Held)], [at for at, why in changes if why is Why.FALSE_ALARM]


def test_where_nobody_speaks_hours_are_counted() -> None:
    """Of both replies; and what happened in them."""
    found = outcome(ours(ALONE), ours(ALONE))
    assert (found.ducks, found.stops, found.silent_ms) == (0, 0, None)
    assert found.hours == pytest.approx(2 * len(setting(ALONE).replies[0]) / RATE_HZ / 3600)


def test_a_trace_is_what_the_detectors_said() -> None:
    """Signals of one length, the reference as it reaches the microphone, every window of one detector, on both signals."""
    given = trace(plain(USER))
    assert len(given.near) == len(given.clean) == len(given.far)
    assert set(np.diff(given.windows.ends)) == {512}
    assert len(given.windows.ends) == len(given.windows.clean) == len(given.windows.raw)
    detector = SileroVad(hop_ms=32)
    raw = [p for at in range(0, len(given.near), 160) if (p := detector.feed(given.near[at : at + 160])) is not None]
    assert np.allclose(given.windows.raw, raw[: len(given.windows.raw)])
    told = {w.end // 256 * 256: w.probability for _, w in plain(USER).stage.all_told(ev.VoiceWindow)}
    assert [told[end] for end in given.windows.ends.tolist()] == given.windows.clean.tolist()
    loud = np.abs(given.far) > 300
    assert np.corrcoef(given.far[loud], given.near[loud])[0, 1] > 0.5
    assert given.reply_end - given.reply_begin == len(setting(USER).replies[-1])


def test_without_echo_a_user_is_clear() -> None:
    """One window of the voice detector, soon after his first sound."""
    found = clear_ms(plain(USER))
    assert found is not None and 0 < found < 300


def test_another_rules_decision_costs_what_ours_costs() -> None:
    """The first after the onset counts, those before it are false; without a user all are, but only while a reply plays."""
    onset = plain(USER).onset
    assert onset is not None
    spans = counted(plain(USER))
    found = of_yields(plain(USER), spans, Yields((onset - 1600, onset + 1600, onset + 4800)))
    assert found.silent_ms == found.commit_ms == found.duck_ms == 100 + CARRIED_OUT_MS
    assert found.stops == 1
    spans = counted(plain(ALONE))
    between = (spans[0][1] + spans[1][0]) // 2
    told = (spans[0][0] + 1, between, spans[1][1])
    assert of_yields(plain(ALONE), spans, Yields(told, told)).stops == 2
    assert of_yields(plain(ALONE), spans, Yields()).hours == pytest.approx(outcome(ours(ALONE), ours(ALONE)).hours)


def test_a_rule_that_takes_the_reply_up_again_has_not_ended_it() -> None:
    """It has paused it."""
    run, onset = plain(USER), plain(USER).onset
    assert onset is not None and run.said is not None
    found = of_yields(run, counted(run), Yields((onset + 1600,), (), (run.said.end_frame + 32_000,)))
    assert found.commit_ms is None
    assert found.resume_ms == 2000.0
