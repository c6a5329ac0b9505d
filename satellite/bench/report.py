"""The report: one page of HTML that needs nothing else, neither a network nor a script."""

import re
from collections.abc import Iterable, Iterator
from html import escape
from importlib.util import find_spec
from pathlib import Path

from satellite.bench import cases
from satellite.bench.cases import HEADLINE_SER_DB
from satellite.bench.goals import Goal, goals, goals_table
from satellite.bench.ours import our_tables
from satellite.bench.outcome import Results
from satellite.bench.scene import Kind
from satellite.bench.stats import percentile
from satellite.bench.tables import Cell, Table, Verdict, per_hour, short_percent
from satellite.bench.text import what_was_run
from satellite.bench.versus import versus_tables

_STYLE = Path(__file__).with_name("report.css")

_CLASSES = {Verdict.MET: "met", Verdict.MISSED: "missed", Verdict.OPEN: "open"}

# a figure and its unit stay on one line
_UNIT = re.compile(r"(?<=\d) (?=(?:%|ms|dB|s|h)(?!\w))")

_WORDS = (
    ("Answer", "What the satellite says through its loudspeaker; the user may talk over it."),
    ("Duck", "The answer gets 20 dB softer, for a moment, while the satellite makes sure."),
    ("Silent", "The answer is 40 dB down and stays so."),
    ("Commit", "The answer is over, and the user's words are the next turn."),
    ("SER", "Speech-to-echo ratio at the microphone: at -10 dB the user is 10 dB softer there than the satellite's own answer."),
    ("Missed", "The user spoke, and the answer was not silent in time."),
    ("False stop, false duck", "The answer stopped, or got softer, although nobody had meant it to."),
    (
        "p50, p95",
        "Half, and 19 of 20, took no longer; linear between ranks. Only what happened has a time: misses stand apart.",
    ),
    ("Intervals", "In 95 of 100 such runs they enclose the truth: bootstrap for times, Wilson's for shares."),
    ("95 % bound", "The exact one-sided upper bound of a Poisson rate; without an event 3.0 divided by the hours."),
)


def write_report(results: Results, path: Path) -> None:
    """The same results give the same bytes. OSError if it cannot be written."""
    path.write_bytes(page(results).encode())


def page(results: Results) -> str:
    """Whole."""
    found = goals(results)
    parts = [
        "<header>",
        "<h1>Talking over the answer: how well it works</h1>",
        "<p>A satellite is speaking, and somebody talks over it: it has to be silent at once. And it has to go on when that was "
        "only its own echo, the TV, or a cough.</p>",
        *_verdict(found),
        *_figures(results),
        f'<p class="soft">{_text(what_was_run(results))}.</p>',
        "</header>",
        *(_section("Goals", _table(goals_table(found), wordy=True)) if found else ()),
        *_section("In pictures", *_charts(results)),
        *_section("The satellite, by what happens", *map(_table, our_tables(results))),
        *(_section("Beside other rules", *map(_table, rules)) if (rules := versus_tables(results)) else ()),
        *_section("Words", _words()),
    ]
    head = (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>Barge-in bench: {escape(results.suite)}</title>\n<style>\n{_STYLE.read_text('utf-8')}</style>\n</head>\n"
    )
    return head + "<body>\n<main>\n" + "\n".join(parts) + "\n</main>\n</body>\n</html>\n"


# ---- the first screen


def _verdict(found: list[Goal]) -> Iterator[str]:
    """Is it good, and where is it not."""
    if not found:
        yield '<p class="verdict open">This run contains nothing that has a goal.</p>'
        return
    binding = [goal for goal in found if goal.is_binding]
    met = sum(goal.verdict is Verdict.MET for goal in binding)
    missed = [goal for goal in found if goal.verdict is Verdict.MISSED]
    unsure = [goal for goal in found if goal.verdict is Verdict.OPEN]
    is_met = not missed and not unsure
    kind = "met" if is_met else "missed" if missed else "open"
    yield f'<div class="verdict {kind}">'
    yield f"<p><strong>{met} of {len(binding)} binding goals are met{'.' if is_met else '. Not met:'}</strong></p>"
    if not is_met:
        yield "<ul>"
        yield from (f"<li>{_text(_told(goal))}</li>" for goal in sorted(missed + unsure, key=lambda goal: not goal.is_binding))
        yield "</ul>"
    yield "</div>"


