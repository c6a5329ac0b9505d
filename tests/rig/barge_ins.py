"""Barge-ins through the real ALSA API: the daemon on the virtual card, a mock hub on loopback, recorded users, real echo.

    python -m tests.rig.barge_ins [--count N] [--card 16k|44k|48k|array] [--ser DB] [--json]

prints when the loudspeaker yielded, read off the card's own record. The user's words are those of the package, through the
room's response at 2 m, at a speech-to-echo ratio that is printed; the reply changes from turn to turn so that stale sound
shows. An answer that plays to its end although the user talks is a miss, and is counted.
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
from typing import Any

import numpy as np
import soxr

from satellite.audio.alsa import AlsaSettings, open_card
from satellite.audio.card import Samples
from satellite.config import Config, Hub, Wake
from satellite.core.actions import Action, StreamMic
from satellite.core.units import RATE_HZ, Frames
from satellite.mock.agent import Agent
from satellite.mock.hub import MockHub
from satellite.mock.recogniser import TemplateRecogniser
from satellite.mock.recordings import ANSWER, SPOKEN, SPOKEN_S, recording
from satellite.mock.stt import MockStt
from satellite.mock.tts import MockTts
from satellite.observer import Observer
from satellite.service import Service
from satellite.simulate.measure import SILENT_GAIN, measure_yield
from satellite.simulate.signals import active_level_db, convolved, signal
from tests.rig.room import Room

ECHO_DB = -10.0
CARDS: dict[str, dict[str, Any]] = {
    "16k": {"rates": [16000], "channels": [1, 1], "formats": ["S16_LE"]},
    "44k": {"rates": [44100], "channels": [2, 2], "formats": ["S32_LE"]},
    "48k": {"rates": [48000], "channels": [2, 2], "formats": ["S16_LE"]},
    # returns what it plays in its last channel, which is the reference
    "array": {"rates": [16000], "channels": [6, 6], "formats": ["S16_LE"]},
}
ARRAY_CHANNELS = ["mic", "mic", "mic", "mic", "mic", "ref"]
SECOND_ANSWER = "And here is something else, which nobody may hear in the wrong place, however often they ask for it."
USERS = ("tts_lights_heart", "tts_lights_joe")
# into the answer: its middle, and not twice at the same word
BEGIN_S = (1.6, 2.3, 1.2, 2.0)
PATIENCE_S = 10.0


@dataclass
class Tap(Observer):
    """What the daemon's microphone path gave, and from where it was sent."""

    heard: dict[int, bytes] = field(default_factory=dict)
    streamed_from: list[int] = field(default_factory=list)

    def on_heard(self, first: Frames, pcm: bytes) -> None:
        self.heard[first] = pcm

    def on_action(self, action: Action) -> None:
        if isinstance(action, StreamMic):
            self.streamed_from.append(action.first)

    def audio(self, first: int, count: int) -> bytes:
        """That many frames from there on, without a gap; KeyError if there is one."""
        start = first // 160 * 160
        data = b"".join(self.heard[at] for at in range(start, first + count, 160))
        return data[(first - start) * 2 : (first - start + count) * 2]


@dataclass
class BargeIn:
    """One interruption: times in ms from the user's first sound at the microphone."""

    ducked_ms: float | None
    silent_ms: float | None
    provisional_ms: float | None
    confirmed_ms: float
    understood: str
    exact: bool
    """Whether the server got the microphone from the pre-roll on, sample by sample."""
    stale_ms: float
    """How much of the old reply sounded after its stop and the 8 ms fade."""


@dataclass
class Bench:
    """A daemon in a room."""

    room: Room
    service: Service
    tap: Tap
    hub: MockHub
    stt: MockStt
    wavs: dict[str, Path]

    @staticmethod
    def answer_of(turn: int) -> str:
        """What the agent says to the n-th command, from 1."""
        return ANSWER if turn % 2 else SECOND_ANSWER


def alternating() -> Agent:
    """Answers with one text, then the other."""
    turns = 0

    async def answer(text: str) -> AsyncIterator[str]:
        nonlocal turns
        turns += 1
        yield Bench.answer_of(turns)

    return answer


def answers() -> dict[str, Samples]:
    """The second is the first one backwards in time: as loud, as long, and never alike."""
    first = recording("heart_medium_67966")
    return {ANSWER: first, SECOND_ANSWER: np.ascontiguousarray(first[::-1])}


def user_wavs(directory: Path, ser_db: float) -> dict[str, Path]:
    """The user's recordings through the room, at their level at the microphone."""
    talker_ir = signal(recording("sim7_talk2m"))
    echo_db = active_level_db(signal(recording("heart_medium_67966"))) + ECHO_DB
    paths = {}
    for name in (*USERS, "tts_alexa_joe", "cough_synth_1", "tts_stop_joe"):
        wet = convolved(signal(recording(name)), talker_ir)
        wet *= 10 ** ((echo_db + ser_db - active_level_db(wet)) / 20)
        paths[name] = directory / f"{name}.wav"
        with wave.open(str(paths[name]), "wb") as file:
            file.setparams((1, 2, RATE_HZ, 0, "NONE", ""))
            file.writeframes((wet * 32767).astype("<i2").tobytes())
    return paths


