"""The state diagram, drawn from the transition table: `python -m satellite.core.diagram` prints it.

`--write README.md` puts it between the marks in that file.
"""

import sys
from pathlib import Path

from satellite.core.state import State
from satellite.core.table import ROWS

BEGIN, END = "<!-- state diagram: begin -->", "<!-- state diagram: end -->"


def mermaid() -> str:
    """Every change of state once, with all its reasons; in the order in which a conversation goes through the states."""
    reasons: dict[tuple[State, State], list[str]] = {}
    for row in ROWS:
        if row.why is not None and row.why.value not in reasons.setdefault((row.state, row.to), []):
            reasons[row.state, row.to].append(row.why.value)
    order = list(State)
    arrows = sorted(reasons, key=lambda arrow: (order.index(arrow[0]), order.index(arrow[1])))
    lines = (f"    {old.value} --> {new.value}: {'<br>'.join(sorted(reasons[old, new]))}" for old, new in arrows)
    return "\n".join(("stateDiagram-v2", f"    [*] --> {State.OFFLINE.value}", *lines))


def write_into(text: str) -> str:
    """The text with the diagram between its marks. ValueError if it has not exactly one pair of them."""
    if text.count(BEGIN) != 1 or text.count(END) != 1 or text.index(BEGIN) > text.index(END):
        raise ValueError(f"the text must have {BEGIN!r} and, after it, {END!r}, each once")
    before, rest = text.split(BEGIN)
    _, after = rest.split(END)
    return f"{before}{BEGIN}\n```mermaid\n{mermaid()}\n```\n{END}{after}"


def main(arguments: list[str]) -> int:
    """Prints it, or writes it into a file."""
    match arguments:
        case []:
            sys.stdout.write(f"{mermaid()}\n")
        case ["--write", name]:
            path = Path(name)
            path.write_text(write_into(path.read_text("utf-8")), "utf-8")
        case _:
            sys.stderr.write("usage: python -m satellite.core.diagram [--write README.md]\n")
            return 2
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
