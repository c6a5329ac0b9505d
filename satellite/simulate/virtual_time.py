"""An event loop on a virtual clock, with real sockets: when there is nothing to do, it is at once the time of the next thing.

Time stands still while anything happens, and until everything that was sent has arrived. So what a test sees depends on
neither the machine's speed nor its load, and is the same each time. One thing is the system's to choose: how much of a burst
longer than its window (64 KiB) is read in one go. Whoever cuts a connection in the instant of such a burst cannot know what
of it has been read.
"""

import asyncio
import selectors
import socket
import struct
import time
from collections.abc import Coroutine, Iterator, Sequence
from dataclasses import dataclass

from satellite.simulate.clock import VirtualClock

# of the machine's clock, which does not begin at zero
START_S = 98_765.4321

# of virtual time: the longest story takes half a minute
STORY_S = 120.0
# of real time, on a machine that is busy with other things; tidying up after that has a little more
PATIENCE_S = 120.0
_TIDYING_S = 10.0
# of real time: loopback delivers in microseconds, and in a few time slices when every core is busy
DELIVERY_S = 5.0
# of real time, between two looks
_LOOK_S = 0.0005

# Linux: enum tcp_state, and places in struct tcp_info, which only grows at its end
_ESTABLISHED, _SYN_SENT, _CLOSED, _LISTENS = 1, 2, 7, 10
_HAS_SAID_GOODBYE = {4, 5, 9, 11}
# received, unsent, sent, and of that again
_COUNTS, _COUNTS_AT = struct.Struct("=Q8xI52xQQ"), 128
_TCP_INFO_BYTES = _COUNTS_AT + _COUNTS.size

Ready = list[tuple[selectors.SelectorKey, int]]
Address = tuple[str, int]


def run_virtually(story: Coroutine[None, None, None], story_s: float = STORY_S, patience_s: float = PATIENCE_S) -> None:
    """Runs it in virtual time. TimeoutError if it does not end in time, RuntimeError if it cannot."""
    with asyncio.Runner(loop_factory=lambda: VirtualLoop(patience_s)) as runner:
        runner.run(_in_time(story, story_s))


async def _in_time(story: Coroutine[None, None, None], story_s: float) -> None:
    try:
        async with asyncio.timeout(story_s) as limit:
            await story
    except TimeoutError:
        if limit.expired():
            raise TimeoutError(f"the story has not come to its end in {story_s:g} s of virtual time") from None
        raise


class VirtualLoop(asyncio.SelectorEventLoop):
    """Its time is that of `clock`, which it puts forward to the next timer when all is quiet."""

    def __init__(self, patience_s: float = PATIENCE_S) -> None:
        self.clock = VirtualClock(START_S)
        super().__init__(_Selector(self.clock, patience_s))

    def time(self) -> float:
        return self.clock.now_s()


class _Selector(selectors.EpollSelector):
    """Looks at real files, and waits in virtual time."""

    def __init__(self, clock: VirtualClock, patience_s: float) -> None:
        super().__init__()
        self._clock, self._patience_s = clock, patience_s
        self._patient_until_s = time.monotonic() + patience_s
        self._registered: dict[int, int] = {}
        self._watched: dict[int, _Watched] = {}
        # whose owner does not read for now, or has closed them
        self._left: dict[int, _Watched] = {}
        self._count = 0

    def register(self, fileobj, events, data=None):  # type: ignore[no-untyped-def]
        key = super().register(fileobj, events, data)
        self._count += 1
        self._registered[key.fd] = self._count
        if (left := self._left.pop(key.fd, None)) is not None:
            left.forget()
        if (watched := _Watched.of(key.fd)) is not None:
            self._watched[key.fd] = watched
            watched.is_read = bool(events & selectors.EVENT_READ)
        return key

    def modify(self, fileobj, events, data=None):  # type: ignore[no-untyped-def]
        key = super().modify(fileobj, events, data)
        if (watched := self._watched.get(key.fd)) is not None:
            watched.is_read = bool(events & selectors.EVENT_READ)
        return key

    def unregister(self, fileobj):  # type: ignore[no-untyped-def]
        key = super().unregister(fileobj)
        if (watched := self._watched.pop(key.fd, None)) is not None:
            watched.is_read = False
            self._left[key.fd] = watched
        return key

    def select(self, timeout: float | None = None) -> Ready:
        self._check_patience()
        ready = self._arrived(is_quiet=timeout != 0)
        if not ready and timeout is None:
            # the threads of the loop's executor say so when they have ended
            ready = super().select(DELIVERY_S)
            if not ready:
                raise RuntimeError("everybody waits for somebody: no timer is set, and nothing is on its way")
        elif not ready and timeout:
            self._clock.sleep_until(self._clock.now_s() + timeout)
        # not in the order of what came a microsecond before what
        return sorted(ready, key=lambda item: self._registered[item[0].fd])

    def _arrived(self, is_quiet: bool) -> Ready:
        """What can be read and written once everything has arrived that was sent."""
        deadline_s = time.monotonic() + DELIVERY_S
        while True:
            for fd in [fd for fd, left in self._left.items() if not left.is_open()]:
                self._left.pop(fd).forget()
            watched = [*self._watched.values(), *self._left.values()]
            ends = [end for each in watched if (end := each.end()) is not None]
            if not _is_data_on_its_way(ends):
                ready = super().select(0)
                if ready or not is_quiet or not _is_news_on_its_way(ends):
                    return ready
            if time.monotonic() > deadline_s:
                raise RuntimeError(f"something has been on its way for {DELIVERY_S:g} s: {ends}")
            time.sleep(_LOOK_S)

    def _check_patience(self) -> None:
        if time.monotonic() > self._patient_until_s:
            self._patient_until_s = time.monotonic() + _TIDYING_S
            passed_s = self._clock.now_s() - START_S
            raise RuntimeError(f"{self._patience_s:g} s of real time were not enough for {passed_s:.3f} s of virtual time")


