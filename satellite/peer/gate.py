"""Which answer does this audio belong to? The hub gives its streams no name, and does not stop an old one for a new one.

Home Assistant sends a reply to its end, whatever happens meanwhile, and the chunks of an old reply and of a new one come
mixed on one connection. They can be told apart by their timestamps: each stream counts from its own beginning, so a chunk
belongs to the stream that is due to go on just there.
"""

import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, replace

from satellite.core.conversation import TimeLimits

# more streams at once than any hub has sent; the one that has been silent longest is forgotten
_MOST_STREAMS = 8

# of audio that nobody will ever wait for
_NO_TURN = -1

# between our arithmetic and that of a hub which counts fractions of a second
_ROUNDING_MS = 1

# from an answer's text to its first sound: what the conversation would not wait for any longer is not coming
_OWED_S = TimeLimits().answer_audio / 1000

# A hub that ends an answer's stream to begin another goes on at once. Announcements come when they come, and the few that
# begin right after an answer are heard behind it.
_REST_S = 1.0

# a model takes up to three seconds to die, and its last sentence two more to become sound
_REMNANT_S = 5.0


@dataclass(slots=True, eq=False)
class Stream:
    """One reply or announcement on its way. `turn` is None for an announcement that has not been given one."""

    turn: int | None
    next_ms: int
    is_announcement: bool
    may_be_rest: bool = False
    """Whether it is rather the rest of the present turn's answer, whose stream has ended, if that still plays."""


@dataclass(frozen=True, slots=True)
class _Debt:
    turn: int
    known_at_s: float


@dataclass(frozen=True, slots=True)
class _Ended:
    next_ms: int
    at_s: float


