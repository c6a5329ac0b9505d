"""The hub as the conversation sees it: its events become ours, our actions become its events, its speech becomes replies.

A shell: it keeps track of which audio belongs to which turn (`gate.py`) and of nothing else.
"""

import logging
import socket
from collections.abc import Callable, Mapping, Sequence
from typing import Protocol

from wyoming.event import Event as WireEvent

from satellite.core import events as ev
from satellite.core.interrupt import Interrupt
from satellite.core.timers import Timer
from satellite.core.units import Millis, millis
from satellite.errors import PeerError
from satellite.peer import codec
from satellite.peer.door import Door
from satellite.peer.gate import Stream, StreamGate
from satellite.peer.server import HubServer, Presence

_log = logging.getLogger(__name__)

# ten minutes without a loss, and the next one is news again
_STEADY_MS = 600_000

# a day; a number that is larger is none
_LONGEST_STREAM_S = 86_400.0

# a reply without a format in its first event is what every hub sends today
_DEFAULT_RATE_HZ = 22_050


class ReplySink(Protocol):
    """Takes the audio of one reply."""

    rate_hz: int

    @property
    def frames(self) -> int: ...

    def feed(self, pcm: bytes, rate_hz: int, width: int, channels: int) -> None: ...

    def finish(self) -> None: ...

    def reopen(self) -> None: ...