def room_config(card: str) -> dict[str, Any]:
    """A room with the loudspeaker 8 cm from the microphone."""
    ir = Path(__file__).parents[2] / "satellite/demo/recordings/sim7_spk8cm.wav"
    return {
        "speaker": CARDS[card],
        "mic": {**CARDS[card], "map": ARRAY_CHANNELS} if card == "array" else CARDS[card],
        "echo": {"ir": str(ir), "gain_db": ECHO_DB},
        "noise": {"dbfs": -62},
    }


@asynccontextmanager
async def bench(card: str, directory: Path, ser_db: float, tap: Tap | None = None, **sections: Any) -> AsyncIterator[Bench]:
    """Opens the room, starts the daemon in this process, and connects a hub; `sections` are of the configuration."""
    wavs = user_wavs(directory, ser_db)
    with Room(directory / "room", room_config(card)) as room:
        os.environ.update(room.env)
        tap = tap or Tap()
        rate_hz = CARDS[card]["rates"][0]
        settings = AlsaSettings("mic", "speaker", rate_hz, loopback_channel=5 if card == "array" else None)
        hub = Hub(host="127.0.0.1", port=0, announce=False)
        config = Config(hub=hub, wake=Wake(words=("alexa",)), **sections)
        service = Service(config, lambda: open_card(settings), tap)
        known = [(SPOKEN[name], recording(name)) for name in (*USERS, "tts_stop_joe")]
        async with MockStt(TemplateRecogniser(known).recognise) as stt, MockTts(answers()) as tts:
            port = await service.start()
            try:
                async with MockHub("127.0.0.1", port, stt.uri, tts.uri, alternating()) as hub:
                    for wav in wavs.values():
                        await asyncio.to_thread(room.load, wav)
                    # the start-up sound
                    await asyncio.sleep(2.0)
                    yield Bench(room, service, tap, hub, stt, wavs)
            finally:
                await service.stop()


async def ask(b: Bench) -> None:
    """A wake word and a command, until the answer begins."""
    answers_begun = len(b.hub.journal.of("audio-start", "sent"))
    await asyncio.to_thread(b.room.say, b.wavs["tts_alexa_joe"], after_ms=100)
    await asyncio.to_thread(b.room.say, b.wavs["tts_lights_joe"], after_ms=1500)
    await b.hub.journal.wait_for("audio-start", answers_begun + 1, PATIENCE_S, "sent")


