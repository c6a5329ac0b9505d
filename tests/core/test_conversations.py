"""Conversations as data: one file a story. Each says what happens when, and all that must be wanted done, in order.

All times are milliseconds, those of frames too. A step may tell an event, or a voice of some probability for so long (with
little `voicing` it is a cough). Its
`does` lists what is wanted at that time; a step without `told` says what is wanted at a time when a deadline comes due or a
voice has lasted long enough. A story may continue another: what is told there until a time is told again, and not checked.
A position is [played, heard, received, total].
"""

import tomllib
from collections.abc import Iterator
from dataclasses import MISSING, fields
from pathlib import Path
from typing import Any

import pytest

from satellite.core import actions as act
from satellite.core import events as ev
from satellite.core.actions import Action
from satellite.core.interrupt import Interrupt
from satellite.core.say import Say
from satellite.core.units import Frames, Millis, frames, millis
from tests.core.driver import VOWEL, WINDOW_MS, Driver, window

STORIES = sorted(Path(__file__).with_name("conversations").glob("*.toml"))

_IN_FRAMES = frozenset({"end", "onset", "overlap", "first"})

Told = tuple[int, ev.Event]


@pytest.mark.parametrize("path", STORIES, ids=lambda path: path.stem)
def test_the_story_goes_as_it_is_written(path: Path) -> None:
    """Every action at its time, and not one more."""
    story = tomllib.loads(path.read_text("utf-8"))
    begins = story.get("until", 0)
    wanted = [f"{step['at']}: {line}" for step in story["step"] for line in step.get("does", ())]
    driver = Driver()
    for at, event in _told(story):
        driver.wait(at - driver.at)
        driver.give(event)
    driver.wait(max(step["at"] for step in story["step"]) - driver.at)
    names: dict[str, int] = {}
    done = [(at, f"{at}: {_line(action, names)}") for at, action in driver.log]
    assert [line for at, line in done if at >= begins] == wanted


def test_there_is_a_file_for_every_story_that_is_promised() -> None:
    """A story that loses its file would pass unseen."""
    assert {path.stem for path in STORIES} >= {
        *(
            "wake_turn",
            "barge_in_speech",
            "barge_in_wake_word",
            "barge_in_stop_word",
            "barge_in_while_thinking",
            "double_barge_in",
        ),
        *("cough_resumed", "last_50_ms", "first_300_ms", "hub_vanishes_held", "empty_transcript_resumes"),
        *("silent_end", "mic_stall_while_held"),
    }


# ---- what is told


def _told(story: dict[str, Any]) -> list[Told]:
    """Everything that is told, in the order of its time."""
    told = [one for step in story["step"] if "told" in step for one in _events(step["at"], step["told"])]
    if "continues" in story:
        before = tomllib.loads(STORIES[0].with_name(f"{story['continues']}.toml").read_text("utf-8"))
        told += [(at, event) for at, event in _told(before) if at < story["until"]]
    return sorted(told, key=lambda one: one[0])


def _events(at: int, told: str | dict[str, Any]) -> Iterator[Told]:
    if isinstance(told, str):
        told = {told: {}}
    if "voice" in told:
        for end in range(at + WINDOW_MS, at + told["for"] + 1, WINDOW_MS):
            yield end, window(end, WINDOW_MS, told["voice"], told.get("voicing", VOWEL))
        return
    ((name, given),) = told.items()
    kind: type[ev.Event] = getattr(ev, name)
    told_of = [f.name for f in fields(kind) if f.name != "at" and (f.name in given or f.default is MISSING)]
    yield at, kind(Millis(at), **{name: _value(name, given.get(name)) for name in told_of})


def _value(name: str, given: Any) -> Any:
    if name == "say":
        return Say(0, **given)
    if name == "position":
        return None if given is None else ev.Position(*given)
    return frames(given) if name in _IN_FRAMES and given is not None else given


# ---- what is wanted, in words


def _line(action: Action, names: dict[str, int]) -> str:
    match action:
        case act.Become(old, new, why):
            return f"Become {new}, was {old}: {why}"
        case act.SendInterrupt(told):
            return f"SendInterrupt {_interrupt(told, names)}"
        case act.SetDeadline(kind, after):
            return f"SetDeadline {kind} in {after}"
        case act.SayOver(turn, id, state, position):
            which = f"turn {turn}" if id is None else f"say {id}"
            return f"SayOver {which}: {state} at {position.played} of {position.received}"
        case act.MakeSpeech(say):
            return f"MakeSpeech {say.id}"
        case _:
            told = ((field, getattr(action, field.name)) for field in fields(action))
            words = (_word(field.name, value) for field, value in told if value != field.default)
            return " ".join((type(action).__name__, *filter(None, words)))


def _word(name: str, value: object) -> str:
    if isinstance(value, bool):
        return name if value else ""
    if name in _IN_FRAMES and isinstance(value, int):
        assert frames(millis(Frames(value))) == value, "the story is not told in whole milliseconds"
        return str(millis(Frames(value)))
    return "nothing" if value is None else str(value)


def _interrupt(told: Interrupt, names: dict[str, int]) -> str:
    """Ids are made up, so the first is called 1."""
    number = names.setdefault(told.id, len(names) + 1)
    p = told.position
    return f"{number} {told.phase} by {told.reason} at {p.played}, heard {p.heard} of {p.received}, total {p.total}"
