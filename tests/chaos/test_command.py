"""A few minutes of it; hours are for the command."""

import json

import pytest

from satellite.audio import back_off
from satellite.chaos.command import play
from satellite.chaos.faults import FAULTS, Kind
from satellite.chaos.report import as_data, as_text
from satellite.cli import main

_UNPLUGGED = [fault for fault in FAULTS if fault.name == "unplugged"]


def test_everything_holds_and_the_same_seed_tells_the_same_story() -> None:
    """To the hundredth of a second."""
    first, second = (play(0.4, 4) for _ in range(2))
    assert first.tally.failures == [] and first.tally.episodes > 0
    told = [as_data(outcome.tally, 0.4, 4, outcome.log) for outcome in (first, second)]
    assert told[0] == told[1]


def test_a_satellite_that_does_not_come_back_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    """The report has all that it takes to see it again."""
    monkeypatch.setattr(back_off, "FIRST_RETRY_S", 30.0)
    monkeypatch.setattr(back_off, "LONGEST_RETRY_S", 60.0)
    outcome = play(1.0, 1, _UNPLUGGED)
    (failure, *_) = outcome.tally.failures
    assert "in unplugged: not within" in failure
    text = as_text(outcome.tally, 1.0, 1, outcome.log)
    assert failure in text and "sound device lost" in text
    assert text.endswith("satellite chaos --minutes 1 --seed 1")


def test_the_command_tells_a_line_for_each_fault(capsys: pytest.CaptureFixture[str]) -> None:
    """And says by its exit code whether all held."""
    assert main(["chaos", "--minutes", "0.1", "--seed", "2", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["failures"] == [] and told["seed"] == 2
    assert set(told["faults"]) <= {fault.name for fault in FAULTS}


def test_faults_are_named_once_and_every_kind_is_there() -> None:
    """By their names they are told apart."""
    assert len({fault.name for fault in FAULTS}) == len(FAULTS)
    assert {fault.kind for fault in FAULTS} == set(Kind)
