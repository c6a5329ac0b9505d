"""What each wake word engine hears and mishears: `python -m tests.wake_words --corpus DIR [--engine micro|open|all]`.

DIR holds manifest.csv (path, kind, text, duration, onset), the recordings it names, and rir/*_talk2m.wav and *_spk8cm.wav.
Every recording is heard once in each condition, in one long stream per room, by one detector with all the engine's words at
their own thresholds: as it was recorded; from 2 m in a room; and so over our own reply, through the daemon's echo canceller,
which has converged. The ratio of speech to echo (SER) is of the active levels at the microphone.

A hit is a detection of the right word from 0.2 s before its onset to 1 s after the recording. Everything else that is detected
is a false accept. Bare "jarvis" is no word and sounds like one, so it is counted apart.
"""

import argparse
import csv
import wave
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from satellite.core.units import PERIOD_FRAMES, RATE_HZ
from satellite.detect.canceller import EchoCanceller
from satellite.detect.micro_wake import MicroEngine
from satellite.detect.open_wake import OpenEngine
from satellite.detect.wake import WakeDetector
from satellite.detect.wake_engine import MakeEngine, WakeWordSettings
from satellite.simulate.signals import Signal, active_level_db, convolved, pcm, signal

WORDS = {
    "micro": ("okay_nabu", "hey_jarvis", "hey_mycroft", "alexa"),
    "open": ("okay_nabu", "hey_jarvis", "hey_mycroft", "alexa", "hey_rhasspy"),
}
ENGINES: dict[str, MakeEngine] = {"micro": MicroEngine, "open": OpenEngine}

# no word of an engine has to be within a sentence of one
OTHER_SPEECH = ("speech", "tts", "backchannel")
NEAR = "jarvis"

# longer than a word may not be heard again, and time for the canceller at the start
GAP_S = 2.5
WARM_UP_S = 10.0
EARLY_S, LATE_S = 0.2, 1.0

# a talker at 2 m, our own reply beside the microphone, and a quiet room, as the microphone hears them
TALKER_DBFS, ECHO_DBFS, NOISE_DBFS = -36.0, -26.0, -70.0
# from the write to the microphone
LOOP_FRAMES = 480


@dataclass(frozen=True, slots=True)
class Clip:
    """One recording."""

    kind: str
    text: str
    onset_s: float
    sound: Signal

    @property
    def word(self) -> str:
        """The name of the wake word in it, if it is one."""
        return self.text.lower().replace(" ", "_") if self.kind == "wake" else ""


@dataclass(slots=True)
class Counts:
    """What one engine made of one condition."""

    said: Counter[str] = field(default_factory=Counter)
    hit: Counter[str] = field(default_factory=Counter)
    negatives: int = 0
    negatives_taken: int = 0
    near: int = 0
    near_taken: int = 0
    other_s: float = 0.0
    other_taken: Counter[str] = field(default_factory=Counter)


@dataclass(frozen=True, slots=True)
class Condition:
    """How the recordings are heard: `ser_db` is None where nothing is said over them."""

    name: str
    in_room: bool
    ser_db: float | None = None


CONDITIONS = (
    Condition("as recorded", in_room=False),
    Condition("2 m away", in_room=True),
    Condition("over our reply, SER 0 dB", in_room=True, ser_db=0.0),
    Condition("over our reply, SER -10 dB", in_room=True, ser_db=-10.0),
)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--corpus", type=Path, required=True)
    parser.add_argument("--engine", choices=[*ENGINES, "all"], default="all")
    args = parser.parse_args()
    clips = list(_clips(args.corpus))
    rooms = sorted(path.name.removesuffix("_talk2m.wav") for path in (args.corpus / "rir").glob("*_talk2m.wav"))
    for name in ENGINES if args.engine == "all" else (args.engine,):
        print(f"\n{name}: words heard | other words taken for one | bare {NEAR!r} taken for one | false accepts in other speech")
        for condition in CONDITIONS:
            counts = Counts()
            for index, room in enumerate(rooms if condition.in_room else rooms[:1]):
                part = clips[index :: len(rooms)] if condition.in_room else clips
                _listen(name, part, condition, args.corpus, room, counts)
            _print(name, condition, counts)


def _clips(corpus: Path) -> Iterator[Clip]:
    with (corpus / "manifest.csv").open(newline="") as file:
        for row in csv.DictReader(file):
            if row["kind"] in ("wake", "wake_negative", *OTHER_SPEECH):
                yield Clip(row["kind"], row["text"], float(row["onset"] or 0.0), _read(corpus / row["path"]))


def _read(path: Path) -> Signal:
    with wave.open(str(path)) as file:
        assert (file.getframerate(), file.getnchannels(), file.getsampwidth()) == (RATE_HZ, 1, 2), path
        return signal(np.frombuffer(file.readframes(file.getnframes()), np.int16))


# ---- one stream


