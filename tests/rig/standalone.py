"""The satellite without a hub through the real ALSA API: how long its own part of a turn takes, and how fast it lets go.

    python -m tests.rig.standalone [--count N] [--json]

The virtual card, in real time; mock servers on loopback that answer at once, but the one that speaks no faster than a person
where it has to be caught speaking. Prints, in ms,

- answer: from when the end of the command is decided on until the first sample of the answer leaves the loudspeaker,
- wait: the same from the command's last sound at the microphone on, so with the silence that ends it (`listening.silence_ms`),
- closed: from the decision that the user means us until the server that speaks sees its connection closed,
- silent: from `SayHandle.cancel()` until the last sample that sounds.
"""

import argparse
import asyncio
import json
import logging
import os
import tempfile
import time
import wave
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from satellite import SayHandle, SessionState, VoiceSession
from satellite.audio.alsa import AlsaSettings, open_card
from satellite.audio.card import Samples
from satellite.config import Config, Dialog, Hub, Mode, Stt, Tts, Wake
from satellite.core import actions as act
from satellite.core.actions import Action
from satellite.core.interrupt import Phase
from satellite.core.units import RATE_HZ
from satellite.mock.agent import keyword_agent
from satellite.mock.dialog import MockDialog
from satellite.mock.recordings import COMMAND, recording
from satellite.mock.stt import MockStt
from satellite.mock.tts import MockTts
from satellite.observer import Observer
from tests.rig.barge_ins import room_config, speaker_record, user_wavs
from tests.rig.room import Room

# one sentence to whoever makes speech of it; the recording has two
ANSWER = "There are three recipes."
_USER = "tts_lights_joe"
_SOON_S = 15.0
# of full scale 32768: where the answer's first breath ends
_AUDIBLE = 30
# below its loudest moment, in dB: a word's end
_END_DB = -40.0


@dataclass
class Times:
    """One round, in ms."""

    answer_ms: float
    wait_ms: float
    closed_ms: float
    silent_ms: float


@dataclass
class _Tap(Observer):
    """When what was decided, by the machine's clock."""

    decided: dict[str, list[float]] = field(default_factory=lambda: {"end": [], "commit": []})

    def on_action(self, action: Action) -> None:
        match action:
            case act.StopMic(tell=True):
                self.decided["end"].append(time.monotonic())
            case act.SendInterrupt(interrupt) if interrupt.phase is Phase.CONFIRMED:
                self.decided["commit"].append(time.monotonic())


@dataclass
class _Stage:
    session: VoiceSession
    room: Room
    tts: MockTts
    tap: _Tap
    wavs: dict[str, Path]

    def say(self) -> float:
        """The user says his command; when its last sound is at the microphone."""
        begin_ns = time.monotonic_ns() + 200_000_000
        self.room.say(self.wavs[_USER], at_ns=begin_ns)
        return begin_ns / 1e9 + _end_of(self.wavs[_USER])

    async def until(self, state: SessionState) -> None:
        async with asyncio.timeout(_SOON_S):
            while self.session.state is not state:
                await asyncio.sleep(0.01)

    async def played(self, ms: int) -> SayHandle:
        """Waits until so much of what is spoken now has left the loudspeaker."""
        player = self.session.service.engine.player
        async with asyncio.timeout(_SOON_S):
            while True:
                handle, reply = self.session.speaking, player.reply
                if handle and reply and reply.turn == handle.turn and player.position.played >= ms:
                    return handle
                await asyncio.sleep(0.01)


def _end_of(wav: Path) -> float:
    """Where its last sound is, in s."""
    samples = _samples(wav).astype(np.float64)
    loud = np.flatnonzero(np.abs(samples) > np.abs(samples).max() * 10 ** (_END_DB / 20))
    return float(loud[-1]) / RATE_HZ


def _from_its_first_sound(samples: Samples) -> Samples:
    """Whoever made it recorded a moment of silence first, which would be counted as ours."""
    return samples[np.flatnonzero(np.abs(samples) > 2 * _AUDIBLE)[0] :]


def _samples(path: Path) -> Samples:
    with wave.open(str(path)) as file:
        samples: Samples = np.frombuffer(file.readframes(file.getnframes()), "<i2")
    return samples


