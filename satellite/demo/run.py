"""`satellite demo`: plays the story and prints what was measured."""

import asyncio
import json
import logging

from satellite.demo.stage import SER_DB, stage
from satellite.demo.story import BargeIn, Outcome, Story
from satellite.demo.timeline import Timeline

_COLUMNS = (
    ("answer 20 dB down", "ducked_ms"),
    ("answer silent", "silent_ms"),
    ("provisional interrupt at the server", "provisional_ms"),
    ("confirmed interrupt at the server", "confirmed_ms"),
    ("first audio at the server", "first_audio_ms"),
)


def run_demo(as_json: bool) -> int:
    """Plays it; 0 if everything that must hold held."""
    # its own timeline says the same, and is easier to read
    logging.getLogger("satellite").setLevel(logging.ERROR)
    outcome = Outcome()
    timeline = Timeline(is_silent=as_json)
    if not as_json:
        _introduce()
    try:
        asyncio.run(_play(timeline, outcome))
    except TimeoutError as error:
        outcome.check("the story comes to its end", False, error)
    print(json.dumps(outcome.as_dict(), indent=2) if as_json else _summary(outcome))
    return 0 if outcome.is_good else 1


async def _play(timeline: Timeline, outcome: Outcome) -> None:
    async with stage(timeline) as here:
        await Story(here, timeline, outcome).play()


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
