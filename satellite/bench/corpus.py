"""The recordings of a bench: a folder with a manifest. A run uses the half that thresholds were chosen on, or the other one."""

import csv
import io
import math
import wave
from collections import defaultdict
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from pathlib import Path
from typing import TypeVar

import numpy as np

from satellite.audio.card import Samples
from satellite.core.units import RATE_HZ, frames
from satellite.errors import SatelliteError

# the few recordings that come with the package
DEFAULT_CORPUS = Path(__file__).parents[1] / "demo" / "recordings"
_MANIFEST = "manifest.csv"
_COLUMNS = {"path", "kind", "speaker", "text", "duration", "onset", "end", "label_ok"}

# a command of one word
SHORT_S = 0.6
# a longer sentence says nothing that its beginning does not
_LONGEST_WORDS_S = 2.0
# somebody has to have time to talk over it
_SHORTEST_REPLY_S = 4.0

# what listeners say; everything else in that folder of the manifest is a word like any other
_LISTENERS = ("uh-huh", "mm-hmm", "hmm", "okay", "yeah", "right", "i see", "oh really")

# recordings kept in memory by a process
_KEPT = 600

_T = TypeVar("_T")


class Half(StrEnum):
    """Of the speakers and rooms."""

    CHOSEN = "chosen-on"
    HELD_OUT = "held-out"
    ALL = "all"


@dataclass(frozen=True, slots=True)
class Clip:
    """A sound, by its path; onset and end in seconds from the file's start."""

    path: str
    speaker: str
    text: str
    onset_s: float
    end_s: float

    @property
    def length_s(self) -> float:
        return self.end_s - self.onset_s


@lru_cache(_KEPT)
def load_wav(path: Path) -> Samples:
    """16 kHz mono of 16 bits. SatelliteError says what is wrong with the file."""
    try:
        with wave.open(str(path)) as file:
            if (file.getframerate(), file.getnchannels(), file.getsampwidth()) != (RATE_HZ, 1, 2):
                raise SatelliteError(f"{path} is not a 16 kHz mono WAV file of 16 bits")
            samples: Samples = np.frombuffer(file.readframes(file.getnframes()), "<i2")
    except (OSError, EOFError, wave.Error) as error:
        raise SatelliteError(f"{path}: {error}") from error
    samples.flags.writeable = False
    return samples


