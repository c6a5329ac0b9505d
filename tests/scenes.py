"""Barge-ins of a corpus in virtual time: real canceller, detectors, reflex and player on a simulated card in simulated rooms.

    python -m tests.scenes --corpus DIR [--half 0|1] [--scenes N]

prints how soon users are noticed and held over a reply, by speech-to-echo ratio, beside one-window voice detection of the
same scenes without echo; what replies alone set off; and what becomes of short words and coughs. DIR has a manifest.csv
(path, kind, speaker, onset, end, duration, label_ok), folders with 16 kHz mono WAV files, and room responses rir/simN_spk8cm
and rir/simN_talk2m. Thresholds were chosen on half 0 of speakers and rooms; figures are those of half 1.
"""

import argparse
import csv
import wave
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from satellite.audio import commands as cmd
from satellite.audio.card import Samples
from satellite.audio.engine import AudioEngine
from satellite.audio.reply import Reply
from satellite.audio.whoosh import whoosh
from satellite.core import events as ev
from satellite.core.burst import Burst, BurstRule, Judgement
from satellite.core.reflex import ReflexRule
from satellite.core.say import Allow
from satellite.core.units import PERIOD_FRAMES, RATE_HZ, Frames
from satellite.detect.canceller import EchoCanceller
from satellite.detect.loop_delay import measure_loop_delay
from satellite.detect.near_end import NearEnd
from satellite.detect.silero import SileroVad
from satellite.detect.voicing import voicing
from satellite.simulate.card import SimulatedCard
from satellite.simulate.clock import VirtualClock
from satellite.simulate.room import Room, ser_gain_db
from satellite.simulate.signals import signal

NOISE_DBFS = -62.0
WARM_UP_DBFS = -26.0
# longer is not needed to be heard, and the next scene begins sooner
LONGEST_WORDS_S = 1.6
# whoever is not held by then has been missed
MISSED_MS = 1000
SHORT_S = 0.6


@dataclass(frozen=True)
class Clip:
    """A sound of the corpus, without the silence around it."""

    path: str
    speaker: str
    samples: Samples


class Corpus:
    """What of a corpus belongs to a half of its speakers and rooms. The agent's replies are the same for both."""

    def __init__(self, root: Path, half: int) -> None:
        self._root = root
        rows = list(csv.DictReader((root / "manifest.csv").open()))
        speakers = sorted({row["speaker"] for row in rows if row["kind"] == "speech"})
        mine = set(speakers[half::2])
        speech = [row for row in rows if row["kind"] == "speech" and row["label_ok"] == "1" and row["speaker"] in mine]
        self.users = [self._clip(row) for row in speech]
        self.words = [self._clip(row) for row in speech if float(row["end"]) - float(row["onset"]) < SHORT_S]
        self.coughs = [self._clip(row) for row in rows if row["kind"] == "backchannel" and "cough" in row["path"]][half::2]
        self.replies = [self.wav(row["path"]) for row in rows if row["kind"] == "tts" and float(row["duration"]) >= 4.0]
        numbers = sorted(p.name.split("_")[0] for p in (root / "rir").glob("sim*_spk8cm.wav"))
        middle = (len(numbers) + 1) // 2
        self.rooms = numbers[:middle] if half == 0 else numbers[middle:]

    def wav(self, path: str) -> Samples:
        """One file."""
        with wave.open(str(self._root / path)) as file:
            return np.frombuffer(file.readframes(file.getnframes()), "<i2")

    def room(self, name: str) -> Room:
        """Loudspeaker at 8 cm, talker at 2 m; both responses of one room share a gain."""
        noise = (np.random.default_rng(1).standard_normal(10 * RATE_HZ) * 10 ** (NOISE_DBFS / 20)).astype(np.float32)
        return Room(signal(self.wav(f"rir/{name}_spk8cm.wav")), signal(self.wav(f"rir/{name}_talk2m.wav")), noise)

    def _clip(self, row: dict[str, str]) -> Clip:
        begin = int(float(row["onset"] or 0) * RATE_HZ)
        end = min(int(float(row["end"] or row["duration"]) * RATE_HZ), begin + int(LONGEST_WORDS_S * RATE_HZ))
        return Clip(row["path"], row["speaker"], self.wav(row["path"])[begin:end])


