"""An answer sentence by sentence, on its way from text to speech: what is asked for next, and how much of it was heard.

Speech is asked for about one sentence ahead of what plays: a server that is interrupted then has little to throw away, and
most of them cannot be interrupted within a sentence. Where a sentence begins in the audio is known from servers that say so, and
reckoned from the number of its letters otherwise.
"""

from collections import deque
from dataclasses import dataclass

from satellite.core.units import Millis

# of ordinary speech: 15 to 17 letters a second
MS_PER_CHARACTER = 62

# when no more than this is left to play, and the last sentence is on its way, the next is asked for: a small server needs half a
# second for a short one
LOW_MS = 1500

# of one answer: as much as ten minutes of speech, which is all that is kept of one
MOST_CHARACTERS = 10_000


@dataclass(slots=True)
class _Line:
    text: str
    begins: Millis
    is_certain: bool = False


class Script:
    """The sentences of one utterance. Times are those of its audio: how much has come, how much has been played."""

    def __init__(self) -> None:
        self._waiting: deque[str] = deque()
        self._asked: list[_Line] = []
        self._begun = 0
        self._characters = 0

    @property
    def has_more(self) -> bool:
        """Whether there is a sentence that has not been asked for."""
        return bool(self._waiting)

    @property
    def text(self) -> str:
        """All that is known of it."""
        return " ".join([*(line.text for line in self._asked), *self._waiting])

    @property
    def asked(self) -> str:
        """What has been asked for."""
        return " ".join(line.text for line in self._asked)

    def add(self, sentence: str) -> None:
        """It goes on with this, as far as there is room."""
        sentence = sentence[: MOST_CHARACTERS - self._characters].strip()
        if sentence:
            self._characters += len(sentence)
            self._waiting.append(sentence)

    def is_due(self, played: Millis, received: Millis) -> bool:
        """Whether the next sentence should be asked for now."""
        if not self._waiting:
            return False
        if not self._asked:
            return True
        last = self._asked[-1]
        return played >= last.begins or (received > last.begins and received - played < LOW_MS)

    def ask(self, received: Millis, is_certain: bool) -> str:
        """The next sentence, which is now asked for. It is `certain` that it begins here if all before it has come."""
        text = self._waiting.popleft()
        begins = received
        if self._asked and not is_certain:
            last = self._asked[-1]
            begins = max(received, Millis(last.begins + len(last.text) * MS_PER_CHARACTER))
        self._asked.append(_Line(text, begins, is_certain))
        return text

    def take_back(self, received: Millis) -> None:
        """The sentence that was coming has to be asked for again, and all after it."""
        coming = max((at for at, line in enumerate(self._asked) if line.begins <= received), default=0)
        again = [line.text for line in self._asked[coming:]]
        del self._asked[coming:]
        self._waiting.extendleft(reversed(again))
        self._begun = min(self._begun, len(self._asked))

    def sentence_begins(self, received: Millis) -> None:
        """The server says that the next of the sentences it was asked for begins here."""
        if self._begun < len(self._asked):
            line = self._asked[self._begun]
            line.begins, line.is_certain = received, True
            self._begun += 1

    def heard(self, played: Millis, received: Millis, is_complete: bool) -> str:
        """The words that had been spoken by then; a word that was cut off was not."""
        spoken = []
        for at, line in enumerate(self._asked):
            if line.begins >= played:
                break
            spoken.append(cut_at_word(line.text, self._reached(at, played, received, is_complete)))
        return " ".join(filter(None, spoken))

    def _reached(self, at: int, played: Millis, received: Millis, is_complete: bool) -> int:
        """How many characters of a sentence had been spoken."""
        line = self._asked[at]
        if at + 1 < len(self._asked):
            ends = self._asked[at + 1].begins
        elif is_complete:
            ends = received
        else:
            ends = max(received, Millis(line.begins + len(line.text) * MS_PER_CHARACTER))
        if played >= ends:
            return len(line.text)
        return len(line.text) * (played - line.begins) // max(ends - line.begins, 1)


def cut_at_word(text: str, reached: int) -> str:
    """The text up to so many characters, without a word that these cut in two."""
    if reached >= len(text):
        return text
    return text[: max(text.rfind(" ", 0, reached + 1), 0)].rstrip()