class Corpus:
    """What of a corpus belongs to a half. The satellite's own voice and the noises are the same for both."""

    def __init__(self, root: Path, half: Half) -> None:
        self.root, self.half = root, half
        rows = _manifest(root / _MANIFEST)
        spoken = [row for row in rows["speech"] if row["label_ok"] == "1"]
        speakers = self._mine(sorted({row["speaker"] for row in rows["speech"]}))
        speech = [row.clip() for row in spoken if row["speaker"] in speakers]
        self.users = speech
        """Everybody's every utterance whose onset is trusted."""
        self.words = [clip for clip in speech if clip.length_s < SHORT_S]
        asides = [row.clip() for row in rows["backchannel"]]
        self.backchannels = self._mine([clip for clip in asides if clip.text.lower() in _LISTENERS])
        self.coughs = self._mine([clip for clip in asides if clip.text.startswith("(")])
        self.other_words = self._mine([c for c in asides if c.text.lower() not in _LISTENERS and not c.text.startswith("(")])
        self.replies = [clip for row in rows["tts"] if (clip := row.clip()).end_s >= _SHORTEST_REPLY_S]
        self.noises = [row["path"] for row in rows["noise"]]
        self._responses = {Path(row["path"]).stem: row["path"] for row in rows["rir"]}
        names = sorted(stem.removesuffix("_spk8cm") for stem in self._responses if stem.endswith("_spk8cm"))
        self.rooms = self._mine_of_two(names)

    def _mine(self, of: list[_T]) -> list[_T]:
        """Every second."""
        match self.half:
            case Half.ALL:
                return of
            case Half.CHOSEN:
                return of[::2]
            case Half.HELD_OUT:
                return of[1::2]

    def _mine_of_two(self, of: list[str]) -> list[str]:
        """The first or second half in order: neighbours are alike."""
        middle = (len(of) + 1) // 2
        match self.half:
            case Half.ALL:
                return of
            case Half.CHOSEN:
                return of[:middle]
            case Half.HELD_OUT:
                return of[middle:]

    def missing(self) -> list[str]:
        """What no scene can do without, as lines that the manifest should have."""
        found = [] if self.rooms else ["rooms (kind rir, ROOM_spk8cm.wav)"]
        found += [f"talkers in {room} (kind rir, {room}_talk2m.wav)" for room in self.rooms if not self.distances_m(room)]
        return found if self.replies else [*found, f"replies of {_SHORTEST_REPLY_S:.0f} s or more (kind tts)"]

    def wav(self, path: str) -> Samples:
        """A whole file. Not to be written to."""
        return load_wav(self.root / path)

    def words_of(self, clip: Clip) -> Samples:
        """What is said in it, from the onset on. SatelliteError if that is nothing."""
        begin = frames(1000 * clip.onset_s)
        words = self.wav(clip.path)[begin : min(frames(1000 * clip.end_s), begin + frames(1000 * _LONGEST_WORDS_S))]
        if not len(words):
            raise SatelliteError(f"{self.root / clip.path} ends before its onset, {clip.onset_s:g} s")
        return words

    def response(self, room: str, place: str) -> Samples:
        """A room's impulse response from "spk8cm", its loudspeaker, or from "talk1m" and so on."""
        try:
            return self.wav(self._responses[f"{room}_{place}"])
        except KeyError:
            raise SatelliteError(f"{self.root / _MANIFEST} has no {room}_{place}") from None

    def distances_m(self, room: str) -> list[int]:
        """From which talkers can be heard in it."""
        found = (stem.removeprefix(f"{room}_talk") for stem in self._responses if stem.startswith(f"{room}_talk"))
        return sorted(int(metres) for place in found if (metres := place.removesuffix("m")).isdecimal())

    def noise(self, name: str) -> str | None:
        """The path of the first noise whose file is named so."""
        return next((path for path in self.noises if Path(path).stem.startswith(name)), None)


@dataclass(frozen=True, slots=True)
class _Row:
    """A line of the manifest."""

    place: str
    """File and line."""
    cells: dict[str, str]
    """By their columns."""

    def __getitem__(self, column: str) -> str:
        return self.cells[column]

    def clip(self) -> Clip:
        """The sound that it is of. SatelliteError if nothing can be between its onset and its end."""
        onset_s = self._seconds("onset") if self["onset"] else 0.0
        last = "end" if self["end"] else "duration"
        end_s = self._seconds(last)
        if not onset_s < end_s:
            raise SatelliteError(f"{self.place}: {last} is {self[last]!r}; it has to be after the onset, {onset_s:g}")
        return Clip(self["path"], self["speaker"], self["text"], onset_s, end_s)

    def _seconds(self, column: str) -> float:
        try:
            found = float(self[column])
        except ValueError:
            found = math.nan
        if not 0 <= found < math.inf:
            raise SatelliteError(f"{self.place}: {column} is {self[column]!r}; it has to be seconds from the file's start")
        return found


def _manifest(path: Path) -> dict[str, list[_Row]]:
    """Its lines by their kind."""
    reader = csv.DictReader(io.StringIO(_text(path), newline=""), restval="")
    rows = defaultdict[str, list[_Row]](list)
    try:
        if not set(reader.fieldnames or ()) >= _COLUMNS:
            raise SatelliteError(f"{path} needs the columns {', '.join(sorted(_COLUMNS))}")
        for cells in reader:
            rows[cells["kind"]].append(_Row(f"{path}:{reader.line_num}", cells))
    except csv.Error as error:
        raise SatelliteError(f"{path}:{reader.reader.line_num}: {error}") from error
    return rows


def _text(path: Path) -> str:
    try:
        data = path.read_bytes()
        return data.decode("utf-8")
    except OSError as error:
        raise SatelliteError(f"no corpus in {path.parent}: {error.strerror} ({path.name})") from error
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise SatelliteError(f"{path}:{line}: this is not UTF-8: byte {data[error.start]:#04x}") from error
