"""Results as JSON: nothing that counts is lost, and the same results are the same text."""

import json
from dataclasses import replace

import pytest

from satellite.bench.outcome import OURS, Outcome, Played
from satellite.bench.saved import as_json, from_json
from satellite.bench.scene import Kind, When
from satellite.bench.text import as_text
from satellite.errors import ConfigError
from tests.bench.made_up import full, results, scene

ODD = results(
    Played(
        scene(
            Kind.USER,
            "soft",
            ser_db=-10.123456789,
            when=When.LAST,
            clip="a.wav",
            noise="b.wav",
            snr_db=0.1,
            limiter=True,
            warm_up=False,
            path_changes=((1.5, 10.0), (3.0, None)),
        ),
        {OURS: Outcome(duck_ms=70.123456, silent_ms=0.0, position_error_ms=-3.0, stale=1), "gate@0.5": Outcome()},
        61.0,
    ),
    Played(scene(Kind.ECHO, "echo"), {OURS: Outcome(stops=1, ducks=2, hours=0.123456789)}),
)


def test_what_was_saved_is_what_was_found() -> None:
    """A scene exactly, for all follows from it; its outcome to a microsecond."""
    again = from_json(as_json(ODD))
    first, second = again.played
    assert first.scene == ODD.played[0].scene
    assert first.outcomes == {
        OURS: Outcome(duck_ms=70.123, silent_ms=0.0, position_error_ms=-3.0, stale=1),
        "gate@0.5": Outcome(),
    }
    assert (first.clear_ms, second.clear_ms) == (61.0, None)
    assert second.outcomes[OURS] == Outcome(stops=1, ducks=2, hours=0.12346)
    assert (again.corpus, again.half, again.suite, again.seed) == (ODD.corpus, ODD.half, ODD.suite, ODD.seed)
    assert (again.sound_s, again.took_s) == (7200.0, 0.0)


def test_the_same_run_is_the_same_text_however_long_it_took() -> None:
    """And what is read from it as well."""
    text = as_json(full(30))
    assert text == as_json(replace(full(30), took_s=1.0))
    assert as_json(from_json(text)) == text
    assert as_text(from_json(text)) == as_text(full(30))


def test_any_reader_of_json_can_read_it() -> None:
    """Nothing that is not a number; a line for each scene; the tables with their verdicts."""
    text = as_json(ODD)

    def refuse(constant: str) -> None:
        raise AssertionError(constant)

    read = json.loads(text, parse_constant=refuse)
    assert read["played"][0]["scene"]["path_changes"] == [[1.5, 10.0], [3.0, None]]
    assert sum(line.startswith('  {"scene"') for line in text.splitlines()) == 2
    stale = next(row for row in read["tables"][0]["rows"] if row[0]["text"] == "Samples that sound after a stop")
    assert stale[2] == {"text": "1", "verdict": "not met"}


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("{\n]", "line 2: not JSON"),
        ("[]", "not what satellite bench --json writes"),
        ("{}", "not what satellite bench --json writes"),
        ('{"played": [{"scene": 3}]}', "not what satellite bench --json writes"),
        (as_json(ODD).replace('"user"', '"usher"'), "Invalid enum value 'usher'"),
        (as_json(ODD).replace('"seed": 4,', '"seed": "four",'), "Expected `int`, got `str`"),
    ],
)
def test_anything_else_is_refused_with_the_reason(text: str, why: str) -> None:
    """As an operator's mistake."""
    with pytest.raises(ConfigError) as refused:
        from_json(text)
    assert why in str(refused.value)