def _told(goal: Goal) -> str:
    wanted = f"{goal.measure}: {goal.found}, wanted {goal.goal}"
    doubt = "; too few hours were played to tell" if goal.verdict is Verdict.OPEN else ""
    return wanted + doubt + ("" if goal.is_binding else " (an aim)")


def _figures(results: Results) -> Iterator[str]:
    """The few that matter most."""
    users = cases.headline(cases.of_kind(results, Kind.USER))
    found: list[tuple[str, str]] = []
    silent = [percentile(cases.times(users, "silent_ms"), percent) for percent in (50, 95)]
    if silent[0] is not None and silent[1] is not None:
        what = f"from the user's first sound to silence; 19 of 20 in {silent[1].value:.0f} ms"
        found.append((f"{silent[0].value:.0f} ms", what))
    if users:
        missed = cases.missed(users)
        what = f"of users not heard in 1 s, who are {-HEADLINE_SER_DB:.0f} dB softer than its echo"
        found.append((short_percent(missed), what))
    for kind, where in ((Kind.ECHO, "with only its own voice to hear"), (Kind.BACKGROUND, "with TV or music on")):
        stops = cases.stops(cases.of_kind(results, kind))
        if stops.hours:
            events = "none" if stops.events == 0 else f"{stops.events}"
            what = f"false stops per hour at most, with 95 % confidence, {where}: {events} in {stops.hours:.1f} h"
            found.append((f"<= {per_hour(stops.upper)} / h", what))
    if found:
        items = "".join(f"<li><b>{_text(figure)}</b><span>{_text(what)}</span></li>" for figure, what in found)
        yield f'<ul class="figures">{items}</ul>'


# ---- what follows


def _charts(results: Results) -> Iterator[str]:
    if find_spec("matplotlib") is None:
        yield "<p>There are no charts, because matplotlib is not installed: <code>pip install 'satellite[plot]'</code></p>"
        return
    from satellite.bench.charts import charts

    drawn = charts(results)
    if not drawn:
        yield "<p>There is nothing to draw: nobody spoke over an answer.</p>"
        return
    yield '<div class="charts">'
    for chart in drawn:
        caption = f"<figcaption><b>{_text(chart.title)}</b><span>{_text(chart.note)}</span></figcaption>"
        yield f"<figure>{caption}{chart.svg}</figure>"
    yield "</div>"


def _section(title: str, *parts: str) -> Iterable[str]:
    return ("<section>", f"<h2>{escape(title)}</h2>", *parts, "</section>")


def _table(table: Table, wordy: bool = False) -> str:
    """It scrolls in itself where the screen is narrow. Its name and note stand above it, where they do not scroll away."""
    head = "".join(f'<th scope="col">{escape(column)}</th>' for column in table.columns)
    body = "\n".join(_row(cells) for cells in table.rows)
    name = escape(table.title)
    title = "" if wordy else f"<h3>{name}</h3>"
    return (
        f'{title}<p class="note">{_text(table.note)}</p>'
        f'<div class="scroll" role="region" aria-label="{name}" tabindex="0"><table{" class=wordy" if wordy else ""}>'
        f'<caption class="unseen">{name}</caption><thead><tr>{head}</tr></thead>\n<tbody>\n{body}\n</tbody></table></div>'
    )


def _row(cells: tuple[Cell, ...]) -> str:
    name, *rest = cells
    return f'<tr><th scope="row">{_cell(name)}</th>' + "".join(f"<td>{_cell(cell)}</td>" for cell in rest) + "</tr>"


def _cell(cell: Cell) -> str:
    text = _text(cell.text)
    if cell.verdict is None:
        return text
    return f'{text} <span class="mark {_CLASSES[cell.verdict]}">{escape(cell.verdict.value)}</span>'


def _text(text: str) -> str:
    """Whatever it says, and signs as they are set."""
    return _UNIT.sub("\N{NO-BREAK SPACE}", escape(text.replace("<=", "\u2264").replace(">=", "\u2265")))


def _words() -> str:
    return "<dl>" + "".join(f"<dt>{escape(word)}</dt><dd>{_text(meaning)}</dd>" for word, meaning in _WORDS) + "</dl>"
