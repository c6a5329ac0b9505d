"""How well the twin run knows the words of our own reply: `python -m tests.wake_twin --corpus DIR [--engine micro|open]`.

Each recording of a wake word is played as our own reply in one of the rooms, at each of the loop delays that occur, and the
microphone hears all of its echo: what a canceller lets through that has not learnt the room. A detection there is ours. It is
missed if the reference has not said the word before it, or longer ago than `WITHIN_MS`; told for the reference at the whole
threshold, and at the share of it that we use. DIR is as for `tests.wake_words`.

Then what it costs the user: so often, and for so long, a word would be vetoed while other speech is our reply.
"""

import argparse
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from satellite.audio.card import Samples
from satellite.core.twin import TWIN_SHARE, WITHIN_MS, Twin
from satellite.core.units import PERIOD_FRAMES, RATE_HZ, Frames, Millis, frames
from satellite.detect.wake import WakeDetector, WakeHeard
from satellite.detect.wake_engine import REFRACTORY_MS, WakeWordSettings
from satellite.simulate.signals import Signal, active_level_db, convolved, pcm
from tests.wake_words import ECHO_DBFS, ENGINES, GAP_S, NOISE_DBFS, OTHER_SPEECH, WORDS, Clip, _clips, _read

DELAYS_MS = (10, 50, 120, 250)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--corpus", type=Path, required=True)
    parser.add_argument("--engine", choices=ENGINES, default="micro")
    args = parser.parse_args()
    clips = list(_clips(args.corpus))
    words = [clip for clip in clips if clip.word in WORDS[args.engine]]
    rooms = sorted(path.name.removesuffix("_spk8cm.wav") for path in (args.corpus / "rir").glob("*_spk8cm.wav"))
    parts = [
        (words[index :: len(rooms)], _read(args.corpus / "rir" / f"{room}_spk8cm.wav"), delay)
        for index, room in enumerate(rooms)
        for delay in DELAYS_MS
    ]
    cutoffs = WakeDetector(_settings(args.engine, _their_own(args.engine)), ENGINES[args.engine]).thresholds
    for share in (1.0, TWIN_SHARE):
        _print_echoes(args.engine, [share * cutoff for cutoff in cutoffs], parts, share)
    others = [clip.sound for clip in clips if clip.kind in OTHER_SPEECH]
    _print_other_speech(args.engine, [TWIN_SHARE * cutoff for cutoff in cutoffs], others)


def _settings(engine: str, thresholds: Sequence[float | None], refractory_ms: int = 0) -> list[WakeWordSettings]:
    return [WakeWordSettings(word, value, Millis(refractory_ms)) for word, value in zip(WORDS[engine], thresholds, strict=True)]


def _their_own(engine: str) -> Sequence[None]:
    return [None] * len(WORDS[engine])


def _print_echoes(
    engine: str, thresholds: Sequence[float], parts: Sequence[tuple[list[Clip], Signal, int]], share: float
) -> None:
    found = missed = 0
    after: list[float] = []
    for clips, response, delay_ms in parts:
        reply = _stream([clip.sound for clip in clips])
        reference = WakeDetector(_settings(engine, thresholds), ENGINES[engine])
        microphone = WakeDetector(_settings(engine, _their_own(engine), REFRACTORY_MS), ENGINES[engine])
        twin, said = Twin(), dict[str, Frames]()
        for ours, theirs in zip(_heard(reference, pcm(reply)), _heard(microphone, _echo(reply, response, delay_ms)), strict=True):
            for word in ours:
                twin.said(word.name, word.end_frame)
                said[word.name] = word.end_frame
            for word in theirs:
                found += 1
                missed += not twin.vetoes(word.name, word.end_frame)
                after += [(word.end_frame - said[word.name]) * 1000 / RATE_HZ] if word.name in said else []
    late = max((ms for ms in after if ms < GAP_S * 1000), default=0.0)
    print(
        f"{engine}, {share:g} of the threshold: {found} found in echoes, {missed} of them missed; at most {late:.0f} ms after it"
    )


def _print_other_speech(engine: str, thresholds: Sequence[float], sounds: Sequence[Signal]) -> None:
    detector = WakeDetector(_settings(engine, thresholds), ENGINES[engine])
    stream = _stream(sounds)
    last = dict[str, int]()
    moments, vetoed = 0, 0
    for word in (word for heard in _heard(detector, pcm(stream)) for word in heard):
        since = word.end_frame - last.get(word.name, -RATE_HZ * 60)
        moments += since > frames(WITHIN_MS)
        vetoed += min(since, frames(WITHIN_MS))
        last[word.name] = word.end_frame
    hours, seconds = len(stream) / RATE_HZ / 3600, vetoed / RATE_HZ
    print(f"{engine}, other speech as our reply: a word is vetoed {moments} times in {hours:.2f} h, {seconds:.1f} s in all")


def _stream(sounds: Sequence[Signal]) -> Signal:
    gap = np.zeros(int(GAP_S * RATE_HZ), np.float32)
    return np.concatenate([gap, *(part for sound in sounds for part in (sound, gap))])


def _echo(reply: Signal, response: Signal, delay_ms: int) -> Samples:
    echo = convolved(reply, response)[: len(reply)]
    echo = np.roll(echo * 10 ** ((ECHO_DBFS - active_level_db(echo)) / 20), frames(delay_ms))
    noise = np.random.default_rng(1).standard_normal(len(reply)) * 10 ** (NOISE_DBFS / 20)
    return pcm((echo + noise).astype(np.float32))


def _heard(detector: WakeDetector, samples: Samples) -> Iterator[list[WakeHeard]]:
    """Period by period."""
    for at in range(0, len(samples) - PERIOD_FRAMES + 1, PERIOD_FRAMES):
        yield detector.process(samples[at : at + PERIOD_FRAMES])


if __name__ == "__main__":
    main()