@asynccontextmanager
async def _stage(directory: Path) -> AsyncIterator[_Stage]:
    wavs = user_wavs(directory, ser_db=0.0)
    with Room(directory / "room", room_config("16k")) as room:
        os.environ.update(room.env)
        tap = _Tap()
        # the voice detector of a real room, and no recogniser that takes its time
        async with (
            MockStt(lambda samples: COMMAND) as stt,
            MockDialog(keyword_agent({}, ANSWER)) as dialog,
            MockTts({ANSWER: _from_its_first_sound(recording("heart_medium_67966"))}) as tts,
        ):
            config = Config(
                mode=Mode.STANDALONE,
                hub=Hub(announce=False),
                stt=Stt(uri=stt.uri),
                dialog=Dialog(uri=dialog.uri),
                tts=Tts(uri=tts.uri),
                wake=Wake(words=()),
            )
            settings = AlsaSettings("mic", "speaker")
            async with VoiceSession.from_config(config, lambda: open_card(settings), tap) as session:
                await asyncio.to_thread(room.load, wavs[_USER])
                # the start-up sound
                await asyncio.sleep(2.5)
                yield _Stage(session, room, tts, tap, wavs)


async def measure(count: int, directory: Path) -> tuple[list[Times], int]:
    """So many rounds: a command is answered, the answer is talked over, and the next answer is cancelled.

    And how many besides in which the user was not heard over the answer: at most as many.
    """
    noted: list[tuple[float, ...]] = []
    missed = 0
    async with _stage(directory) as stage:
        while len(noted) < count and missed < count:
            note = await _round(stage)
            missed += note is None
            if note is not None:
                noted.append(note)
        room = stage.room
    epoch_s = room.events("epoch")[0]["t_ns"] / 1e9
    cone = speaker_record(room)
    loud = np.flatnonzero(np.abs(cone) > _AUDIBLE) / RATE_HZ + epoch_s
    return [_times(loud, *times) for times in noted], missed


async def _round(stage: _Stage) -> tuple[float, ...] | None:
    session, tap = stage.session, stage.tap
    stage.tts._pace = None
    session.listen()
    ended_s = await asyncio.to_thread(stage.say)
    await stage.until(SessionState.SPEAKING)
    answer = session.speaking
    assert answer is not None
    decided_s = tap.decided["end"][-1]
    await answer.wait_for_playout()
    # a server that is caught in the middle of its sentence
    stage.tts._pace = 1.0
    handle = await session.say(ANSWER)
    await stage.played(800)
    closed, commits = len(stage.tts.closed_at_s), len(tap.decided["commit"])
    await asyncio.to_thread(stage.say)
    if not (await handle.wait_for_playout()).was_interrupted:
        # a miss, which is what the bench counts; here only what comes after a hit is measured
        return None
    async with asyncio.timeout(_SOON_S):
        while len(stage.tts.closed_at_s) == closed:
            await asyncio.sleep(0.001)
    closed_ms = (stage.tts.closed_at_s[closed] - tap.decided["commit"][commits]) * 1000
    # and the answer to that is cancelled
    await stage.until(SessionState.SPEAKING)
    answer = await stage.played(700)
    cancelled_s = time.monotonic()
    answer.cancel()
    await asyncio.sleep(1.0)
    return ended_s, decided_s, closed_ms, cancelled_s


def _times(loud_s: np.ndarray, ended_s: float, decided_s: float, closed_ms: float, cancelled_s: float) -> Times:
    first_s = loud_s[loud_s > decided_s][0]
    last_s = loud_s[(loud_s > cancelled_s - 0.05) & (loud_s < cancelled_s + 0.5)][-1]
    return Times((first_s - decided_s) * 1000, (first_s - ended_s) * 1000, closed_ms, (last_s - cancelled_s) * 1000)


def main() -> None:
    """Prints the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, default=10)
    parser.add_argument("--json", action="store_true")
    args = parser.parse_args()
    logging.getLogger("satellite").setLevel(logging.ERROR)
    with tempfile.TemporaryDirectory() as directory:
        found, missed = asyncio.run(measure(args.count, Path(directory)))
    if args.json:
        print(json.dumps([vars(times) for times in found], indent=1))
        return
    print(
        f"{len(found)} rounds on the virtual card, mock servers that answer at once; {missed} besides in which nobody was heard"
    )
    for key in ("answer_ms", "wait_ms", "closed_ms", "silent_ms"):
        values = [getattr(times, key) for times in found]
        print(f"  {key:<10} median {np.median(values):6.1f}   worst {max(values):6.1f}")


if __name__ == "__main__":
    main()
