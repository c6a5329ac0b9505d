"""The report: a page that stands alone, says the same twice, and can be read by whoever and with whatever."""

import re
import sys
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import pytest

from satellite.bench.goals import goals
from satellite.bench.outcome import OURS, Outcome, Played, Results
from satellite.bench.report import page, write_report
from satellite.bench.scene import Kind
from satellite.bench.tables import Verdict
from tests.bench.made_up import full, results, scene

VOID = {"meta", "br", "img", "link", "hr", "input", "wbr"}
EVIL = "<script>alert('&')</script>"


class Page(HTMLParser):
    """Reads strictly: whatever is opened is closed, in order; and no name is given twice."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.ids: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text: list[str] = []
        self.feed(text)
        self.close()
        assert self.open == []
        assert len(self.ids) == len(set(self.ids))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        self.ids += [value for name, value in attrs if name == "id" and value]
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert "svg" in self.open or tag in VOID, f"{tag} closes itself only in SVG"
        self.tags.append((tag, dict(attrs)))
        self.ids += [value for name, value in attrs if name == "id" and value]

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag, f"{tag} at {self.getpos()}"

    def handle_data(self, data: str) -> None:
        if "style" not in self.open:
            self.text.append(data)

    def count(self, tag: str) -> int:
        return sum(name == tag for name, _ in self.tags)

    def said(self) -> str:
        return " ".join("".join(self.text).split())


def _evil() -> Results:
    """Whatever comes from outside comes with a bad intention."""
    outcome = Outcome(duck_ms=70.0, silent_ms=150.0, commit_ms=600.0)
    users = Played(scene(Kind.USER, EVIL, ser_db=-10.0), {OURS: outcome, f"rule {EVIL} $x$": outcome}, 60.0)
    echo = Played(scene(Kind.ECHO, EVIL), {name: Outcome(hours=1.0) for name in users.outcomes})
    return replace(results(users, echo), corpus=EVIL, half=EVIL, suite=EVIL, version=EVIL, machine=EVIL)


@pytest.mark.parametrize("run", [full(30), results(), _evil()], ids=["full", "empty", "evil"])
def test_it_is_well_formed_and_stands_alone(run: Results) -> None:
    """No script, and nothing that is fetched from anywhere."""
    text = page(run)
    read = Page(text)
    assert not re.search(r"https?:|//[a-z]", text)
    assert not re.search(r"@import|url\((?!#)", text)
    assert read.count("script") == 0
    assert all(href.startswith("#") for _, attrs in read.tags if (href := attrs.get("href")) is not None)
    referred = set(re.findall(r"url\(#([^)]+)\)", text)) | {href[1:] for _, attrs in read.tags if (href := attrs.get("href"))}
    assert referred <= set(read.ids)
    assert not any(name.startswith("on") for _, attrs in read.tags for name in attrs)


def test_it_is_the_same_twice(tmp_path: Path) -> None:
    """Byte for byte, however long the run took."""
    first, second = tmp_path / "a.html", tmp_path / "b.html"
    write_report(full(30), first)
    write_report(replace(full(30), took_s=5.0), second)
    assert first.read_bytes() == second.read_bytes()


def test_whoever_does_not_see_it_is_told(tmp_path: Path) -> None:
    """Captions, scopes, titles of pictures, verdicts in words; and it fits a phone."""
    pytest.importorskip("matplotlib")
    text = page(full(30))
    read = Page(text)
    assert read.count("caption") == read.count("table") > 8
    assert all(attrs.get("scope") in ("col", "row") for tag, attrs in read.tags if tag == "th")
    pictures = [attrs for tag, attrs in read.tags if tag == "svg"]
    assert len(pictures) == 5
    assert all(attrs["role"] == "img" and attrs["aria-labelledby"] in read.ids for attrs in pictures)
    assert all("width" not in attrs for attrs in pictures)
    assert ("meta", {"name": "viewport", "content": "width=device-width, initial-scale=1"}) in read.tags
    assert ("html", {"lang": "en"}) in read.tags
    assert {word for word in ("met", "not met") if f">{word}</span>" in text} == {"met", "not met"}


def test_the_first_screen_says_whether_it_is_good_and_where_not() -> None:
    """Before any table."""
    run = full(60)
    first = page(run).split("<table", 1)[0]
    unmet = [goal for goal in goals(run) if goal.verdict is not Verdict.MET]
    binding = [goal for goal in goals(run) if goal.is_binding]
    met = sum(goal.verdict is Verdict.MET for goal in binding)
    said = Page(first.split("<section>")[0].split("<main>")[1]).said()
    assert f"{met} of {len(binding)} binding goals are met" in said
    assert unmet and all(goal.measure in said for goal in unmet)
    assert "seed 4" in said and "26.3 h of sound" in said and "held out" in said


def test_without_its_library_it_has_tables_and_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    """And how to get charts."""
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    read = Page(page(full(30)))
    assert read.count("svg") == 0
    assert read.count("table") > 8
    assert "pip install 'satellite[plot]'" in read.said()


def test_colours_of_charts_are_the_pages() -> None:
    """So that they change in the dark: each is named, and each name has a colour in light, in the dark, and on paper."""
    pytest.importorskip("matplotlib")
    style, body = page(full(30)).split("</style>", 1)
    assert not re.search(r"#[0-9a-f]{6}\b", body)
    for name in set(re.findall(r"var\(--(\w+)\)", body)):
        assert len(re.findall(rf"--{name}: #[0-9a-f]{{6}};", style)) == 3, name


def test_what_has_no_name_of_its_own_is_drawn_as_it_is_called() -> None:
    """Neither as HTML nor as mathematics."""
    pytest.importorskip("matplotlib")
    said = Page(page(_evil())).said()
    assert f"rule {EVIL} $x$" in said
