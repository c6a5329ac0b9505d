"""What a wake word engine is: samples in, a score for every decision about every word out."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from satellite.audio.card import Samples
from satellite.core.units import Millis
from satellite.errors import ConfigError

# a spoken word stays above the cut-off for up to 0.51 s (75 recordings) and must not fire twice
REFRACTORY_MS = Millis(1500)


@dataclass(frozen=True, slots=True)
class WakeWordSettings:
    """A word to listen for; without a threshold the model's own is used, without a model the one of this name.

    A stop word wakes nobody: it only ends what is being said.
    """

    name: str
    threshold: float | None = None
    refractory_ms: Millis = REFRACTORY_MS
    model: Path | None = None
    is_stop: bool = False

    @property
    def key(self) -> str:
        """Of the configuration, where it is set."""
        return "barge_in.stop_words" if self.is_stop else "wake.words"


class WakeEngine(Protocol):
    """Scores several words of one stream; what it computes of the sound it computes once for all of them."""

    @property
    def cutoffs(self) -> Sequence[float]:
        """The models' own thresholds, in the order of the words."""

    def process(self, samples: Samples) -> Sequence[tuple[int, float]]:
        """The decisions that became due with these samples: which word, and its score from 0 to 1."""


MakeEngine = Callable[[Sequence[WakeWordSettings]], WakeEngine]


def cannot_use(word: WakeWordSettings, why: str) -> ConfigError:
    """The operator's mistake, in one line: which word, which file, and what is wrong with it."""
    where = f"{word.model}: " if word.model else ""
    return ConfigError(f"{word.key}: {word.name!r}: {where}{' '.join(why.split())}")


def no_model(word: WakeWordSettings, available: Sequence[str]) -> ConfigError:
    """There is none of this name."""
    return ConfigError(f"{word.key}: no model for {word.name!r}; there are {', '.join(available)}, or give `model: FILE`")