@dataclass(frozen=True, slots=True)
class _End:
    """One end of a TCP connection, as the system knows it."""

    here: Address
    there: Address | None
    state: int
    is_read: bool
    received: int
    sent: int
    unsent: int
    """What waits until the other end has room for it."""


class _Watched:
    """A socket of somebody else's that may be a TCP connection, looked at without a word of its owner."""

    def __init__(self, view: socket.socket) -> None:
        self._view, self._here = view, view.getsockname()
        self._there: Address | None = None
        self.is_read = False
        """Whether its owner waits for something to read."""

    @classmethod
    def of(cls, fd: int) -> "_Watched | None":
        """None if it is none, and never will be."""
        view = socket.socket(fileno=fd)
        is_stream = view.type == socket.SOCK_STREAM
        if view.family == socket.AF_INET and is_stream and view.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 1)[0] != _LISTENS:
            return cls(view)
        view.detach()
        return None

    def forget(self) -> None:
        """It may be closed now."""
        self._view.detach()

    def is_open(self) -> bool:
        """Whether its number still stands for it."""
        try:
            return self._there is not None and (self._view.getsockname(), self._view.getpeername()) == (self._here, self._there)
        except OSError:
            return False

    def end(self) -> _End | None:
        """As it is; None if it is not connected."""
        try:
            info = self._view.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, _TCP_INFO_BYTES)
            state = info[0]
            if state == _CLOSED:
                return None
            if self._there is None and state != _SYN_SENT:
                self._here, self._there = self._view.getsockname(), self._view.getpeername()
        except OSError:
            # reset between two looks
            return None
        received, unsent, sent, again = _COUNTS.unpack_from(info, _COUNTS_AT)
        return _End(self._here, self._there, state, self.is_read, received, sent - again, unsent)


def _pairs(ends: Sequence[_End]) -> Iterator[tuple[_End, _End]]:
    others = {(end.there, end.here): end for end in ends}
    return ((end, other) for end in ends if end.there is not None and (other := others.get((end.here, end.there))) is not None)


def _is_data_on_its_way(ends: Sequence[_End]) -> bool:
    """Whether anybody has sent more than has arrived."""
    return any(other.received < end.sent for end, other in _pairs(ends))


def _is_news_on_its_way(ends: Sequence[_End]) -> bool:
    """Whether something will come though nobody has anything to read: more data, the end of a connection, or a new one."""
    listed = {end.here for end in ends}
    return any(
        (end.unsent > 0 and other.is_read)
        # behind what there is no room for it waits, too
        or (end.state in _HAS_SAID_GOODBYE and other.state == _ESTABLISHED and (end.unsent == 0 or other.is_read))
        for end, other in _pairs(ends)
    ) or any(end.state == _SYN_SENT or (end.state == _ESTABLISHED and end.there not in listed) for end in ends)
