"""An event service on the library's own server, and the client that tells it what happens."""

import asyncio
import logging
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest
from wyoming.asr import Transcribe, Transcript
from wyoming.audio import AudioStart, AudioStop
from wyoming.error import Error
from wyoming.event import Event, async_write_event
from wyoming.pipeline import PipelineStage, RunPipeline
from wyoming.satellite import PauseSatellite, SatelliteConnected, SatelliteDisconnected, StreamingStarted, StreamingStopped
from wyoming.server import AsyncEventHandler, AsyncServer, AsyncTcpServer
from wyoming.snd import Played
from wyoming.timer import TimerCancelled, TimerFinished, TimerStarted, TimerUpdated
from wyoming.tts import Synthesize
from wyoming.vad import VoiceStarted, VoiceStopped
from wyoming.wake import Detect, Detection

from satellite.core import events as ev
from satellite.core.timers import Timer, TimerChange
from satellite.errors import ConfigError
from satellite.notices import Notice
from satellite.peer.event_service import EventService, EventServiceRule
from satellite.peer.outgoing import Place
from tests.notice_driver import WatchedDriver
from tests.peer.house import SOON_S, play, warnings

_RULE = EventServiceRule(first_retry_s=0.01, most_retry_s=0.02)

# each type, and what the library makes of it
_CLASSES: dict[str, Any] = {
    "run-pipeline": RunPipeline,
    "detect": Detect,
    "detection": Detection,
    "satellite-connected": SatelliteConnected,
    "satellite-disconnected": SatelliteDisconnected,
    "streaming-started": StreamingStarted,
    "streaming-stopped": StreamingStopped,
    "transcribe": Transcribe,
    "voice-started": VoiceStarted,
    "voice-stopped": VoiceStopped,
    "transcript": Transcript,
    "synthesize": Synthesize,
    "audio-start": AudioStart,
    "audio-stop": AudioStop,
    "played": Played,
    "error": Error,
    "pause-satellite": PauseSatellite,
    "timer-started": TimerStarted,
    "timer-updated": TimerUpdated,
    "timer-cancelled": TimerCancelled,
    "timer-finished": TimerFinished,
}


@dataclass
class Lights:
    """A service as the LED examples are: it reacts to events, and says nothing."""

    uri: str
    events: list[Event] = field(default_factory=list)
    handlers: list["_Handler"] = field(default_factory=list)
    _changed: asyncio.Event = field(default_factory=asyncio.Event)
    _server: AsyncServer | None = None

    async def start(self) -> None:
        self._server = AsyncServer.from_uri(self.uri)
        await self._server.start(lambda reader, writer: _Handler(self, reader, writer))
        if isinstance(self._server, AsyncTcpServer) and self._server._server is not None:
            port = self._server._server.sockets[0].getsockname()[1]
            self.uri = f"tcp://127.0.0.1:{port}"

    async def stop(self) -> None:
        assert self._server is not None
        await self._server.stop()

    def note(self) -> None:
        self._changed.set()
        self._changed.clear()

    async def until(self, holds: Callable[[], object]) -> None:
        while not holds():
            await self._changed.wait()

    async def until_told(self, *kinds: str) -> None:
        """Waits until exactly these have come."""
        await self.until(lambda: len(self.events) >= len(kinds))
        assert self.kinds == list(kinds)

    @property
    def kinds(self) -> list[str]:
        return [event.type for event in self.events]


