import logging
import threading
from collections.abc import Callable, Sequence
from functools import partial

import numpy as np
import pytest

from satellite.audio.card import Samples
from satellite.core.units import PERIOD_FRAMES, PERIOD_MS, Frames, Millis, Probability, frames
from satellite.detect.wake import QUEUE_MS, TAIL_MS, OwnWords, WakeDetector, WakeHeard, WakeWords
from satellite.detect.wake_engine import WakeWordSettings
from satellite.errors import ConfigError
from tests.detect.conftest import Recording

ALEXA = (WakeWordSettings("alexa"),)

# far more than any step here takes
TIMEOUT_S = 5.0


def said(*pieces: Samples) -> Samples:
    """The pieces, each between half a second of silence."""
    silence = np.zeros(8000, np.int16)
    return np.concatenate([silence, *(part for piece in pieces for part in (piece, silence))])


def periods(samples: Samples) -> list[Samples]:
    return [samples[i : i + PERIOD_FRAMES] for i in range(0, len(samples) - PERIOD_FRAMES + 1, PERIOD_FRAMES)]


def detect(detector: WakeDetector, samples: Samples) -> list[WakeHeard]:
    return [heard for period in periods(samples) for heard in detector.process(period)]


@pytest.mark.parametrize(("name", "end_s"), [("tts_alexa_joe", 1.07), ("tts_alexa_heart", 1.39)])
def test_word_fires_once(name: str, end_s: float, recording: Recording) -> None:
    """One spoken word is one detection, stamped where the word ends or up to 0.2 s later."""
    (heard,) = detect(WakeDetector(ALEXA), said(recording(name)))
    assert heard.name == "alexa"
    assert 0.9 < heard.score <= 1.0
    assert -0.1 < heard.end_frame / 16000 - 0.5 - end_s < 0.2


def test_other_words_do_not_fire(recording: Recording) -> None:
    """A command, a reply and a kitchen are no wake word."""
    sounds = said(recording("tts_lights_joe"), recording("heart_medium_67966"), recording("kitchen_synth_short"))
    assert detect(WakeDetector(ALEXA), sounds) == []


def test_word_said_again_fires_again(recording: Recording) -> None:
    """The refractory time ends, and no model state is left that would hide the next word."""
    again = said(recording("tts_alexa_joe"), recording("tts_lights_joe"), recording("tts_alexa_joe"))
    assert len(detect(WakeDetector(ALEXA), again)) == 2
    deaf_for_long = WakeDetector([WakeWordSettings("alexa", refractory_ms=Millis(10_000))])
    assert len(detect(deaf_for_long, again)) == 1


def test_stream_that_begins_anew_is_heard(recording: Recording) -> None:
    """A detection late in one stream does not deafen the beginning of the next."""
    detector = WakeDetector(ALEXA)
    detector.process(np.zeros(PERIOD_FRAMES, np.int16), first_frame=10_000_000)
    assert len(detect(detector, said(recording("tts_alexa_joe")))) == 1
    detector.process(np.zeros(PERIOD_FRAMES, np.int16), first_frame=0)
    (heard,) = detect(detector, said(recording("tts_alexa_joe")))
    assert heard.end_frame < 32_000


def test_words_do_not_disturb_each_other(recording: Recording) -> None:
    """Several words share the features, and each finds what it finds alone."""
    sounds = said(recording("tts_alexa_joe"))
    both = WakeDetector([WakeWordSettings("okay_nabu"), WakeWordSettings("alexa")])
    assert detect(both, sounds) == detect(WakeDetector(ALEXA), sounds)


def test_threshold_overrides_the_models(recording: Recording) -> None:
    """A score has to be above the threshold, so 1 turns a word off."""
    assert detect(WakeDetector([WakeWordSettings("alexa", threshold=1.0)]), said(recording("tts_alexa_joe"))) == []