def _listen(engine: str, clips: Sequence[Clip], condition: Condition, corpus: Path, room: str, counts: Counts) -> None:
    """Plays the clips to a detector one after the other, and adds what it hears."""
    begins, near = _talk(clips, condition, corpus, room)
    clean = near if condition.ser_db is None else _over_reply(near, corpus, room)
    detector = WakeDetector([WakeWordSettings(word) for word in WORDS[engine]], ENGINES[engine])
    samples = pcm(clean)
    heard = [
        (found.name, found.end_frame / RATE_HZ)
        for at in range(0, len(samples) - PERIOD_FRAMES + 1, PERIOD_FRAMES)
        for found in detector.process(samples[at : at + PERIOD_FRAMES])
    ]
    for clip, begin_s in zip(clips, begins, strict=True):
        end_s = begin_s + len(clip.sound) / RATE_HZ + LATE_S
        inside = [name for name, at_s in heard if begin_s + clip.onset_s - EARLY_S <= at_s <= end_s]
        heard = [found for found in heard if not begin_s <= found[1] <= end_s]
        _count(clip, inside, engine, counts)
    # in the gaps, which hold our reply or nothing
    counts.other_taken.update(name for name, _ in heard)
    counts.other_s += len(clips) * GAP_S if condition.ser_db is not None else 0.0


def _count(clip: Clip, inside: Sequence[str], engine: str, counts: Counts) -> None:
    match clip.kind:
        case "wake" if clip.word in WORDS[engine]:
            counts.said[clip.word] += 1
            counts.hit[clip.word] += clip.word in inside
            counts.other_taken.update(name for name in inside if name != clip.word)
        case "wake_negative" if clip.text.lower() == NEAR:
            counts.near += 1
            counts.near_taken += bool(inside)
        case "wake_negative" | "wake":
            counts.negatives += 1
            counts.negatives_taken += bool(inside)
        case _:
            counts.other_s += len(clip.sound) / RATE_HZ
            counts.other_taken.update(inside)


def _talk(clips: Sequence[Clip], condition: Condition, corpus: Path, room: str) -> tuple[list[float], Signal]:
    """What the microphone hears of the talker, and when each clip begins there, in seconds."""
    gap = np.zeros(int(GAP_S * RATE_HZ), np.float32)
    response = _read(corpus / "rir" / f"{room}_talk2m.wav")
    level_db = TALKER_DBFS if condition.ser_db is None else ECHO_DBFS + condition.ser_db
    parts = [np.zeros(int(WARM_UP_S * RATE_HZ), np.float32)]
    begins, at = [], len(parts[0])
    for clip in clips:
        begins.append(at / RATE_HZ)
        sound = clip.sound
        if condition.in_room:
            sound = convolved(sound, response)[: len(sound) + len(gap)]
            sound = _at_level(sound, level_db)
        parts += [sound, gap[: len(clip.sound) + len(gap) - len(sound)]]
        at += len(clip.sound) + len(gap)
    talk = np.concatenate(parts)
    noise = np.random.default_rng(1).standard_normal(len(talk)) * 10 ** (NOISE_DBFS / 20)
    return begins, (talk + noise).astype(np.float32)


def _over_reply(near: Signal, corpus: Path, room: str) -> Signal:
    """What the canceller leaves of the talker and of a reply that never ends."""
    said = np.concatenate([_read(path) for path in sorted((corpus / "tts").glob("*.wav"))])
    echo_of_it = convolved(said, _read(corpus / "rir" / f"{room}_spk8cm.wav"))[: len(said)]
    gain = 10 ** ((ECHO_DBFS - active_level_db(echo_of_it)) / 20)
    reply, echo = (np.resize(sound, len(near)) for sound in (said, echo_of_it * gain))
    microphone = pcm((near + np.roll(echo, LOOP_FRAMES)).astype(np.float32))
    reference, canceller = pcm(reply), EchoCanceller()
    clean = [
        canceller.process(microphone[at : at + PERIOD_FRAMES], reference[at : at + PERIOD_FRAMES])
        for at in range(0, len(near) - PERIOD_FRAMES + 1, PERIOD_FRAMES)
    ]
    return signal(np.concatenate(clean))


def _at_level(sound: Signal, level_db: float) -> Signal:
    return (sound * 10 ** ((level_db - active_level_db(sound)) / 20)).astype(np.float32)


# ---- the table


def _print(engine: str, condition: Condition, counts: Counts) -> None:
    words = ", ".join(f"{word} {counts.hit[word]}/{counts.said[word]}" for word in WORDS[engine])
    hours, taken = counts.other_s / 3600, counts.other_taken
    which = ", ".join(f"{word} {count}" for word, count in taken.most_common()) or "none"
    print(
        f"{condition.name:<28}{counts.hit.total():>3} of {counts.said.total()} ({words})"
        f" | {counts.negatives_taken} of {counts.negatives} | {counts.near_taken} of {counts.near}"
        f" | {taken.total()} in {hours:.2f} h, {taken.total() / hours:.0f} /h ({which})",
        flush=True,
    )


if __name__ == "__main__":
    main()