class _Handler(AsyncEventHandler):
    def __init__(self, lights: Lights, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        super().__init__(reader, writer)
        self._lights = lights
        lights.handlers.append(self)
        lights.note()

    async def handle_event(self, event: Event) -> bool:
        self._lights.events.append(event)
        self._lights.note()
        return True


@asynccontextmanager
async def told(uri: str, rule: EventServiceRule = _RULE, **more: Any) -> AsyncIterator[EventService]:
    """A client that has been started."""
    service = EventService(uri, rule, **more)
    await service.start()
    try:
        async with asyncio.timeout(SOON_S):
            yield service
    finally:
        await service.stop()


@asynccontextmanager
async def lit(tmp_path: Path, rule: EventServiceRule = _RULE) -> AsyncIterator[tuple[Lights, EventService]]:
    """A service, and a client that is connected to it."""
    lights = Lights(f"unix://{tmp_path}/lights")
    await lights.start()
    async with told(lights.uri, rule) as service:
        await lights.until(lambda: lights.handlers)
        yield lights, service
    await lights.stop()


def _a_turn() -> list[Notice]:
    """All that is told from a hub's coming to its going: a turn, its answer talked over, a timer, an error."""
    notices: list[Notice] = []
    driver = WatchedDriver(notices.append)
    driver.speaking().wait(1000)
    driver.hold()
    driver.voice(1000)
    driver.tell(ev.HubReady)
    driver.silence(900)
    driver.tell(ev.HubError, code="stt-provider-missing", text="no speech-to-text")
    for change in TimerChange:
        driver.notices.on_timer(Timer(change, "1", "eggs", 90))
    driver.tell(ev.HubPaused)
    driver.tell(ev.HubClosed)
    return notices


@pytest.mark.parametrize("kind", ["tcp", "unix"])
def test_the_librarys_server_reads_a_whole_turn(kind: str, tmp_path: Path) -> None:
    """Every event of it, in order, as the class that the library has for it; ours come as they are."""
    notices = _a_turn()

    async def story() -> None:
        lights = Lights("tcp://127.0.0.1:0" if kind == "tcp" else f"unix://{tmp_path}/lights")
        await lights.start()
        async with told(lights.uri) as service:
            for notice in notices:
                service.tell(notice.kind, notice.data)
            # of the answer that is talked over the end of the audio is told once more
            kinds = [notice.kind for notice in notices]
            over = kinds.index("played", kinds.index("interrupt"))
            await lights.until_told(*kinds[:over], "audio-stop", *kinds[over:])
        await lights.stop()
        read = {event.type: _CLASSES[event.type].from_event(event) for event in lights.events if event.type in _CLASSES}
        assert read.keys() == _CLASSES.keys()
        assert set(lights.kinds) - read.keys() == {"interrupt", "state-changed"}
        assert read["run-pipeline"] == RunPipeline(PipelineStage.ASR, PipelineStage.TTS, restart_on_end=False)
        assert read["detection"].name == "okay_nabu" and isinstance(read["detection"].timestamp, int)
        assert read["transcript"].text == "what is the news"
        assert read["synthesize"].text == "the answer to that is long"
        assert read["audio-start"].rate == 16_000
        assert read["error"] == Error("no speech-to-text", "stt-provider-missing")
        assert read["timer-started"] == TimerStarted("1", 90, "eggs")
        assert read["timer-updated"] == TimerUpdated("1", is_active=True, total_seconds=90)
        assert read["timer-finished"] == TimerFinished("1")
        assert [e.data["phase"] for e in lights.events if e.type == "interrupt"] == ["provisional", "confirmed"]

    play(story())


def test_a_light_goes_out_when_an_answer_has_been_played_whatever_happened_over_it(tmp_path: Path) -> None:
    """wyoming-satellite's examples do so where `played` comes right behind `audio-stop`; it is said once more, if it does not."""

    async def story() -> None:
        async with lit(tmp_path) as (lights, service):
            for kind in ("audio-start", "audio-stop", "played", "audio-start", "audio-stop", "interrupt", "played"):
                service.tell(kind, {})
            await lights.until_told(
                *("audio-start", "audio-stop", "played", "audio-start", "audio-stop", "interrupt", "audio-stop", "played")
            )

    asyncio.run(story())


def test_a_service_that_comes_later_is_told_the_newest(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """A hundred events, and then what comes; that it is away is a warning once."""

    async def story() -> None:
        lights = Lights(f"unix://{tmp_path}/lights")
        async with told(lights.uri) as service:
            for number in range(120):
                service.tell("transcript", {"text": f"{number}"})
            await _until(lambda: len(_told(caplog, "nobody is told")) > 2)
            await lights.start()
            await lights.until(lambda: len(lights.events) == 100)
            service.tell("played", {})
            await lights.until(lambda: len(lights.events) == 101)
            assert [e.data.get("text") for e in lights.events] == [*map(str, range(20, 120)), None]
        await lights.stop()
        assert len(warnings(caplog)) == 1

    play(story())


def test_what_is_long_over_is_not_told(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """Five seconds; the operator is told for how long nobody was."""
    now_s = 100.0

    async def story() -> None:
        nonlocal now_s
        lights = Lights(f"unix://{tmp_path}/lights")
        async with told(lights.uri, clock_s=lambda: now_s) as service:
            await _until(lambda: _told(caplog, "nobody is told"))
            service.tell("detect", {})
            now_s += 5.1
            service.tell("played", {})
            await lights.start()
            await lights.until_told("played")
        await lights.stop()
        (back,) = _told(caplog, "is here after")
        assert back.levelno == logging.INFO and "after 5.1 s" in back.getMessage()

    play(story())


async def _until(holds: Callable[[], object]) -> None:
    """Lets everybody else do what they can, until it is so."""
    while not holds():
        done = asyncio.get_running_loop().create_future()
        asyncio.get_running_loop().call_soon(done.set_result, None)
        await done


def _told(caplog: pytest.LogCaptureFixture, words: str) -> list[logging.LogRecord]:
    return [record for record in caplog.records if words in record.getMessage()]


def test_a_service_that_is_restarted_is_told_again(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """Without anybody's help, and what happened meanwhile too."""

    async def story() -> None:
        async with lit(tmp_path) as (lights, service):
            service.tell("detect", {})
            await lights.until_told("detect")
            await lights.handlers[0].stop()
            await _until(lambda: _told(caplog, "closed the connection"))
            service.tell("played", {})
            await lights.until_told("detect", "played")
            assert len(lights.handlers) == 2

    play(story())


def test_it_answers_a_ping_and_ignores_the_rest(tmp_path: Path) -> None:
    """A service may look whether somebody is there; with half a character too."""

    async def story() -> None:
        async with lit(tmp_path) as (lights, _service):
            writer = lights.handlers[0].writer
            await async_write_event(Event("info", {"handle": []}), writer)
            await async_write_event(Event("ping", {"text": "there?"}), writer)
            await async_write_event(Event("ping"), writer)
            await lights.until_told("pong", "pong")
            assert [e.data.get("text") for e in lights.events] == ["there?", None]

    play(story())


def test_what_is_no_wyoming_ends_the_connection_and_not_the_client(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """Nor does it cost memory."""

    async def story() -> None:
        async with lit(tmp_path) as (lights, service):
            lights.handlers[0].writer.write(b"x" * 200_000)
            await lights.until(lambda: len(lights.handlers) == 2)
            service.tell("played", {})
            await lights.until_told("played")
            assert any("header line" in line for line in warnings(caplog))

    play(story())


def test_a_service_that_does_not_read_is_dropped(caplog: pytest.LogCaptureFixture) -> None:
    """When so much waits for it; nobody who tells it something waits, and it is tried again."""

    async def story() -> None:
        connections: list[asyncio.StreamWriter] = []
        again = asyncio.Event()

        async def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            writer.transport.pause_reading()  # type: ignore[attr-defined]
            connections.append(writer)
            if len(connections) > 1:
                again.set()

        server = await asyncio.start_server(accept, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        async with told(f"tcp://127.0.0.1:{port}") as service:
            await _until(lambda: connections and service._writer)
            # the system holds some, and we do
            while not service._is_stuck:
                service.tell("transcript", {"text": "x" * 10_000})
            await again.wait()
            assert any("does not read" in line for line in warnings(caplog))
        for writer in connections:
            writer.transport.abort()
        server.close()

    play(story())


def test_what_was_told_last_still_leaves(tmp_path: Path) -> None:
    """The satellite stops, and the lights go out; nobody is warned of what we ourselves do."""

    async def story() -> None:
        async with lit(tmp_path) as (lights, service):
            for _ in range(3):
                service.tell("satellite-disconnected", {})
            await service.stop()
            await lights.until_told(*["satellite-disconnected"] * 3)

    play(story())


def test_nobody_is_warned_of_the_end(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """It is ours."""

    async def story() -> None:
        async with lit(tmp_path):
            pass
        assert warnings(caplog) == []

    play(story())


def test_it_stops_while_nobody_answers() -> None:
    """A port behind which nothing accepts, and one behind which nothing is."""

    async def story() -> None:
        deaf = socket.create_server(("127.0.0.1", 0), backlog=0)
        rule = replace(_RULE, connect_s=0.05)
        async with told(f"tcp://127.0.0.1:{deaf.getsockname()[1]}", rule), told("tcp://127.0.0.1:1", rule):
            pass
        deaf.close()

    play(story())


@pytest.mark.parametrize(
    "uri", ["http://there:80", "tcp://there", "tcp://there:0", "tcp://there:65536", "unix://there", "lights"]
)
def test_a_uri_that_is_none_is_the_operators_mistake(uri: str) -> None:
    """And named."""
    with pytest.raises(ConfigError, match=r"hooks\.event_uri"):
        EventService(uri)


def test_an_address_may_have_brackets() -> None:
    """As IPv6 has it."""
    assert EventService("tcp://[::1]:10500")._place == Place("::1", 10500, is_secure=False)
