"""Tables from results that were made by hand: every count is known."""

from dataclasses import replace

import pytest

from satellite.bench.ours import our_tables
from satellite.bench.outcome import OURS, Outcome, Played, Results
from satellite.bench.scene import Kind, When
from satellite.bench.stats import Rate
from satellite.bench.tables import Cell, Table, Verdict, bounded, per_hour, rate_verdict
from satellite.bench.text import WIDTH, all_tables, as_text, table_text
from satellite.bench.versus import comparisons, points, versus_tables
from tests.bench.made_up import full, results, scene, user


def _named(tables: list[Table], title: str) -> dict[str, dict[str, Cell]]:
    """The rows of a table by name, the cells by column; of columns of one name the last."""
    table = next(table for table in tables if table.title == title)
    return {cells[0].text: dict(zip(table.columns, cells, strict=True)) for cells in table.rows}


def _yielded(silent_ms: float, **more: object) -> Outcome:
    return replace(Outcome(duck_ms=silent_ms / 2, silent_ms=silent_ms, commit_ms=silent_ms + 400, lost_ms=0.0), **more)  # type: ignore[arg-type]


USERS = results(
    user(1, -10.0, _yielded(100.0, position_error_ms=-4.0)),
    user(2, -10.0, _yielded(200.0, position_error_ms=3.0)),
    user(3, -10.0, _yielded(300.0, lost_ms=20.0)),
    user(4, -10.0, _yielded(1500.0, stale=2), clear_ms=1200.0),
    user(5, -10.0, Outcome(), clear_ms=None),
    user(6, 0.0, _yielded(120.0), clear_ms=50.0),
)


def test_latencies_are_of_those_that_yielded() -> None:
    """By group, in the order in which groups appear."""
    rows = _named(our_tables(USERS), "How fast it yields")
    assert list(rows) == ["SER -10", "SER 0"]
    assert rows["SER -10"]["n"].text == "5"
    # 50, 100, 150, 750: the median is between the second and the third
    assert rows["SER -10"]["Duck p50"].text.startswith("125 (")
    assert rows["SER -10"]["Silent p50"].text.startswith("250 (")
    # 300 + 0.85 (1500 - 300)
    assert rows["SER -10"]["Silent p95"].text.startswith("1320 (")
    assert rows["SER 0"]["Commit p50"].text == "520 (520-520)"


def test_whoever_is_late_is_missed_and_whoever_is_never_heard_too() -> None:
    """Two of five in 1 s, one in 2 s; and what got lost."""
    row = _named(our_tables(USERS), "Whom it does not hear, and what gets lost")["SER -10"]
    assert row["Missed in 1 s"].text.startswith("40.0 % (")
    assert row["In 2 s"].text.startswith("20.0 % (")
    # one of the four of whom anything would be sent
    assert row["Lost words"] == Cell("25.0 %", Verdict.MISSED)
    assert row["Most lost, ms"].text == "20"
    assert row["Position, ms"] == Cell("-4.0", Verdict.MET)
    assert row["Stale"] == Cell("2", Verdict.MISSED)


def test_the_excess_is_over_the_same_scenes_without_echo() -> None:
    """Without echo 60, 60, 60, 1200 ms and never: a median of 60, and two of five missed as well."""
    row = _named(our_tables(USERS), "What the echo costs")["SER -10"]
    assert row["No echo p50"].text.startswith("60 (")
    assert row["Missed"].text == "40.0 %"
    assert row["+ Duck p50"] == Cell("+65", Verdict.MISSED)
    assert row["+ Silent p50"] == Cell("+190", Verdict.MISSED)
    # 1320 against 60 + 0.85 (1200 - 60)
    assert row["+ Silent p95"] == Cell("+291", Verdict.MISSED)
    assert row["+ Missed in 1 s"] == Cell("+0.0", Verdict.MET)


def test_where_no_goal_is_stated_nothing_is_judged() -> None:
    """Nobody said what SER -15 dB should cost. Nor is there an excess over what was not measured."""
    row = _named(our_tables(results(user(1, -15.0, _yielded(900.0)))), "What the echo costs")["SER -15"]
    assert {cell.verdict for cell in row.values()} == {None}
    tables = our_tables(results(user(1, -10.0, _yielded(100.0), clear_ms=None)))
    assert "What the echo costs" not in [table.title for table in tables]


def _nobody(kind: Kind, group: str, **outcome: object) -> Played:
    return Played(scene(kind, group), {OURS: replace(Outcome(), **outcome)})  # type: ignore[arg-type]


