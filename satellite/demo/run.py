"""`satellite demo`: plays the story, prints what was measured, and draws it if asked to."""

import asyncio
import json
import logging
from collections.abc import Callable
from functools import partial
from importlib.util import find_spec
from pathlib import Path

from satellite.demo.recorder import Recorder
from satellite.demo.scene import Scene, scene_of
from satellite.demo.stage import SER_DB, stage
from satellite.demo.story import BargeIn, Outcome, Story
from satellite.demo.timeline import Timeline
from satellite.errors import ConfigError
from satellite.observer import Audience

_COLUMNS = (
    ("answer 20 dB down", "ducked_ms"),
    ("answer silent", "silent_ms"),
    ("provisional interrupt at the server", "provisional_ms"),
    ("confirmed interrupt at the server", "confirmed_ms"),
    ("first audio at the server", "first_audio_ms"),
)


def run_demo(as_json: bool, picture: Path | None = None) -> int:
    """Plays it, and draws it if there is to be a picture; 0 if everything that must hold held."""
    draw = None if picture is None else _drawing(picture)
    # its own timeline says the same, and is easier to read
    logging.getLogger("satellite").setLevel(logging.ERROR)
    outcome = Outcome()
    timeline = Timeline(is_silent=as_json)
    if not as_json:
        _introduce()
    scene = asyncio.run(_play(timeline, outcome))
    if draw is not None:
        draw(scene)
    print(json.dumps(outcome.as_dict(), indent=2) if as_json else _summary(outcome))
    if picture is not None and not as_json:
        print(f"Drawn in {picture}.")
    return 0 if outcome.is_good else 1


def _drawing(picture: Path) -> Callable[[Scene], None]:
    """What draws it there. ConfigError if that is not possible: better now than when the story has been told."""
    if find_spec("matplotlib") is None:
        raise ConfigError("--plot needs matplotlib, which is not installed: pip install 'satellite[plot]'")
    from satellite.demo.plot import draw

    try:
        picture.open("ab").close()
    except OSError as error:
        raise ConfigError(f"--plot: cannot write {picture}: {error.strerror}") from error
    return partial(draw, path=picture)


async def _play(timeline: Timeline, outcome: Outcome) -> Scene:
    recorder = Recorder()
    async with stage(Audience(timeline, recorder)) as here:
        try:
            await Story(here, timeline, outcome).play()
        except TimeoutError as error:
            outcome.check("the story comes to its end", False, error)
    # the last words over the wire have come by now
    return scene_of(here, recorder, outcome, timeline.begin_s)


def _introduce() -> None:
    print(
        "The real satellite on a simulated sound card, in a simulated room: loudspeaker 8 cm from the microphone, user at 2 m,\n"
        f"speech-to-echo ratio {SER_DB:.0f} dB at the microphone. It talks Wyoming over loopback to mock servers. Nothing that\n"
        "the satellite does is scripted."
    )


def _summary(outcome: Outcome) -> str:
    lines = ["", "Milliseconds from the user's first sound at the microphone:", ""]
    words = [f'"{barge_in.words}"' for barge_in in outcome.barge_ins]
    lines.append(" " * 38 + "".join(f"{w:>32}" for w in words))
    lines += [f"  {label:<36}" + "".join(_cell(b, key) for b in outcome.barge_ins) for label, key in _COLUMNS]
    lines.append(f"  {'audio begins before the onset by':<36}" + "".join(_cell(b, "preroll_ms") for b in outcome.barge_ins))
    lines.append(f"  {'of the words lost':<36}" + "".join(_cell(b, "lost_ms") for b in outcome.barge_ins))
    lines.append("")
    lines += [f"  {'ok  ' if c.is_met else 'FAIL'}  {c.name}: {c.found}" for c in outcome.checks]
    lines += ["", "The satellite can be interrupted." if outcome.is_good else "Something is broken: see FAIL above."]
    return "\n".join(lines)


def _cell(barge_in: BargeIn, key: str) -> str:
    value = getattr(barge_in, key)
    return f"{'-' if value is None else f'{value:.0f}':>32}"