@dataclass
class Stage:
    """One satellite in one room, from its start on."""

    room: Room
    engine: AudioEngine = field(init=False)
    told: list[tuple[int, cmd.Report]] = field(default_factory=list)
    turn: int = 0

    def __post_init__(self) -> None:
        clock = VirtualClock(100.0)
        self.engine = AudioEngine(EchoCanceller(), SileroVad(), NearEnd(), voicing, ReflexRule(), clock.now_s)
        self.engine.attach(SimulatedCard(self.room, clock))
        self.let_pass(0.3)
        self.engine.commands.append(cmd.PlaySound(whoosh(RATE_HZ, WARM_UP_DBFS)))
        self.let_pass(1.5)

    def let_pass(self, seconds: float) -> None:
        """Lives for so long, and notes what is reported."""
        for _ in range(round(seconds * RATE_HZ / PERIOD_FRAMES)):
            self.engine.step()
            while self.engine.reports:
                self._take(self.engine.reports.popleft())

    def play(self, samples: Samples) -> None:
        """Begins a reply."""
        self.turn += 1
        reply = Reply(self.turn, RATE_HZ)
        reply.append(samples)
        reply.finish()
        self.engine.commands.append(cmd.PlayReply(reply, Allow.SPEECH))

    def say(self, words: Samples, reply: Samples, ser_db: float) -> Frames:
        """Lets somebody talk a tenth of a second from now: the frame of the microphone's stream at which he is heard."""
        lag = self.engine.frame - self.room.end_frame
        said = self.room.say(words, self.room.end_frame + RATE_HZ // 10, ser_gain_db(self.room, reply, words, ser_db))
        return Frames(said.onset_frame + lag)

    def end(self) -> None:
        """Stops the reply, and forgets that there were false alarms: the next scene is another day."""
        self.engine.commands.append(cmd.StopReply(self.turn, False))
        self.let_pass(1.2)
        self.engine.reflex = replace(self.engine.reflex, false_alarms=())

    def _take(self, report: cmd.Report) -> None:
        match report:
            case cmd.Heard():
                pass
            case cmd.EchoSample(reference, microphone):
                if (delay := measure_loop_delay(reference, microphone)) is not None:
                    self.engine.commands.append(cmd.SetLoopDelay(delay.frames))
            case _:
                self.told.append((self.engine.frame, report))


# ---- scenes


@dataclass(frozen=True)
class Noticed:
    """When a user was noticed, in ms from his first sound at the microphone; None: not in time."""

    ducked_ms: float | None
    held_ms: float | None
    voice_ms: float | None
    """The first window that is speech to the voice detector."""


def users(corpus: Corpus, ser_db: float, per_room: int, with_echo: bool = True) -> Iterator[Noticed]:
    """So many users in each room talk over replies, at random places of them."""
    dice = np.random.default_rng(3)
    for name in corpus.rooms:
        stage = Stage(corpus.room(name))
        for index in dice.permutation(len(corpus.users))[:per_room]:
            reply = corpus.replies[dice.integers(len(corpus.replies))]
            into_s = dice.uniform(0.4, len(reply) / RATE_HZ - 1.7)
            yield _user(stage, corpus.users[index].samples, reply, into_s, ser_db, with_echo)


def _user(stage: Stage, words: Samples, reply: Samples, into_s: float, ser_db: float, with_echo: bool) -> Noticed:
    if with_echo:
        stage.play(reply)
    stage.let_pass(into_s)
    onset, before = stage.say(words, reply, ser_db), len(stage.told)
    stage.let_pass(0.1 + MISSED_MS / 1000)
    told = [((frame - onset) * 1000 / RATE_HZ, report) for frame, report in stage.told[before:]]
    stage.let_pass(LONGEST_WORDS_S - MISSED_MS / 1000)
    stage.end()
    return Noticed(
        next((ms for ms, r in told if isinstance(r, cmd.Ducked) and r.is_ducked and ms > 0), None),
        next((ms for ms, r in told if isinstance(r, ev.Held) and ms > 0), None),
        next((ms for ms, r in told if isinstance(r, ev.VoiceWindow) and r.probability >= 0.5 and ms > 0), None),
    )


def alone(corpus: Corpus) -> tuple[float, int, int]:
    """Every reply in every room, and nobody there: hours, dips, and false stops."""
    seconds, dips, stops = 0.0, 0, 0
    for name in corpus.rooms:
        stage = Stage(corpus.room(name))
        for reply in corpus.replies:
            before = len(stage.told)
            stage.play(reply)
            stage.let_pass(len(reply) / RATE_HZ + 0.3)
            seconds += len(reply) / RATE_HZ
            told = [report for _, report in stage.told[before:]]
            dips += sum(isinstance(r, cmd.Ducked) and r.is_ducked for r in told)
            stops += sum(isinstance(r, ev.Held) for r in told)
            stage.end()
    return seconds / 3600, dips, stops


def judged(corpus: Corpus, clips: Sequence[Clip], ser_db: float) -> tuple[int, int, int]:
    """Short sounds over replies, once in each room: how many there were, held the reply, and were taken for words."""
    dice = np.random.default_rng(5)
    held = words = count = 0
    for name in corpus.rooms:
        stage = Stage(corpus.room(name))
        for clip in clips:
            reply = corpus.replies[dice.integers(len(corpus.replies))]
            stage.play(reply)
            stage.let_pass(dice.uniform(0.5, len(reply) / RATE_HZ - 2.5))
            before = len(stage.told)
            stage.say(clip.samples, reply, ser_db)
            stage.let_pass(2.0)
            verdict = _verdict([report for _, report in stage.told[before:]])
            stage.end()
            count += 1
            held += verdict is not None
            words += verdict is Judgement.WORDS
    return count, held, words


def _verdict(told: Sequence[cmd.Report]) -> Judgement | None:
    """What the conversation would make of it; None if nothing held the reply."""
    rule, burst, hold = BurstRule(), Burst(), None
    for report in told:
        if isinstance(report, ev.Held):
            hold = report
        elif isinstance(report, ev.VoiceWindow):
            burst = burst.add(report)
            if hold is not None and (verdict := burst.around(hold.onset, rule).judge(rule)) is not Judgement.OPEN:
                return verdict
    return None if hold is None else Judgement.NOISE


# ---- figures


def _spread(values: Sequence[float | None]) -> str:
    known = [value for value in values if value is not None]
    return f"{np.percentile(known, 50):4.0f} / {np.percentile(known, 95):4.0f}" if known else "   - /    -"


def main() -> None:
    """Prints the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--corpus", type=Path, required=True, metavar="DIR")
    parser.add_argument("--half", type=int, choices=(0, 1), default=1, help="of speakers and rooms (default: %(default)s)")
    parser.add_argument("--scenes", type=int, default=30, metavar="N", help="in each room (default: %(default)s)")
    parser.add_argument("--ser", type=float, nargs="+", default=[0.0, -10.0, -15.0], metavar="DB")
    args = parser.parse_args()
    corpus = Corpus(args.corpus, args.half)
    print(f"half {args.half}: {len(corpus.users)} utterances, rooms {', '.join(corpus.rooms)}; ms from the onset, median / p95")
    for ser_db in args.ser:
        found = list(users(corpus, ser_db, args.scenes))
        clear = list(users(corpus, ser_db, args.scenes, with_echo=False))
        missed, unheard = sum(n.held_ms is None for n in found), sum(n.voice_ms is None for n in clear)
        print(
            f"SER {ser_db:+4.0f} dB  ducked {_spread([n.ducked_ms for n in found])}  held {_spread([n.held_ms for n in found])}"
            f"  missed {missed} of {len(found)}   without echo, one window of the voice detector: "
            f"{_spread([n.voice_ms for n in clear])}  missed {unheard}",
            flush=True,
        )
    hours, dips, stops = alone(corpus)
    print(
        f"replies alone, {hours:.2f} h: {stops} false stops (95 %: <= {_bound(stops) / hours:.0f} / h), {dips} dips", flush=True
    )
    for ser_db in args.ser[:2]:
        for name, clips in (("words under 0.6 s", corpus.words), ("coughs", corpus.coughs)):
            count, held, words = judged(corpus, clips, ser_db)
            print(f"SER {ser_db:+4.0f} dB  {name}: {held} of {count} hold the reply, {words} end it", flush=True)


def _bound(events: int) -> float:
    """The 95 % upper bound of a rate of which so many events were seen (exact for none, close for a few)."""
    return 3.0 if events == 0 else events + 1.65 * events**0.5 + 2.0


if __name__ == "__main__":
    main()
