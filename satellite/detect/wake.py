"""Wake words and stop words: a worker thread that listens to a stream for one or several words."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from queue import SimpleQueue

import numpy as np

from satellite.audio.card import Samples
from satellite.core.refractory import Refractory
from satellite.core.twin import TWIN_SHARE, Twin
from satellite.core.units import PERIOD_FRAMES, PERIOD_MS, Frames, Millis, Probability, frames
from satellite.detect.micro_wake import MicroEngine
from satellite.detect.wake_engine import MakeEngine, WakeWordSettings

# a worker that is further behind than this would answer too late to be of use
QUEUE_MS = 2000

# what the worker does in one go takes 1 ms, a loop delay 50 ms on a small Pi
STOP_TIMEOUT_S = 1.0

# longer than a word, and than the models look back: so long after a sound it is all decided, and they are at rest
TAIL_MS = 2000

_QUEUE_MAX = QUEUE_MS // PERIOD_MS
_TAIL_PERIODS = TAIL_MS // PERIOD_MS
_SILENCE = np.zeros(PERIOD_FRAMES, np.int16)

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class WakeHeard:
    """A word was heard; `end_frame` is where in the stream the sound ends that had been fed by then."""

    name: str
    end_frame: Frames
    score: Probability
    is_stop: bool = False


class WakeDetector:
    """Finds wake words in a stream, each once when it is spoken. ConfigError for a word or model that cannot be used."""

    def __init__(self, words: Sequence[WakeWordSettings], make_engine: MakeEngine = MicroEngine) -> None:
        self._engine = make_engine(words)
        self._words = [_Word(word, cutoff) for word, cutoff in zip(words, self._engine.cutoffs, strict=True)]
        self._end_frame = Frames(0)

    def process(self, samples: Samples, first_frame: int | None = None) -> list[WakeHeard]:
        """The words that were completed in these samples, which follow the last ones unless said to begin elsewhere."""
        self._end_frame = Frames(len(samples) + (self._end_frame if first_frame is None else first_frame))
        return [
            WakeHeard(self._words[index].name, self._end_frame, Probability(score), self._words[index].is_stop)
            for index, score in self._engine.process(samples)
            if self._words[index].fires(score, self._end_frame)
        ]

    @property
    def thresholds(self) -> list[float]:
        """In the order of the words."""
        return [word.threshold for word in self._words]

    def set_thresholds(self, thresholds: Sequence[float | None], share: float = 1.0) -> None:
        """In the same order, each times `share`; None: the model's own."""
        for word, threshold, cutoff in zip(self._words, thresholds, self._engine.cutoffs, strict=True):
            word.threshold = share * (cutoff if threshold is None else threshold)

    @property
    def wakes(self) -> list[bool]:
        """Whether it is a wake word, in the same order."""
        return [not word.is_stop for word in self._words]


class OwnWords:
    """The same words in what the loudspeaker is given. It costs nothing while that is silent."""

    def __init__(self, words: Sequence[WakeWordSettings], thresholds: Sequence[float], make_engine: MakeEngine) -> None:
        easier = [
            replace(word, threshold=TWIN_SHARE * threshold, refractory_ms=Millis(0))
            for word, threshold in zip(words, thresholds, strict=True)
        ]
        self._detector = WakeDetector(easier, make_engine)
        self._twin = Twin()
        self._tail_left = 0

    def hear(self, first_frame: int, played: Samples | None) -> None:
        """What the loudspeaker was given in a period of the microphone's stream; None if it is not to be heard."""
        if played is not None:
            self._tail_left = _TAIL_PERIODS
        elif self._tail_left > 0:
            self._tail_left -= 1
        else:
            return
        for heard in self._detector.process(_SILENCE if played is None else played, first_frame):
            self._twin.said(heard.name, heard.end_frame)

    def set_thresholds(self, thresholds: Sequence[float | None]) -> None:
        """As of the words themselves."""
        self._detector.set_thresholds(thresholds, TWIN_SHARE)

    def says(self, heard: WakeHeard) -> bool:
        """Whether what the microphone has just given is our own reply's word."""
        return self._twin.vetoes(heard.name, heard.end_frame)


