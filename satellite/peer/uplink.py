"""The microphone's way to the hub: what is past in one burst, then live, and not a sample twice or missing between them."""

from collections.abc import Callable

from satellite.core.preroll import Preroll
from satellite.core.units import Frames, Millis, frames, millis

# kept before anybody asks for it: the longest onset that is looked back for, and the wait for a hub's old run to die
KEEP_FRAMES = frames(3000)
# an utterance that may have to be sent again: as long as the hub listens, twice
LIMIT_FRAMES = frames(30_000)

# a burst is cut into pieces of this size; hubs take any, but their logs do not
_PIECE_BYTES = 32 * 1024


class Uplink:
    """Holds the recent past and passes on what is asked for. `send` gets pieces in order, each with its time."""

    def __init__(self, send: Callable[[bytes, Millis], None]) -> None:
        self._send = send
        self._preroll = Preroll(KEEP_FRAMES, LIMIT_FRAMES)
        self._next: Frames | None = None
        self._offset = Millis(0)
        self.lost_frames = 0
        """Asked for, but older than what was kept, or never captured."""

    @property
    def is_streaming(self) -> bool:
        """Whether the microphone leaves this machine just now."""
        return self._next is not None

    def heard(self, first: Frames, pcm: bytes) -> None:
        """A new period of the microphone."""
        self._preroll.append(first, pcm)
        if self._next is None:
            return
        if first != self._next:
            self.lost_frames += first - self._next
        self._pass_on(first, pcm)

    def keep_from(self, first: Frames | None) -> None:
        """Keeps everything from a frame on; None: the last seconds only."""
        if first is None:
            self._preroll.unpin()
        else:
            self._preroll.pin(first)

    def stream(self, first: Frames, now: Millis) -> None:
        """Sends everything from a frame on, now and as it comes. `now` is the time of the newest frame."""
        self._offset = Millis(now - millis(self._preroll.end))
        begin, pcm = self._preroll.read(first)
        self.lost_frames += begin - first if first < begin else 0
        self._next = begin
        for at in range(0, len(pcm), _PIECE_BYTES):
            self._pass_on(Frames(begin + at // 2), pcm[at : at + _PIECE_BYTES])

    def stop(self) -> None:
        """Sends no more."""
        self._next = None

    def _pass_on(self, first: Frames, pcm: bytes) -> None:
        self._next = Frames(first + len(pcm) // 2)
        self._send(pcm, Millis(self._offset + millis(first)))
