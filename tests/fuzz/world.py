"""A satellite without sound or sockets: the server's reader on one side, the conversation behind it, and somebody who talks."""

import asyncio
import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import SimpleNamespace
from typing import Any, cast

from wyoming.event import Event as WireEvent

from satellite.audio.engine import AudioEngine
from satellite.config import Config
from satellite.core import actions as act
from satellite.core import events as ev
from satellite.core.actions import Action
from satellite.core.admission import Admission, AdmissionRule
from satellite.core.health import Health
from satellite.core.says import MOST_ANNOUNCEMENTS
from satellite.core.units import Millis, millis
from satellite.errors import PeerError
from satellite.links import tell_link
from satellite.peer.connection import Connection, ServerRule
from satellite.peer.door import Door
from satellite.peer.framing import Decoder, Limits
from satellite.peer.gate import _MOST_STREAMS
from satellite.peer.hub import HubPeer
from satellite.peer.server import HubServer
from satellite.playback import Playback
from satellite.ringer import Ringer
from tests.core.speaker import FakeSpeaker
from tests.core.world import World
from tests.fuzz.reader import assert_tellable

# so small that they are reached; the data holds the longest number that Python reads
_RULE = ServerRule(limits=Limits(header=300, data=4500, payload=400))
# nobody here comes or asks too often, however often
_OPEN = AdmissionRule(connects_burst=10**9, all_connects_burst=10**9, asks_burst=10**9)
_CONFIG = Config()
# what the rest of a world is like; see World: speech may interrupt, the hub is told at once, nobody but us finds the wake word
_USUAL = 1
_LONGEST_MS = 60_000
# two things that happen here do not in one millisecond, by which an interruption is known
_SHORTEST_MS = 1
# of the loudspeaker
_RATE_HZ = 16_000

# the present turn's, the one before it, and one that has just begun
_MOST_REPLIES = 3

# of a log line that the operator reads
_LONGEST_LINE = 600


class Living(World):
    """One service's life, of which the hub's part comes over the wire. `chosen` decides what else could be otherwise."""

    def __init__(self, loop: "Loop") -> None:
        self.chosen = _USUAL
        self.wire = Wire(self, loop)
        super().__init__(lambda n: self.chosen % n, check_every=16)
        self._voice(96, 0.02)

    def _begin(self) -> None:
        super()._begin()
        self.speaker = Deck(self)
        self.wire.begin()

    def emit(self, event: ev.Event) -> None:
        """The hub's shell tells of this."""
        if isinstance(event, ev.AnnouncementAudio):
            self._announcements += 1
        self._tell(event)

    @property
    def now(self) -> Millis:
        return Millis(self.at)

    def does(self, deed: str, ms: int, chosen: int) -> None:
        """This happens here, a while later."""
        self._pass(max(min(ms, _LONGEST_MS), _SHORTEST_MS))
        self.chosen = chosen
        self.wire.loop.run(self.at)
        if (what := self._deeds().get(deed)) is not None:
            what()

    def over(self) -> None:
        """Nothing that the hub said keeps it from coming to rest by itself."""
        self.wire.loop.run(self.at)
        for _ in range(3):
            self._until_due()

    def _deeds(self) -> dict[str, Callable[[], None]]:
        plays = self.speaker.status == "playing"
        return {
            "!begin": self._begin,
            "!wake": self._wake,
            "!stop-word": self._stop_word,
            "!word": lambda: self._voice(700, 0.9),
            "!cough": lambda: self._voice(300, 0.9, 0.1),
            "!silence": lambda: self._voice(800, 0.02),
            "!late": self._until_due,
            "!say": self._ask_to_say,
            "!said": lambda: self._tell(ev.SaySpeech(self.now, self._says)),
            "!listen": lambda: self._program()[-3](),
            "!hush": lambda: self._program()[-1](),
            "!stalled": self._simple(ev.MicrophoneStalled),
            "!lost": self._lose_audio,
            "!end": self._shut_down,
            **({"!held": self._hold} if plays else {}),
            **({"!ended": self._end} if plays and self.speaker.is_whole else {}),
        }


class Deck(FakeSpeaker):
    """Plays what has really come, and has the link and the replies' keeper do what the conversation wants, as a service does."""

    def __init__(self, world: Living | None = None) -> None:
        super().__init__()
        if world is not None:
            self._world = world

    def tick(self, ms: int) -> None:
        self._look()
        if self.status == "playing":
            now = min(ms, self.received - self.played)
            self.played += now
            self.heard += now // 2

    def _look(self) -> None:
        if self.status in ("playing", "held") and (reply := self._world.wire.playing) is not None:
            self.received, self.is_whole = millis(reply.frames, reply.rate_hz), reply.is_complete
            self.total = self.received if reply.is_complete else None

    @property
    def position(self) -> ev.Position:
        self._look()
        return super().position

    def obey(self, action: Action) -> None:
        super().obey(action)
        self._world.wire.obey(action, self._world.conversation.turn)