async def barge_in(b: Bench, number: int) -> dict[str, Any] | None:
    """Talks over the answer that has just begun: what has to be measured later; None if the answer played to its end."""
    journal = b.hub.journal
    confirmed, played = len(journal.of("interrupt", phase="confirmed")), len(journal.of("played"))
    starts = len(journal.of("audio-start", "sent"))
    reply = b.answer_of(starts)
    name = USERS[number % len(USERS)]
    begin_ns = time.monotonic_ns() + int(BEGIN_S[number % len(BEGIN_S)] * 1e9)
    await asyncio.to_thread(b.room.say, b.wavs[name], at_ns=begin_ns)
    # both an interruption and an answer's end say `played`
    await journal.wait_for("played", played + 1, PATIENCE_S)
    told = journal.of("interrupt", phase="confirmed")
    if len(told) == confirmed:
        return None
    entry = told[confirmed]
    provisional = journal.of("interrupt", phase="provisional", id=entry.data["id"])
    sent_from = b.tap.streamed_from[-1]
    is_understood = await _answered(b, starts + 1)
    received = b.stt.requests[-1].tobytes()
    return {
        "begin_ns": begin_ns,
        "onset_ns": begin_ns + int((SPOKEN_S[name][0] + 137 / RATE_HZ) * 1e9),
        "confirmed_s": entry.at_s,
        "provisional_s": provisional[-1].at_s if provisional else None,
        "reply": reply,
        "understood": journal.of("transcript", "sent")[-1].data["text"] if is_understood else "",
        "exact": received == b.tap.audio(sent_from, len(received) // 2),
    }


async def _answered(b: Bench, answers: int) -> bool:
    """Whether the hub made a command of the words: at SER -15 dB its recogniser does not always."""
    try:
        await b.hub.journal.wait_for("audio-start", answers, PATIENCE_S, "sent")
    except TimeoutError:
        return False
    return True


async def run(card: str, count: int, directory: Path, ser_db: float) -> tuple[list[BargeIn], int]:
    """So many answers talked over in a row, and how many besides were missed (at most as many)."""
    noted: list[dict[str, Any]] = []
    missed = 0
    async with bench(card, directory, ser_db) as b:
        await ask(b)
        while len(noted) < count and missed < count:
            note = await barge_in(b, len(noted) + missed)
            if note is not None:
                noted.append(note)
            missed += note is None
            if note is None or not note["understood"]:
                await ask(b)
        room = b.room
    return [_measured(room, note) for note in noted], missed


def _measured(room: Room, note: dict[str, Any]) -> BargeIn:
    epoch = room.events("epoch")[0]["t_ns"]
    cone = speaker_record(room)
    reply = answers()[note["reply"]]
    onset = int((note["onset_ns"] - epoch) * RATE_HZ / 1e9)
    drops = [e["t_ns"] for e in room.events("stop") if e["stream"] == "speaker" and e["reason"] == "drop"]
    drop_ns = max((t for t in drops if note["onset_ns"] < t < note["confirmed_s"] * 1e9), default=None)
    dropped = None if drop_ns is None else (drop_ns - epoch) * RATE_HZ // 10**9
    return BargeIn(
        measure_yield(cone, reply, onset).ducked_ms,
        None if dropped is None else _silent_ms(cone, reply, onset, dropped),
        (note["provisional_s"] * 1e9 - note["onset_ns"]) / 1e6 if note["provisional_s"] else None,
        (note["confirmed_s"] * 1e9 - note["onset_ns"]) / 1e6,
        note["understood"],
        note["exact"],
        float("inf") if dropped is None else _stale_ms(cone, dropped),
    )


def silence_ms(room: Room, answer: str, onset_ns: int) -> float:
    """Of a reply that was stopped after somebody's onset: from there to its last sound."""
    epoch = room.events("epoch")[0]["t_ns"]
    drops = [e["t_ns"] for e in room.events("stop") if e["stream"] == "speaker" and e["reason"] == "drop"]
    onset, dropped = (int((at_ns - epoch) * RATE_HZ / 1e9) for at_ns in (onset_ns, min(t for t in drops if t > onset_ns)))
    return _silent_ms(speaker_record(room), answers()[answer], onset, dropped)


def _silent_ms(cone: Samples, reply: Samples, onset: int, dropped: int) -> float:
    """From the user's onset to the last sound within 40 dB of the reply's level; 0 if the reply was in a pause."""
    level = float(np.sqrt(np.mean(reply.astype(np.float64) ** 2)))
    loud = np.flatnonzero(np.abs(cone[onset : dropped + _FADE_FRAMES]) > SILENT_GAIN * level)
    return float(loud[-1] + 1) / 16 if len(loud) else 0.0


# 1 ms of converter, 8 ms of fade, 3 ms for the filters of converter and resampler
_FADE_FRAMES = 12 * 16


def _stale_ms(cone: Samples, dropped: int) -> float:
    """What sounds between the end of the fade and the next reply, whose beginning is no earlier than half a second later."""
    after = cone[dropped + _FADE_FRAMES : dropped + RATE_HZ // 2]
    return float(np.count_nonzero(np.abs(after) > 3)) / 16


def speaker_record(room: Room) -> Samples:
    """What has left the loudspeaker, at 16 kHz, from the room's epoch on."""
    with wave.open(str(room.dir / "speaker.wav")) as file:
        samples = np.frombuffer(file.readframes(file.getnframes()), "<i2")
        rate_hz = file.getframerate()
    resampled: Samples = soxr.resample(samples, rate_hz, RATE_HZ)
    return resampled


def main() -> None:
    """Prints the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, default=20)
    parser.add_argument("--card", choices=CARDS, default="16k")
    parser.add_argument("--ser", type=float, default=-10.0, metavar="DB", help="speech-to-echo ratio (default: %(default)s)")
    parser.add_argument("--json", action="store_true")
    args = parser.parse_args()
    logging.getLogger("satellite").setLevel(logging.ERROR)
    with tempfile.TemporaryDirectory() as directory:
        found, missed = asyncio.run(run(args.card, args.count, Path(directory), args.ser))
    if args.json:
        print(json.dumps([vars(b) for b in found], indent=1))
        return
    print(f"{len(found)} barge-ins, {missed} missed, {args.card} card, SER {args.ser:.0f} dB; ms from the user's onset")
    for key in ("ducked_ms", "silent_ms", "provisional_ms", "confirmed_ms"):
        values = [value for b in found if (value := getattr(b, key)) is not None]
        row = "".join(f"  {name} {np.percentile(values, q):5.0f}" for name, q in (("p50", 50), ("p95", 95))) if values else ""
        print(f"  {key:<16}{row}   n={len(values)}")
    print(f"  sample-exact at the server: {sum(b.exact for b in found)} of {len(found)}")
    print(f"  understood: {sum(b.understood == SPOKEN[USERS[0]] for b in found)} of {len(found)}")
    print(f"  stale sound: {max(b.stale_ms for b in found):.2f} ms at most")


if __name__ == "__main__":
    main()
