"""The README shows the state machine that runs."""

from pathlib import Path

import pytest

from satellite.core.diagram import BEGIN, END, main, mermaid, write_into
from satellite.core.state import State, Why
from satellite.core.table import ROWS

README = Path(__file__).parents[2] / "README.md"


def test_the_readme_shows_the_present_diagram() -> None:
    """`python -m satellite.core.diagram --write README.md` mends it."""
    text = README.read_text("utf-8")
    assert write_into(text) == text


def test_every_change_of_state_is_drawn_with_its_reasons() -> None:
    """One arrow a pair of states, and nothing else."""
    head, start, *arrows = mermaid().splitlines()
    assert (head, start) == ("stateDiagram-v2", "    [*] --> offline")
    drawn = {}
    for arrow in arrows:
        states, reasons = arrow.strip().split(": ")
        old, new = states.split(" --> ")
        drawn[State(old), State(new)] = {Why(reason) for reason in reasons.split("<br>")}
    assert len(drawn) == len(arrows)
    assert drawn == {
        (old, new): {row.why for row in ROWS if (row.state, row.to) == (old, new)}
        for old, new in {(row.state, row.to) for row in ROWS if row.state is not row.to}
    }


def test_only_what_is_between_the_marks_is_replaced() -> None:
    """However often."""
    once = write_into(f"# Title\n{BEGIN}\nold\n{END}\nthe rest\n")
    assert once == f"# Title\n{BEGIN}\n```mermaid\n{mermaid()}\n```\n{END}\nthe rest\n"
    assert write_into(once) == once


@pytest.mark.parametrize("text", ["", BEGIN, f"{END}{BEGIN}", f"{BEGIN}{END}{BEGIN}{END}"])
def test_a_text_without_one_pair_of_marks_is_left_alone(text: str) -> None:
    """Better an error than a diagram in the wrong place."""
    with pytest.raises(ValueError, match="each once"):
        write_into(text)


def test_the_command_prints_or_writes(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """And says how it is used if it is used otherwise."""
    path = tmp_path / "README.md"
    path.write_text(f"{BEGIN}{END}", "utf-8")
    assert main(["--write", str(path)]) == 0
    assert mermaid() in path.read_text("utf-8")
    assert main([]) == 0
    assert capsys.readouterr().out == f"{mermaid()}\n"
    assert main(["--help"]) == 2
    assert "usage" in capsys.readouterr().err
