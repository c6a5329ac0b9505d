"""The wake word through the real ALSA API, with all sounds on: what it costs until the server hears the user, and a reply until
it is silent.

    python -m tests.rig.waking [--count N]

The daemon on the virtual card, in real time, a mock hub on loopback, recorded users in a simulated room with echo. The command
begins 0.1 s after the wake word, so the sound of being awake is played into it. Prints, in ms,

- first audio: from when the wake word was found until the first of the microphone's audio is at the hub,
- silence: from its first sound over a reply until that has made its last: by then it is a voice, and not yet a wake word (with
  the sound of being awake off, which would sound after it).
"""

import argparse
import asyncio
import logging
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from satellite.config import Sounds
from satellite.core.events import Event, WakeHeard
from satellite.core.units import RATE_HZ
from satellite.mock.recordings import SPOKEN, SPOKEN_S
from tests.rig.barge_ins import PATIENCE_S, Bench, Tap, ask, bench, silence_ms

_COMMAND = "tts_lights_joe"
# the wake word's recording ends in as much of silence
_AFTER_WORD_S = 0.1


@dataclass
class WakeTap(Tap):
    """And when a wake word was found."""

    found_s: list[float] = field(default_factory=list)

    def on_event(self, event: Event) -> None:
        if isinstance(event, WakeHeard):
            self.found_s.append(time.monotonic())


@dataclass
class Found:
    """Of all rounds."""

    first_audio_ms: list[float] = field(default_factory=list)
    exact: int = 0
    understood: int = 0
    missed: int = 0


async def _wake_and_ask(b: Bench, tap: WakeTap, found: Found) -> None:
    """One command, said into the sound of being awake."""
    journal = b.hub.journal
    words, chunks, answers = len(tap.found_s), len(journal.of("audio-chunk")), len(journal.of("audio-start", "sent"))
    begin_ns = time.monotonic_ns() + 200_000_000
    word, command = b.wavs["tts_alexa_joe"], b.wavs[_COMMAND]
    word_ns = int((word.stat().st_size - 44) / 2 / RATE_HZ * 1e9)
    await asyncio.to_thread(b.room.say, word, at_ns=begin_ns)
    await asyncio.to_thread(b.room.say, command, at_ns=begin_ns + word_ns + int(_AFTER_WORD_S * 1e9))
    try:
        await journal.wait_for("audio-start", answers + 1, PATIENCE_S, "sent")
    except TimeoutError:
        found.missed += len(tap.found_s) == words
        return
    found.first_audio_ms.append((journal.of("audio-chunk")[chunks].at_s - tap.found_s[words]) * 1000)
    received = b.stt.requests[-1].tobytes()
    found.exact += received == tap.audio(tap.streamed_from[-1], len(received) // 2)
    found.understood += journal.of("transcript", "sent")[-1].data["text"] == SPOKEN[_COMMAND]
    await journal.wait_for("played", len(journal.of("played")) + 1, PATIENCE_S)


async def waking(count: int, directory: Path) -> Found:
    """So many commands."""
    tap, found = WakeTap(), Found()
    async with bench("16k", directory, 0.0, tap) as b:
        for _ in range(count):
            await _wake_and_ask(b, tap, found)
    return found


async def over_replies(count: int, directory: Path) -> tuple[list[float], int]:
    """So many replies that the wake word is said over: ms from its first sound to silence of each, and how many played on."""
    missed, said = 0, []
    async with bench("16k", directory, 0.0, sounds=Sounds(awake=None)) as b:
        for _ in range(count):
            await ask(b)
            answered = len(b.hub.journal.of("audio-start", "sent"))
            told = len(b.hub.journal.of("interrupt", phase="confirmed"))
            begin_ns = time.monotonic_ns() + 1_500_000_000
            await asyncio.to_thread(b.room.say, b.wavs["tts_alexa_joe"], at_ns=begin_ns)
            await b.hub.journal.wait_for("played", len(b.hub.journal.of("played")) + 1, PATIENCE_S)
            await asyncio.sleep(1.5)
            is_stopped = len(b.hub.journal.of("interrupt", phase="confirmed")) > told
            missed += not is_stopped
            if is_stopped:
                said.append((answered, begin_ns + int(SPOKEN_S["tts_alexa_joe"][0] * 1e9)))
            b.service.hush()
            await asyncio.sleep(1.0)
        room = b.room
    return [silence_ms(room, b.answer_of(answered), at_ns) for answered, at_ns in said], missed


def main() -> None:
    """Prints the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, default=10)
    count = parser.parse_args().count
    logging.getLogger("satellite").setLevel(logging.ERROR)
    with tempfile.TemporaryDirectory() as directory:
        found = asyncio.run(waking(count, Path(directory)))
    print(f"{count} commands said 0.1 s after the wake word, into the sound of being awake; {found.missed} words not found")
    ms = found.first_audio_ms
    print(f"  first audio   median {np.median(ms):6.1f}   worst {max(ms):6.1f} ms")
    print(f"  sample-exact at the server: {found.exact} of {len(ms)}; understood: {found.understood} of {len(ms)}")
    with tempfile.TemporaryDirectory() as directory:
        silent_ms, missed = asyncio.run(over_replies(count, Path(directory)))
    print(f"{count} wake words over a reply; {missed} replies played on")
    if silent_ms:
        print(f"  silence       median {np.median(silent_ms):6.1f}   worst {max(silent_ms):6.1f} ms")


if __name__ == "__main__":
    main()