class StreamGate:
    """Follows the streams of one connection. `now_s` is any clock that does not go back."""

    def __init__(self, now_s: Callable[[], float] = time.monotonic) -> None:
        self._now_s = now_s
        # the one that was fed last is last
        self._streams: deque[Stream] = deque(maxlen=_MOST_STREAMS)
        self._turn = 0
        self._awaits_answer = self._is_answered = False
        self._in_doubt: Stream | None = None
        self._known_at_s = self._remnant_until_s = now_s()
        self._owed: deque[_Debt] = deque(maxlen=_MOST_STREAMS)
        self._is_text_known = False
        self._ended: _Ended | None = None
        self.stale = 0
        """Chunks of answers that nobody waits for any more."""

    def begin_turn(self, turn: int, owed: bool) -> None:
        """From now on earlier answers are stale; `owed` says that the last one's audio has not begun, and will come."""
        if owed:
            self._owed.append(_Debt(self._turn, self._known_at_s))
        elif self._awaits_answer:
            # given up while the hub still thought: what its model had said by then may yet become one stream
            self._remnant_until_s = self._now_s() + _REMNANT_S
        self._turn = turn
        self._awaits_answer, self._is_answered, self._in_doubt = False, False, None
        self._is_text_known, self._ended = False, None

    def text_is_known(self) -> None:
        """The hub has told the whole text of an answer.

        Of the present one, if there is one or may be: what it has not begun to say by now it will not add. Otherwise it is that
        of a run that we have given up, and where its speech has not begun it will.
        """
        if self._awaits_answer or self._is_answered:
            self._is_text_known = True
        elif all(self.is_wanted(stream) for stream in self._streams):
            self._owed.append(_Debt(_NO_TURN, self._now_s()))

    def expect_answer(self) -> None:
        """The present turn has been understood, or answered: a stream may now be its answer."""
        self._awaits_answer = True
        self._known_at_s = self._now_s()

    def accept_answer(self) -> None:
        """The stream that is in doubt is the present answer after all."""
        self._awaits_answer, self._in_doubt = False, None

    def start(self, timestamp_ms: int | None) -> Stream:
        """A stream begins.

        While an earlier answer is owed, the first that may be the present one is in doubt: the speech of the earlier one may
        be slow, or have failed, and only that another stream begins tells which. It then was the earlier one, and is stale.
        If none does it must not have been thrown away, so whoever plays streams keeps it, and no more than it, until then.
        """
        turn = self._whose()
        stream = Stream(turn, timestamp_ms or 0, turn is None, turn is None and self._may_go_on(timestamp_ms))
        self._streams.append(stream)
        if self._awaits_answer:
            self._assign(stream)
        return stream

    def is_in_doubt(self, stream: Stream) -> bool:
        """Whether it may be the answer to an earlier turn."""
        return stream is self._in_doubt

    def chunk(self, timestamp_ms: int | None, frames: int, rate_hz: int) -> Stream | None:
        """The stream that a chunk belongs to, if it is wanted; None if it is stale or belongs to none."""
        stream = self._due(timestamp_ms)
        if stream is not None:
            self._streams.remove(stream)
            self._streams.append(stream)
            # the hub's own arithmetic: whole milliseconds of every chunk, rounded down
            begin_ms = stream.next_ms if timestamp_ms is None else timestamp_ms
            stream.next_ms = begin_ms + frames * 1000 // rate_hz
            if self.is_wanted(stream):
                return stream
        self._note_stale()
        return None

    def stop(self, timestamp_ms: int | None) -> Stream | None:
        """The stream that ends, wanted or not; None if it is none."""
        stream = self._due(timestamp_ms)
        if timestamp_ms is None:
            # announcements end without a time; so does every stream of peers that send none at all
            stream = next((s for s in reversed(self._streams) if s.is_announcement), stream)
        if stream is not None:
            self._streams.remove(stream)
            if stream.turn == self._turn and not (stream.is_announcement and timestamp_ms is None):
                self._ended = _Ended(stream.next_ms, self._now_s())
        return stream

    def follows(self, stream: Stream) -> bool:
        """Whether more of it may come: it has not ended, nor been forgotten for too many others."""
        return stream in self._streams

    def is_wanted(self, stream: Stream) -> bool:
        """Whether it is the present turn's answer, or an announcement."""
        return stream.turn is None or stream.turn == self._turn

    def _note_stale(self) -> None:
        """Where the network is slower than speech, what else is on its way waits behind this, however long it takes."""
        self.stale += 1
        now_s = self._now_s()
        if now_s < self._remnant_until_s:
            self._remnant_until_s = now_s + _REMNANT_S
        self._owed = deque((replace(d, known_at_s=now_s) for d in self._owed if now_s - d.known_at_s < _OWED_S), _MOST_STREAMS)

    def _may_go_on(self, timestamp_ms: int | None) -> bool:
        """Whether the answer that ended last may go on with a stream that begins at this time."""
        ended = self._ended
        if ended is None:
            return False
        is_next = bool(timestamp_ms) and timestamp_ms == ended.next_ms
        return is_next or not self._is_text_known or self._now_s() - ended.at_s < _REST_S

    def _whose(self) -> int | None:
        now_s = self._now_s()
        while self._owed and now_s - self._owed[0].known_at_s >= _OWED_S:
            self._owed.popleft()
        if self._awaits_answer:
            return self._turn
        if self._owed:
            return self._owed.popleft().turn
        if now_s < self._remnant_until_s:
            self._remnant_until_s = now_s
            return _NO_TURN
        return None

    def _assign(self, answer: Stream) -> None:
        """It is the present turn's, as far as is known now; the one before it was not."""
        self._is_answered = True
        if self._in_doubt is not None:
            self._in_doubt.turn = _NO_TURN
        self._in_doubt = answer if self._owed else None
        if self._owed:
            self._owed.popleft()
        else:
            self._awaits_answer = False

    def _due(self, timestamp_ms: int | None) -> Stream | None:
        """Of several that are due, the one fed last: chunks come in bursts, and a dead stream may wait at any time."""
        if not self._streams:
            return None
        newest = self._streams[-1]
        if timestamp_ms is None:
            return newest
        for slack_ms in (0, _ROUNDING_MS):
            for stream in reversed(self._streams):
                if abs(stream.next_ms - timestamp_ms) <= slack_ms:
                    return stream
        return newest