def test_false_stops_are_counted_by_the_hour() -> None:
    """And the groups of a kind together."""
    played = (
        _nobody(Kind.ECHO, "still", hours=6.0),
        _nobody(Kind.ECHO, "still", hours=6.0, ducks=3),
        _nobody(Kind.ECHO, "changing", hours=4.0, stops=1, ducks=1),
        _nobody(Kind.BACKGROUND, "TV", hours=1.0, stops=3),
    )
    rows = _named(our_tables(results(*played)), "False stops and false ducks")
    assert list(rows) == ["still", "changing", "all echo", "TV"]
    assert [cell.text for cell in rows["still"].values()][:3] == ["still", "12.0", "0"]
    table = next(table for table in our_tables(results(*played)) if table.title.startswith("False"))
    texts = [[cell.text for cell in cells] for cells in table.rows]
    assert texts[0] == ["still", "12.0", "0", "0.00", "0.25", "3", "0.25", "0.65"]
    assert texts[1][1:5] == ["4.0", "1", "0.25", "1.19"]
    assert texts[2][1:5] == ["16.0", "1", "0.06", "0.30"]
    assert [cells[4].verdict for cells in table.rows] == [Verdict.MET, Verdict.OPEN, Verdict.MET, Verdict.MISSED]


def test_too_few_hours_are_neither_good_nor_bad() -> None:
    """Nothing in 1 h may be three an hour."""
    assert rate_verdict(Rate(0, 10.0), 0.3) is Verdict.MET
    assert rate_verdict(Rate(0, 1.0), 0.3) is Verdict.OPEN
    assert rate_verdict(Rate(1, 1.0), 0.3) is Verdict.MISSED


def test_harmless_sounds_may_pause_the_answer_and_must_not_end_it() -> None:
    """One of four coughs ends it, two pause it and one of those goes on."""
    coughs = (
        _nobody(Kind.COUGH, "cough", silent_ms=200.0, commit_ms=600.0),
        _nobody(Kind.COUGH, "cough", silent_ms=200.0, resume_ms=650.0),
        _nobody(Kind.COUGH, "cough", silent_ms=200.0),
        _nobody(Kind.COUGH, "cough", duck_ms=50.0),
    )
    row = _named(our_tables(results(*coughs)), "Backchannels, coughs and other sounds")["cough"]
    assert row["Ends the answer"].text.startswith("25.0 % (")
    assert row["Ends the answer"].verdict is Verdict.MISSED
    assert row["Only pauses it"].text == "2"
    assert row["Of these go on"] == Cell("50.0 %", Verdict.MISSED)
    assert row["After p95, ms"] == Cell("650 (650-650)", Verdict.MET)


def test_a_word_that_only_pauses_the_answer_has_not_ended_it() -> None:
    """One of two."""
    words = (_nobody(Kind.WORD, "stop", silent_ms=200.0, commit_ms=600.0), _nobody(Kind.WORD, "stop", silent_ms=200.0))
    row = _named(our_tables(results(*words)), "One-word commands")["stop"]
    assert row["End the answer"].text.startswith("50.0 % (")
    assert row["End the answer"].verdict is Verdict.MISSED


# ---- all rules


def _raced(number: int, ser_db: float, **silent_ms: float | None) -> Played:
    """A user whom each rule hears after so long."""
    outcomes = {name.replace("_at_", "@"): Outcome(silent_ms=at_ms, commit_ms=at_ms) for name, at_ms in silent_ms.items()}
    return Played(scene(Kind.USER, "users", number, ser_db=ser_db), outcomes, 60.0)


RACE = results(
    _raced(1, -10.0, livekit=900.0, ours=100.0, ours_at_keen=50.0, quick=60.0),
    _raced(2, -10.0, livekit=None, ours=1100.0, ours_at_keen=70.0, quick=60.0),
    _raced(3, 0.0, livekit=700.0, ours=140.0, ours_at_keen=60.0, quick=80.0),
    Played(
        scene(Kind.ECHO, "echo"),
        {
            "livekit": Outcome(stops=2, hours=10.0),
            OURS: Outcome(hours=10.0),
            "ours@keen": Outcome(stops=5, hours=10.0),
            "quick": Outcome(stops=4, hours=10.0),
        },
    ),
    Played(scene(Kind.BACKCHANNEL, "mm-hm"), {"livekit": Outcome(silent_ms=600.0), OURS: Outcome(silent_ms=1.0, commit_ms=2.0)}),
)