class HubPeer:
    """One hub at a time. `emit` gives the conversation an event; `open_reply` makes the place where a reply is kept.

    `pipelines` are the names of those that some wake words ask for; `on_timer` is told of the timers that the hub keeps.
    """

    def __init__(
        self,
        name: str,
        area: str | None,
        wake_words: Sequence[str],
        emit: Callable[[ev.Event], None],
        open_reply: Callable[[int], ReplySink],
        now: Callable[[], Millis],
        pipelines: Mapping[str, str] | None = None,
        on_timer: Callable[[Timer], None] = lambda timer: None,
        door: Door | None = None,
    ) -> None:
        self._emit, self._open_reply, self._now = emit, open_reply, now
        info = codec.info(name, area, wake_words)
        self._server = HubServer(lambda: info, self, door=door)
        self.door = self._server.door
        self._on_timer = on_timer
        self._pipelines, self._opened_by = pipelines or {}, ""
        self._gate = StreamGate(lambda: self._now() / 1000)
        self._sinks: dict[Stream, ReplySink] = {}
        self._last_sink: ReplySink | None = None
        self._is_continued = False
        self._kept: dict[Stream, int] = {}
        self._announcements = 0
        self._turn = 0
        self._lost_at: Millis | None = None
        self._losses = 0

    async def start(self, host: str, port: int, socks: Sequence[socket.socket] = ()) -> int:
        """Listens there, or on sockets that are bound already; the port."""
        return await self._server.start(host, port, socks=socks)

    @property
    def descriptors(self) -> list[int]:
        """Of the sockets that listen."""
        return self._server.descriptors

    @property
    def presence(self) -> Presence:
        """Who is the hub."""
        return self._server.presence

    async def stop(self) -> None:
        """Says goodbye and closes."""
        await self._server.stop()

    # ---- actions

    def onset(self) -> None:
        """The hub's connection is open already."""

    def begin_turn(self, turn: int, owed: bool) -> None:
        """Audio of earlier turns is stale from now on."""
        self._turn = turn
        self._gate.begin_turn(turn, owed)
        self._last_sink = None
        self._forget_stale()

    def expect_answer(self) -> None:
        """A stream that begins now may be the present turn's."""
        self._gate.expect_answer()

    def accept_answer(self) -> None:
        """The stream that may be an earlier turn's is the present answer after all."""
        self._gate.accept_answer()

    def continue_reply(self) -> None:
        """The stream that begins is the rest of the reply whose stream ended last."""
        self._is_continued = True

    def keep_announcement(self, id: int) -> None:
        """The one that has just begun waits: its audio is kept all the same."""
        stream = next(reversed(self._sinks))
        self._kept[stream] = id

    def woken_by(self, name: str) -> None:
        """This word opened the turn: its pipeline is asked for from now on, also for what interrupts the answer."""
        self._opened_by = name

    def detection(self, name: str) -> None:
        """A wake word was heard here."""
        self._server.send(codec.detection(name, self._now()))

    def run(self) -> None:
        """Asks for a run."""
        self._server.send(codec.run(self._pipelines.get(self._opened_by)))

    def wake_run(self) -> None:
        """Asks the hub to wait for the wake word, and then for a run as `run` does."""
        self._server.send(codec.wake_run())

    def abort(self) -> None:
        """Asks to cancel the run that is alive."""
        self._server.send(codec.abort())

    def audio(self, pcm: bytes, at: Millis) -> None:
        """A piece of the microphone."""
        self._server.send(codec.audio(pcm, at))

    def audio_stop(self) -> None:
        """The utterance is over."""
        self._server.send(codec.audio_stop(self._now()))

    def pause(self, is_paused: bool) -> None:
        """The hub has a detector of its own."""

    def played(self) -> None:
        """The reply has ended, one way or the other."""
        self._server.send(codec.played())

    def interrupt(self, interrupt: Interrupt) -> None:
        """The user talks over the reply."""
        self._server.send(codec.interrupt(interrupt))

    # ---- what the server tells

    def session_opened(self, peer: str) -> None:
        """A hub has chosen us."""
        away_s = 0.0 if self._lost_at is None else (self._now() - self._lost_at) / 1000
        _log.log(self._news_level(logging.INFO), "hub %s is here after %.1f s", peer, away_s)
        # of a hub that muted us and has chosen us again over the same connection
        self._finish_kept_of(lambda kept: True)
        self._gate = StreamGate(lambda: self._now() / 1000)
        self._gate.begin_turn(self._turn, owed=False)
        self._sinks.clear()
        self._emit(ev.HubOpened(self._now()))

    def session_closed(self, why: str) -> None:
        """It is gone."""
        _log.log(self._news_level(logging.WARNING), "the hub is gone: %s", why)
        self._finish_kept_of(lambda kept: True)
        self._losses += 1
        self._lost_at = self._now()
        self._emit(ev.HubClosed(self._now()))

    def _news_level(self, level: int) -> int:
        """A hub that comes and goes all night is worth a line or two, not a log full of them."""
        if self._lost_at is not None and self._now() - self._lost_at > _STEADY_MS:
            self._losses = 0
        return level if self._losses <= 1 else logging.DEBUG

    def session_event(self, event: WireEvent) -> None:
        """It says something. PeerError if it makes no sense."""
        match event.type:
            case "audio-start":
                self._start(event)
            case "audio-chunk":
                self._chunk(event)
            case "audio-stop":
                self._stop(event)
            case _:
                self._word(event)

    def _word(self, event: WireEvent) -> None:
        if event.type == "synthesize":
            self._gate.text_is_known()
        if (ours := codec.to_core(event, self._now())) is not None:
            self._emit(ours)
        elif (timer := codec.timer(event)) is not None:
            self._on_timer(timer)
        else:
            _log.debug("< %s, which means nothing here", event.type)

    def _start(self, event: WireEvent) -> None:
        stream = self._gate.start(_time_ms(event))
        self._finish_kept_of(lambda kept: not self._gate.follows(kept))
        self._forget_stale()
        if not self._gate.is_wanted(stream):
            return
        if stream.turn is not None:
            self._sinks[stream] = self._open_reply(stream.turn)
            self._emit(ev.AnswerAudio(self._now(), is_certain=not self._gate.is_in_doubt(stream)))
            return
        self._start_unasked(stream)

    def _start_unasked(self, stream: Stream) -> None:
        """An announcement is a turn of its own, unless it is the rest of an answer; it may not be wanted just now."""
        before, rest_of = self._turn, self._last_sink
        self._sinks[stream] = self._open_reply(before + 1)
        self._is_continued = False
        self._announcements += 1
        self._emit(ev.AnnouncementAudio(self._now(), stream.may_be_rest, id=-self._announcements))
        if self._is_continued and rest_of is not None:
            rest_of.reopen()
            self._sinks[stream], stream.turn = rest_of, before
        elif self._turn == before + 1:
            stream.turn = self._turn
        elif stream not in self._kept:
            del self._sinks[stream]

    def _chunk(self, event: WireEvent) -> None:
        rate_hz = codec.count_of(event, "rate") or _DEFAULT_RATE_HZ
        width, channels = codec.count_of(event, "width") or 2, codec.count_of(event, "channels") or 1
        pcm = event.payload or b""
        stream = self._gate.chunk(_time_ms(event), len(pcm) // (width * channels), rate_hz)
        if stream is not None and stream in self._sinks:
            self._sinks[stream].feed(pcm, rate_hz, width, channels)

    def _stop(self, event: WireEvent) -> None:
        timestamp_ms = _time_ms(event)
        stream = self._gate.stop(timestamp_ms)
        if stream is None:
            return
        sink = self._sinks.pop(stream, None)
        if sink is not None and stream in self._kept:
            self._finish_kept(stream, sink)
        elif sink is not None:
            self._last_sink = sink
            sink.finish()
            self._emit(ev.AnswerComplete(self._now(), millis(sink.frames, sink.rate_hz)))
        elif timestamp_ms is None:
            # only announcements end without a time: this one was not played, or taken for an old answer, and the hub waits
            self.played()

    def _finish_kept_of(self, is_over: Callable[[Stream], bool]) -> None:
        """Nothing more will come of these announcements."""
        for stream in [*filter(is_over, self._kept)]:
            self._finish_kept(stream, self._sinks.pop(stream))

    def _finish_kept(self, stream: Stream, sink: ReplySink) -> None:
        """All of an announcement has come that had to wait, and may still."""
        id = self._kept.pop(stream)
        sink.finish()
        total = millis(sink.frames, sink.rate_hz)
        self._emit(ev.SayComplete(self._now(), id, total) if total else ev.SayFailed(self._now(), id))

    def _forget_stale(self) -> None:
        """Nothing more is kept of replies that nobody waits for, or that cannot go on."""
        gate = self._gate
        self._sinks = {stream: sink for stream, sink in self._sinks.items() if gate.is_wanted(stream) and gate.follows(stream)}


def _time_ms(event: WireEvent) -> int | None:
    """When its audio begins in its stream. Home Assistant up to 2025.5 counts seconds, from then on milliseconds."""
    value = event.data.get("timestamp")
    if not isinstance(value, float):
        return codec.count_of(event, "timestamp")
    if not 0.0 <= value <= _LONGEST_STREAM_S:
        raise PeerError(f"{event.type}: timestamp is {value!r}, not a time within a stream")
    return round(value * 1000)