@pytest.mark.parametrize(("is_stop", "key"), [(False, "wake.words"), (True, "barge_in.stop_words")])
def test_unknown_word_is_the_operators_fault(is_stop: bool, key: str) -> None:
    """The message says where it stands, and lists what there is."""
    with pytest.raises(ConfigError, match=rf"{key}: .*'computer'.*okay_nabu, hey_jarvis, hey_mycroft, alexa"):
        WakeDetector([WakeWordSettings("computer", is_stop=is_stop)])


def test_stop_word_is_told_from_wake_words(recording: Recording) -> None:
    """It is found beside them, as what it is."""
    words = WakeDetector([WakeWordSettings("okay_nabu"), WakeWordSettings("alexa", is_stop=True)])
    (heard,) = detect(words, said(recording("tts_alexa_joe")))
    assert (heard.name, heard.is_stop) == ("alexa", True)


# ---- what our own reply says

# what the loudspeaker is given is ahead of its echo by so much, at most
LOOP_DELAY = frames(250)


def heard_over(microphone: Samples, played: Samples) -> list[WakeHeard]:
    """What the worker tells of, when the loudspeaker is given something the while; it needs no thread for it."""
    heard: list[WakeHeard] = []
    words = Inline(ALEXA, heard.append)
    for index, (near, far) in enumerate(zip(periods(microphone), periods(played), strict=True)):
        words.feed(index * PERIOD_FRAMES, near, far if far.any() else None)
    return heard


class Inline(WakeWords):
    """Does each piece of work as it comes."""

    def submit(self, job: Callable[[], None]) -> bool:
        job()
        return True


@pytest.mark.parametrize("delay", [frames(10), frames(50), LOOP_DELAY])
def test_word_that_our_reply_says_is_not_told(delay: int, recording: Recording) -> None:
    """Whatever the loop delay."""
    reply = said(recording("tts_alexa_joe"), np.zeros(LOOP_DELAY, np.int16))
    assert heard_over(np.roll(reply, delay), np.zeros_like(reply)) != []
    assert heard_over(np.roll(reply, delay), reply) == []


def test_word_that_is_said_over_something_else_is_told(recording: Recording) -> None:
    """Our reply has to say that very word."""
    word = said(recording("tts_alexa_joe"))
    other = np.resize(recording("heart_medium_67966"), len(word))
    assert heard_over(word, other) == detect(WakeDetector(ALEXA), word)


def test_word_that_is_said_after_ours_is_told(recording: Recording) -> None:
    """The user says it again, a moment later."""
    reply, pause = said(recording("tts_alexa_joe")), np.zeros(frames(500), np.int16)
    nothing = np.zeros_like(reply)
    both = np.concatenate((reply, pause, reply))
    (heard,) = heard_over(np.concatenate((nothing, pause, reply)), np.concatenate((reply, pause, nothing)))
    assert heard.end_frame == detect(WakeDetector(ALEXA), both)[1].end_frame


class Counting:
    """A WakeEngine that counts its periods, and hears nothing."""

    def __init__(self) -> None:
        self.heard: list[Samples] = []

    @property
    def cutoffs(self) -> Sequence[float]:
        return [0.5]

    def process(self, samples: Samples) -> Sequence[tuple[int, float]]:
        self.heard.append(samples)
        return []


def test_nothing_is_looked_for_while_nothing_plays() -> None:
    """But for a while after the last sound, in silence, so that all of it is decided and no half a word is left."""
    engine = Counting()
    own = OwnWords(ALEXA, [0.9], lambda _: engine)
    sound = np.ones(PERIOD_FRAMES, np.int16)
    own.hear(0, None)
    assert engine.heard == []
    for _ in range(2):
        own.hear(0, sound)
        for _ in range(1000):
            own.hear(0, None)
    tail = TAIL_MS // PERIOD_MS
    assert [bool(samples.any()) for samples in engine.heard] == 2 * [True, *tail * [False]]


class Unsure(Counting):
    """Gives every period the same score."""

    def __init__(self, score: float) -> None:
        super().__init__()
        self._score = score

    def process(self, samples: Samples) -> Sequence[tuple[int, float]]:
        return [(0, self._score)]