class WakeWords:
    """A WakeDetector on a thread of its own, which also does other slow work for the audio thread.

    `on_wake` is called on that thread, but not for a word that our own reply says at that instant. Whatever fails there is
    counted, logged the first time, and does not end it. Without words it does only the other work.
    """

    def __init__(
        self, words: Sequence[WakeWordSettings], on_wake: Callable[[WakeHeard], None], make_engine: MakeEngine = MicroEngine
    ) -> None:
        self._detector = WakeDetector(words, make_engine) if words else None
        # the same models once more: 0.4 MB with microWakeWord, 8 MB and half a second at the start with openWakeWord
        self._own = OwnWords(words, self._detector.thresholds, make_engine) if self._detector else None
        self._on_wake = on_wake
        # its put never waits for the worker, as that of queue.Queue may
        self._work: SimpleQueue[Callable[[], None] | None] = SimpleQueue()
        self._stopping = False
        self._thread = threading.Thread(target=self._run, name="wake-words", daemon=True)
        self.dropped = 0
        """Periods and jobs that were not taken because the worker was behind."""
        self.errors = 0

    def start(self) -> None:
        """Begins to listen; can be done once."""
        self._thread.start()

    def stop(self, timeout_s: float = STOP_TIMEOUT_S) -> bool:
        """Ends the worker after what it is doing now and discards the rest; False if it did not end in time."""
        self._stopping = True
        self._work.put(None)
        if self._thread.is_alive():
            self._thread.join(timeout_s)
        return not self._thread.is_alive()

    @property
    def thresholds(self) -> list[float]:
        """Of the wake words, in their order; none where none is found here."""
        detector = self._detector
        return [] if detector is None else [t for t, wakes in zip(detector.thresholds, detector.wakes, strict=True) if wakes]

    def set_thresholds(self, thresholds: Sequence[float | None]) -> None:
        """Of all words, in their order; None: the model's own. The worker does it, in its turn."""
        if self._detector is not None and self._own is not None:
            self.submit(partial(self._detector.set_thresholds, thresholds))
            self.submit(partial(self._own.set_thresholds, thresholds))

    def feed(self, first_frame: int, samples: Samples, played: Samples | None = None) -> None:
        """Hands over a period of the stream, and what the loudspeaker was given in it, and returns at once.

        Nothing is `played` where it cannot be heard. Both are dropped when the worker is behind.
        """
        if self._detector is not None and self._own is not None:
            ours = None if played is None else played.copy()
            self.submit(partial(self._listen, self._detector, self._own, first_frame, samples.copy(), ours))

    def submit(self, job: Callable[[], None]) -> bool:
        """Has the worker do something slow, in its turn, and returns at once; False if it is behind."""
        if self._work.qsize() >= _QUEUE_MAX:
            self.dropped += 1
            return False
        self._work.put(job)
        return True

    def _run(self) -> None:
        while (work := self._work.get()) is not None and not self._stopping:
            try:
                work()
            # whatever it was, a satellite that no longer wakes is worse
            except Exception:
                self.errors += 1
                if self.errors == 1:
                    _log.exception("the wake word worker failed; it goes on, and counts further failures in silence")

    def _listen(self, detector: WakeDetector, own: OwnWords, first_frame: int, samples: Samples, played: Samples | None) -> None:
        own.hear(first_frame, played)
        for heard in detector.process(samples, first_frame):
            # like any other it is not heard again within its refractory time, which the user loses too
            if own.says(heard):
                _log.info("heard %r, which was our own reply", heard.name)
            else:
                self._on_wake(heard)


class _Word:
    """What one word needs to fire once each time it is spoken."""

    def __init__(self, settings: WakeWordSettings, cutoff: float) -> None:
        self.name, self.is_stop = settings.name, settings.is_stop
        self.threshold = cutoff if settings.threshold is None else settings.threshold
        self._refractory = Refractory(frames(settings.refractory_ms))

    def fires(self, score: float, end_frame: Frames) -> bool:
        """Whether this score is a new detection."""
        return score > self.threshold and self._refractory.admits(end_frame)
