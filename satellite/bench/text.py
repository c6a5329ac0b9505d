"""Tables for a terminal: aligned, and no wider than it."""

import textwrap
from collections.abc import Sequence

from satellite.bench.goals import goals, goals_table
from satellite.bench.ours import our_tables
from satellite.bench.outcome import Results
from satellite.bench.tables import Cell, Table, Verdict
from satellite.bench.versus import versus_tables

WIDTH = 130

# between columns
_GAP = 2

# names of rows are cut to no less
_LEAST_NAME = 12

_MARKS = {Verdict.MET: " +", Verdict.MISSED: " X", Verdict.OPEN: " ?", None: "  "}
_KEY = "+ goal met   X not met   ? too few hours to tell"


def all_tables(results: Results) -> list[Table]:
    """In the order in which they are read: the verdict, ourselves, and the others."""
    found = goals(results)
    return [*([goals_table(found)] if found else []), *our_tables(results), *versus_tables(results)]


def as_text(results: Results) -> str:
    """All tables, below a line that says what was run."""
    parts = [textwrap.fill(what_was_run(results), WIDTH), _KEY, *map(table_text, all_tables(results))]
    return "\n\n".join(parts) + "\n"


def what_was_run(results: Results) -> str:
    """In one line, which is the same for every run with the same seed on one machine."""
    return (
        f"{len(results.played)} scenes, {results.sound_s / 3600:.1f} h of sound; suite {results.suite}, seed {results.seed}; "
        f"speakers and rooms {results.half}; recordings {results.corpus}; satellite {results.version} on {results.machine}"
    )


def table_text(table: Table) -> str:
    """The first column to the left, the others to the right; marks stand after what is judged."""
    is_judged = [any(cells[column].verdict for cells in table.rows) for column in range(len(table.columns))]
    texts = [list(table.columns), *(list(map(_marked, cells, is_judged)) for cells in table.rows)]
    widths = [max(len(line[column]) for line in texts) for column in range(len(table.columns))]
    widths[0] = max(min(widths[0], WIDTH - sum(widths[1:]) - _GAP * (len(widths) - 1)), _LEAST_NAME)
    lines = [_line(line, widths) for line in texts]
    rule = "-" * max(map(len, lines))
    return "\n".join([table.title, *textwrap.wrap(table.note, WIDTH), "", lines[0], rule, *lines[1:]])


def _line(texts: Sequence[str], widths: Sequence[int]) -> str:
    name = texts[0] if len(texts[0]) <= widths[0] else texts[0][: widths[0] - 3] + "..."
    rest = (text.rjust(width) for text, width in zip(texts[1:], widths[1:], strict=True))
    return (" " * _GAP).join([name.ljust(widths[0]), *rest]).rstrip()


def _marked(cell: Cell, is_judged: bool) -> str:
    """Figures stand below each other, whether there is a mark after them or not."""
    return cell.text + (_MARKS[cell.verdict] if is_judged else "")