class Wire:
    """The server with everything behind it but the conversation, and a hub at its only connection."""

    def __init__(self, world: Living, loop: "Loop") -> None:
        self._world = world
        self.loop = loop
        self.connection: Connection | None = None

    def begin(self) -> None:
        """A service starts; that before it hears nothing any more."""
        world = self._world
        if self.connection is not None:
            self.connection.is_closing = True
        self._engine = SimpleNamespace(commands=[], position=None, player=SimpleNamespace(reply=None, rate_hz=_RATE_HZ))
        self._playback = Playback(_CONFIG, cast(AudioEngine, self._engine), Health)
        self._ringer = Ringer(lambda: world.now, lambda: None, lambda id: None, lambda timer: None)
        open_reply = self._playback.open_reply
        self._hub = HubPeer(
            "test", None, ("okay_nabu",), world.emit, open_reply, lambda: world.now, {"okay_nabu": "x"}, self._ringer.on_timer
        )
        self._server = self._hub._server = _Server(self._hub, world)
        self.connection = self._connected()

    @property
    def playing(self) -> Any:
        return self._engine.player.reply

    def receive(self, stream: bytes) -> None:
        """These bytes come from the hub."""
        assert self.connection is not None
        self.connection.data_received(stream)
        self.loop.run(self._world.at)
        assert len(self._hub._kept) <= len(self._hub._sinks) <= _MOST_STREAMS, "streams pile up"
        waiting, replies = self._playback._waiting, self._playback._replies
        assert len(waiting) <= MOST_ANNOUNCEMENTS + 1 and len(replies) <= _MOST_REPLIES, "replies pile up"

    def reconnect(self) -> None:
        """The connection is gone, and there is another."""
        assert self.connection is not None
        self.connection.connection_lost(None)
        self.connection = self._connected()

    def _connected(self) -> Connection:
        connection = Connection(self._server)
        connection.connection_made(Transport())
        return connection

    def obey(self, action: Action, turn: int) -> None:
        """As the service does it."""
        match action:
            case act.Play(of):
                self._playback.command(action)
                self._engine.player.reply = self._playback._replies[of]
            case act.StopReply() | act.ResumeReply() | act.FinishReply():
                self._playback.command(action)
            case act.BeginTurn(turn, owed):
                self._hub.begin_turn(turn, owed)
                self._playback.begin_turn(turn)
            case act.DropSpeech(id) | act.SayOver(_, int(id)):
                self._playback.drop(id)
                self._ringer.on_action(action)
            case act.TakeSpeech(id, turn):
                if not self._playback.take(id, turn):
                    reply = self._playback.new_reply()
                    reply.finish()
                    self._playback.give(turn, reply)
            case act.KeepAnnouncement(id):
                self._playback.keep(id, turn + 1)
                tell_link(self._hub, action)
            case _:
                tell_link(self._hub, action)


class _Server(HubServer):
    """Knows the words for what happens here, and has what is told to the operator looked at."""

    def __init__(self, hub: HubPeer, world: Living) -> None:
        super().__init__(hub._server._info, hub, _RULE, Door(Admission(_OPEN)))
        self._world = world
        # as if it had been started
        self._servers = [cast(asyncio.Server, object())]

    def handle(self, connection: Connection, event: WireEvent) -> None:
        if event.type.startswith("!"):
            numbers = (event.data.get("ms"), event.data.get("n"))
            ms, chosen = (n if isinstance(n, int) and 0 <= n < 1 << 31 else 0 for n in numbers)
            self._world.does(event.type, ms, chosen or _USUAL)
        else:
            super().handle(connection, event)

    def drop(self, connection: Connection, why: str, *, fault: str | None = None) -> None:
        assert_tellable(PeerError(why))
        super().drop(connection, why, fault=fault)


class Transport(asyncio.Transport):
    """A socket that takes all that is written, which has to be well formed."""

    def __init__(self) -> None:
        super().__init__({"peername": ("192.168.1.5", 40_000), "socket": SimpleNamespace(setsockopt=lambda *_: None)})
        self._decoder = Decoder()

    def write(self, data: Any) -> None:
        events = list(self._decoder.feed(bytes(data)))
        assert events and self._decoder.is_between_events, "what we say is no event"
        assert not any(event.type == "audio-chunk" for event in events), "the microphone leaves by itself"

    def get_write_buffer_size(self) -> int:
        return 0

    def write_eof(self) -> None:
        pass

    def close(self) -> None:
        pass

    abort = close


class Loop:
    """In place of an event loop: what is to be called soon is, once the world says so; nothing is that is to be called later."""

    def __init__(self) -> None:
        self._soon: list[Callable[[], Any]] = []
        self._at = 0

    def time(self) -> float:
        return self._at / 1000

    def call_soon(self, call: Callable[..., Any], *args: Any) -> None:
        self._soon.append(lambda: call(*args))

    def call_later(self, delay_s: float, call: Callable[..., Any], *args: Any) -> SimpleNamespace:
        assert 0.0 <= delay_s < 1e9
        return SimpleNamespace(cancel=lambda: None)

    def run(self, at: int) -> None:
        """It is that time, in ms."""
        self._at = at
        soon, self._soon = self._soon, []
        for call in soon:
            call()

    def get_debug(self) -> bool:
        return False


class _Reader(logging.Handler):
    """Reads all that is logged, and minds what the operator would have to read."""

    def emit(self, record: logging.LogRecord) -> None:
        line = record.getMessage()
        assert record.levelno < logging.INFO or (len(line) <= _LONGEST_LINE and line.isprintable()), f"{line[:1000]!r}"


_READER, _LOG = _Reader(), logging.getLogger("satellite")


@contextmanager
def running(loop: Loop) -> Iterator[None]:
    """Those who ask for the running loop get this one, and what is logged is made into lines, which nobody sees."""
    before, propagates, level = asyncio._get_running_loop(), _LOG.propagate, _LOG.level
    asyncio._set_running_loop(cast(asyncio.AbstractEventLoop, loop))
    _LOG.addHandler(_READER)
    _LOG.propagate = False
    _LOG.setLevel(logging.DEBUG)
    try:
        yield
    finally:
        asyncio._set_running_loop(before)
        _LOG.removeHandler(_READER)
        _LOG.propagate = propagates
        _LOG.setLevel(level)
