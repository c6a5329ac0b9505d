import logging
import threading
from functools import partial

import numpy as np
import pytest

from satellite.audio.card import Samples
from satellite.core.units import PERIOD_FRAMES, PERIOD_MS, Millis
from satellite.detect.wake import QUEUE_MS, WakeDetector, WakeHeard, WakeWords
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


def test_unknown_word_is_the_operators_fault() -> None:
    """The message lists what there is."""
    with pytest.raises(ConfigError, match=r"'computer'.*okay_nabu, hey_jarvis, hey_mycroft, alexa"):
        WakeDetector([WakeWordSettings("computer")])


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
