"""The last seconds of the microphone, addressed by sample count, so that nothing is lost between past and present."""

from collections import deque

from satellite.core.units import Frames

_BYTES_PER_FRAME = 2


class Preroll:
    """A ring of 16-bit mono audio. It keeps the last `keep` frames, or all since a pinned frame up to `limit` frames."""

    def __init__(self, keep: Frames, limit: Frames) -> None:
        self._keep = keep
        self._limit = limit
        self._blocks: deque[bytes] = deque()
        self._first = Frames(0)
        self._end = Frames(0)
        self._pinned: Frames | None = None

    @property
    def first(self) -> Frames:
        """The oldest frame that can be read."""
        return self._first

    @property
    def end(self) -> Frames:
        """One past the newest frame."""
        return self._end

    def pin(self, frame: Frames) -> None:
        """Keeps everything from this frame on, as far as the limit allows."""
        self._pinned = frame

    def unpin(self) -> None:
        """Goes back to keeping the last frames only."""
        self._pinned = None
        self._forget()

    def append(self, first: Frames, block: bytes) -> None:
        """Takes the frames from `first` on. A gap in the count empties the ring: what is before it joins nothing."""
        if first != self._end:
            self._blocks.clear()
            self._first = self._end = first
        self._blocks.append(block)
        self._end = Frames(first + len(block) // _BYTES_PER_FRAME)
        self._forget()

    def read(self, start: Frames, stop: Frames | None = None) -> tuple[Frames, bytes]:
        """The frames from `start` to `stop` (the newest, if not given) as far as they are kept, and where they begin."""
        begin = max(start, self._first)
        end = self._end if stop is None else min(stop, self._end)
        if end <= begin:
            return Frames(begin), b""
        out = bytearray()
        at = self._first
        for block in self._blocks:
            size = len(block) // _BYTES_PER_FRAME
            if at + size > begin and at < end:
                lo, hi = max(begin - at, 0), min(end - at, size)
                out += block[lo * _BYTES_PER_FRAME : hi * _BYTES_PER_FRAME]
            at = Frames(at + size)
        return Frames(begin), bytes(out)

    def _forget(self) -> None:
        oldest = self._end - self._keep
        if self._pinned is not None:
            oldest = max(min(oldest, self._pinned), self._end - self._limit)
        while self._blocks:
            size = len(self._blocks[0]) // _BYTES_PER_FRAME
            if self._first + size > oldest:
                break
            self._blocks.popleft()
            self._first = Frames(self._first + size)