@pytest.mark.parametrize(("score", "is_ours"), [(0.44, False), (0.46, True)])
def test_our_own_word_counts_from_half_its_threshold_on(score: float, is_ours: bool) -> None:
    """What is just missed in our reply may be found in its echo."""
    own = OwnWords(ALEXA, [0.9], lambda _: Unsure(score))
    own.hear(0, np.ones(PERIOD_FRAMES, np.int16))
    assert own.says(WakeHeard("alexa", Frames(PERIOD_FRAMES), Probability(0.95))) is is_ours


def test_worker_hears_what_the_detector_hears(recording: Recording) -> None:
    """Detections come from the worker's thread with stream positions, also if the caller uses one buffer for all."""
    sounds = said(recording("tts_alexa_joe"))
    heard: list[tuple[WakeHeard, str]] = []
    words = WakeWords(ALEXA, lambda h: heard.append((h, threading.current_thread().name)))
    words.start()
    buffer = np.zeros(PERIOD_FRAMES, np.int16)
    for index, period in enumerate(periods(sounds)):
        buffer[:] = period
        words.feed(1_000_000 + index * PERIOD_FRAMES, buffer)
        if index % 100 == 99:
            await_worker(words)
    await_worker(words)
    assert words.stop(TIMEOUT_S)
    (alone,) = detect(WakeDetector(ALEXA), sounds)
    assert [(h.end_frame, thread) for h, thread in heard] == [(1_000_000 + alone.end_frame, "wake-words")]
    assert words.dropped == words.errors == 0


def await_worker(words: WakeWords) -> None:
    """Returns when the worker has done all it was given so far."""
    done = threading.Event()
    assert words.submit(done.set)
    assert done.wait(TIMEOUT_S)


def hang(started: threading.Event, release: threading.Event) -> None:
    started.set()
    release.wait(TIMEOUT_S)


def test_worker_that_is_behind_never_holds_up_the_audio_thread() -> None:
    """Two seconds are kept and the rest is dropped and counted, periods and jobs alike."""
    words = WakeWords(ALEXA, lambda _: None)
    started, release = threading.Event(), threading.Event()
    words.start()
    words.submit(partial(hang, started, release))
    assert started.wait(TIMEOUT_S)
    for index in range(500):
        words.feed(index * PERIOD_FRAMES, np.zeros(PERIOD_FRAMES, np.int16))
    assert words.dropped == 500 - QUEUE_MS // PERIOD_MS
    assert not words.submit(release.set)
    release.set()
    assert words.stop(TIMEOUT_S)


def test_without_words_only_the_other_work_is_done() -> None:
    """Somebody else finds them: the stream costs nothing here."""
    words = WakeWords([], lambda _: pytest.fail("nothing was to be heard"))
    for index in range(500):
        words.feed(index * PERIOD_FRAMES, np.zeros(PERIOD_FRAMES, np.int16))
    assert words.dropped == 0
    words.start()
    await_worker(words)
    assert words.stop(TIMEOUT_S)


def test_failing_work_is_logged_once_and_survived(caplog: pytest.LogCaptureFixture) -> None:
    """The worker outlives whatever its work raises, and does not fill the log with it."""
    words = WakeWords(ALEXA, lambda _: None)

    def fail() -> None:
        raise RuntimeError("of no use")

    with caplog.at_level(logging.ERROR):
        words.start()
        for _ in range(3):
            words.submit(fail)
        await_worker(words)
    assert words.stop(TIMEOUT_S)
    assert words.errors == 3
    assert len(caplog.records) == 1


def test_stop_has_a_deadline() -> None:
    """A worker that hangs does not hang whoever stops it, and one that never started is stopped."""
    words = WakeWords(ALEXA, lambda _: None)
    started, release = threading.Event(), threading.Event()
    words.start()
    words.submit(partial(hang, started, release))
    assert started.wait(TIMEOUT_S)
    assert not words.stop(0.05)
    release.set()
    assert words.stop(TIMEOUT_S)
    assert WakeWords(ALEXA, lambda _: None).stop()
