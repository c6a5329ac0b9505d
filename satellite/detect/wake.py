"""Wake words: a worker thread that listens to a stream for one or several words."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from queue import SimpleQueue

from pymicro_wakeword import MicroWakeWord, MicroWakeWordFeatures, Model

from satellite.audio.card import Samples
from satellite.core.units import PERIOD_MS, Frames, Millis, Probability, frames
from satellite.errors import ConfigError

# a spoken word stays above the cut-off for up to 0.51 s (75 recordings) and must not fire twice
REFRACTORY_MS = Millis(1500)

# a worker that is further behind than this would answer too late to be of use
QUEUE_MS = 2000

# what the worker does in one go takes 1 ms, a loop delay 50 ms on a small Pi
STOP_TIMEOUT_S = 1.0

_QUEUE_MAX = QUEUE_MS // PERIOD_MS

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class WakeWordSettings:
    """A word to listen for; without a threshold the model's own is used."""

    name: str
    threshold: float | None = None
    refractory_ms: Millis = REFRACTORY_MS


@dataclass(frozen=True, slots=True)
class WakeHeard:
    """A word was heard; `end_frame` is where in the stream the sound ends that had been fed by then."""

    name: str
    end_frame: Frames
    score: Probability


class WakeDetector:
    """Finds wake words in a stream; the features are computed once for all words. ConfigError for an unknown word."""

    def __init__(self, words: Sequence[WakeWordSettings]) -> None:
        self._features = MicroWakeWordFeatures()
        self._words = [_Word(settings) for settings in words]
        self._end_frame = 0

    def process(self, samples: Samples, first_frame: int | None = None) -> list[WakeHeard]:
        """The words that were completed in these samples, which follow the last ones unless said to begin elsewhere."""
        self._end_frame = len(samples) + (self._end_frame if first_frame is None else first_frame)
        heard = []
        for features in self._features.process_streaming(samples.tobytes()):
            for word in self._words:
                score = word.model.process_streaming_prob(features)
                if score is not None and word.fires(score, self._end_frame):
                    heard.append(WakeHeard(word.name, Frames(self._end_frame), Probability(score)))
        return heard


class WakeWords:
    """A WakeDetector on a thread of its own, which also does other slow work for the audio thread.

    `on_wake` is called on that thread. Whatever fails there is counted, logged the first time, and does not end it.
    """

    def __init__(self, words: Sequence[WakeWordSettings], on_wake: Callable[[WakeHeard], None]) -> None:
        self._detector = WakeDetector(words)
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

    def feed(self, first_frame: int, samples: Samples) -> None:
        """Hands over a period of the stream and returns at once; it is dropped when the worker is behind."""
        self.submit(partial(self._listen, first_frame, samples.copy()))

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

    def _listen(self, first_frame: int, samples: Samples) -> None:
        for heard in self._detector.process(samples, first_frame):
            self._on_wake(heard)


class _Word:
    """One model and what it needs to fire once per spoken word."""

    def __init__(self, settings: WakeWordSettings) -> None:
        self.name = settings.name
        self.model = _load(settings.name)
        self._threshold = self.model.probability_cutoff if settings.threshold is None else settings.threshold
        self._refractory_frames = frames(settings.refractory_ms)
        self._fired_frame: int | None = None

    def fires(self, score: float, end_frame: int) -> bool:
        """Whether this score is a new detection."""
        if score <= self._threshold:
            return False
        # a stream that began anew counts from 0 again: that may not make us deaf
        if self._fired_frame is not None and 0 <= end_frame - self._fired_frame < self._refractory_frames:
            return False
        self._fired_frame = end_frame
        return True


def _load(name: str) -> MicroWakeWord:
    try:
        model = Model(name)
    except ValueError:
        available = ", ".join(model.value for model in Model)
        raise ConfigError(f"wake.words: no model for {name!r}; there are {available}") from None
    return MicroWakeWord.from_builtin(model)