def test_rules_stand_beside_each_other_ours_first_without_the_swept() -> None:
    """Misses by level, and the latency over all."""
    rows = _named(versus_tables(RACE), "All rules: whom they do not hear")
    assert list(rows) == [OURS, "livekit", "quick"]
    ours = [cell.text.split(" (")[0] for cell in rows[OURS].values()]
    assert ours == [OURS, "0.0 %", "50.0 %", "140", "1004"]
    assert rows["livekit"]["SER -10 dB"].text.startswith("50.0 % (")
    fooled = _named(versus_tables(RACE), "All rules: what fools them")
    assert fooled["livekit"]["Stops/h, echo only"].text == "0.20 (<= 0.63)"
    assert fooled["livekit"]["Backchannels"].text == "0.0 %"
    assert fooled[OURS]["Backchannels"].text == "100.0 %"
    assert fooled["quick"]["Backchannels"].text == "-"


def test_every_threshold_is_a_point_of_the_curve() -> None:
    """Misses over false stops."""
    found = {point.rule: (point.missed.count, point.stops.events) for point in points(RACE)}
    assert found == {OURS: (1, 0), "ours@keen": (0, 5), "livekit": (1, 2), "quick": (0, 4)}
    assert points(RACE, noisy=True) == []


def test_we_are_ahead_where_a_threshold_of_ours_is_better_in_one_and_worse_in_neither() -> None:
    """Than livekit with as many misses and fewer stops; not than what hears everybody with fewer stops than our keenest."""
    livekit, quick = comparisons(RACE)
    assert (livekit.theirs.rule, quick.theirs.rule) == ("livekit", "quick")
    assert (livekit.missed_percent, livekit.stops_per_hour, livekit.is_ahead) == (pytest.approx(100 / 3), 0.0, True)
    assert (quick.missed_percent, quick.stops_per_hour, quick.is_ahead) == (pytest.approx(100 / 3), 0.5, False)


def test_a_rule_is_compared_on_the_scenes_that_it_was_played() -> None:
    """Where it was not, what we missed says nothing of it."""
    played = (
        Played(scene(Kind.USER, "SER 0 dB", 1, ser_db=0.0), {"seldom": Outcome(silent_ms=500.0), OURS: Outcome(silent_ms=100.0)}),
        Played(scene(Kind.USER, "SER 0 dB", 2, ser_db=0.0), {OURS: Outcome()}),
        Played(scene(Kind.ECHO, "echo", 3), {"seldom": Outcome(stops=1, hours=1.0), OURS: Outcome(hours=1.0)}),
        Played(scene(Kind.ECHO, "echo", 4), {OURS: Outcome(stops=9, hours=1.0)}),
    )
    (seldom,) = comparisons(results(*played))
    assert (seldom.missed_percent, seldom.stops_per_hour, seldom.is_ahead) == (0.0, 0.0, True)


def test_alone_there_is_nothing_to_compare() -> None:
    """One rule is no table of rules; and nothing is no table at all."""
    assert versus_tables(USERS) == []
    assert all_tables(results()) == []


# ---- as text


def test_figures_are_written_as_long_as_they_are_known() -> None:
    """Three digits."""
    assert [per_hour(value) for value in (0.0, 0.123, 1.26, 12.34, 2465.4, float("nan"))] == [
        "0.00",
        "0.12",
        "1.26",
        "12.3",
        "2465",
        "-",
    ]
    assert bounded(Rate(0, 0.0)) == "-"


@pytest.mark.parametrize("run", [USERS, RACE, full(30)], ids=["users", "race", "full"])
def test_no_line_is_wider_than_the_terminal(run: Results) -> None:
    """However many columns."""
    assert max(map(len, as_text(run).splitlines())) <= WIDTH


def test_a_long_name_is_cut_and_columns_stay_in_line() -> None:
    """At the first column's cost."""
    table = Table("Title", "Note.", ("Name", "n"), ((Cell("long " * 40), Cell("1", Verdict.MET)), (Cell("b"), Cell("22"))))
    lines = table_text(table).splitlines()
    assert lines[0] == "Title"
    assert len(lines[5]) == WIDTH and "..." in lines[5]
    assert lines[5].index("1 +") == lines[6].index("22") + 1


def test_latencies_are_stated_for_the_middle_of_an_answer_in_quiet() -> None:
    """Who begins with it, or beside a TV, is counted in the tables, but is no goal's."""
    from satellite.bench import cases

    other = (
        user(7, -10.0, Outcome(), when=When.FIRST),
        user(8, -10.0, Outcome(), noise="tv.wav", snr_db=6.0),
        user(9, -15.0, Outcome()),
    )
    everybody = cases.of_kind(replace(USERS, played=[*USERS.played, *other]), Kind.USER)
    assert [case.scene.seed for case in cases.headline(everybody)] == [1, 2, 3, 4, 5]
