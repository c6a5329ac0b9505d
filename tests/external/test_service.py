"""Microphone and sound services by the wyoming library's own server, on loopback."""

import asyncio
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path

import numpy as np
import pytest
from wyoming.audio import AudioChunk, AudioStart, AudioStop
from wyoming.event import Event
from wyoming.server import AsyncEventHandler, AsyncServer

from satellite.errors import DeviceError
from satellite.external.service import MicService, SndService
from satellite.external.speaker import ExternalSpeaker
from satellite.simulate.clock import VirtualClock
from tests.external.virtual import pass_time

_SOON_S = 20.0


class _Handler(AsyncEventHandler):
    """Leaves nothing open."""

    async def disconnect(self) -> None:
        self.writer.close()
        with suppress(OSError):
            await self.writer.wait_closed()


class _Mic(_Handler):
    """Streams right away, as the library's microphone services do."""

    events: list[Event] = []  # noqa: RUF012 - of the class that a test makes
    hangs_up = False

    async def run(self) -> None:
        for event in self.events:
            await self.write_event(event)
        await (self.disconnect() if self.hangs_up else super().run())

    async def handle_event(self, event: Event) -> bool:
        return True


class _Snd(_Handler):
    """Writes down what it is sent."""

    got: list[Event] = []  # noqa: RUF012 - of the class that a test makes
    changed: threading.Condition

    async def handle_event(self, event: Event) -> bool:
        with self.changed:
            self.got.append(event)
            self.changed.notify_all()
        return True


@contextmanager
def served(handler: type[AsyncEventHandler], uri: str) -> Iterator[None]:
    """A server in a thread of its own, as it would be in a process."""
    loop, is_up = asyncio.new_event_loop(), threading.Event()

    async def serve() -> None:
        server = AsyncServer.from_uri(uri)
        # the library's `run` wants to have the signals, which a thread has not
        await server.start(handler)  # type: ignore[attr-defined]
        is_up.set()
        try:
            await asyncio.Event().wait()
        finally:
            await server.stop()

    def run() -> None:
        asyncio.set_event_loop(loop)
        with closing(loop):
            with suppress(asyncio.CancelledError):
                loop.run_until_complete(serving)
            loop.run_until_complete(asyncio.gather(*asyncio.all_tasks(loop), return_exceptions=True))

    serving = loop.create_task(serve())
    thread = threading.Thread(target=run)
    thread.start()
    assert is_up.wait(_SOON_S)
    try:
        yield
    finally:
        loop.call_soon_threadsafe(serving.cancel)
        thread.join(_SOON_S)


@pytest.fixture
def tcp() -> str:
    """A place where nobody is."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return f"tcp://127.0.0.1:{free.getsockname()[1]}"


@pytest.fixture(params=["tcp", "unix"])
def uri(request: pytest.FixtureRequest, tcp: str, tmp_path: Path) -> str:
    """Of either kind."""
    return tcp if request.param == "tcp" else f"unix://{tmp_path}/service"


def _mic(*events: Event, hangs_up: bool = False) -> type[_Mic]:
    return type("Mic", (_Mic,), {"events": list(events), "hangs_up": hangs_up})


def _snd() -> type[_Snd]:
    return type("Snd", (_Snd,), {"got": [], "changed": threading.Condition()})


def _chunks(audio: bytes, size: int, width: int = 2, channels: int = 1, rate: int = 16_000) -> list[Event]:
    return [AudioChunk(rate, width, channels, audio[at : at + size]).event() for at in range(0, len(audio), size)]


def _until_it_ends(source: MicService) -> None:
    while True:
        source.wait(_SOON_S)
        source.take()


# ---- a microphone


def test_a_microphone_service_is_heard(uri: str) -> None:
    """From its first sample on, in the format of its chunks, of the wanted channels."""
    frames = np.arange(4000, dtype=np.int32).reshape(-1, 2) << 16
    events = [AudioStart(48_000, 4, 2).event(), *_chunks(frames.tobytes(), 1000, 4, 2, 48_000), AudioStop().event()]
    with served(_mic(*events), uri), closing(MicService(uri, (1, 0))) as source:
        assert (source.rate_hz, source.rows) == (48_000, 2)
        got = source.take()
        while got.shape[1] < 2000:
            source.wait(_SOON_S)
            got = np.concatenate((got, source.take()), axis=1)
        assert np.array_equal(got, np.arange(4000).reshape(-1, 2).T[::-1])


def test_a_service_that_goes_away_is_told_and_found_again(tcp: str) -> None:
    """By whoever opens the card again."""
    events = _chunks(bytes(3200), 320)
    has_hung_up = pytest.raises(DeviceError, match=f"external.mic_uri {tcp} has hung up")
    # which may be told with its first chunk already
    with has_hung_up, served(_mic(*events, hangs_up=True), tcp), closing(MicService(tcp, (0,))) as source:
        _until_it_ends(source)
    with pytest.raises(DeviceError, match=f"external.mic_uri {tcp}: Connection refused"):
        MicService(tcp, (0,))
    with served(_mic(*events), tcp), closing(MicService(tcp, (0,))) as source:
        assert source.take().size


@pytest.mark.parametrize(
    ("events", "channel", "why"),
    [
        (_chunks(bytes(320), 320, width=1), 0, "samples that cannot be used: rate 16000, width 1, channels 1"),
        (_chunks(bytes(320), 320, rate=400_000), 0, "samples that cannot be used: rate 400000"),
        (_chunks(bytes(320), 320), 1, "has 1 channels, and channel 1 is wanted"),
        ([Event("audio-chunk", {"rate": "fast"}, bytes(320))], 0, "samples that cannot be used: rate fast, width None"),
        ([Event("audio-chunk", {}, bytes(2 * 1024 * 1024))], 0, "payload_length is 2097152; at most 1048576"),
    ],
)
def test_what_no_microphone_sends_is_refused(tcp: str, events: list[Event], channel: int, why: str) -> None:
    """By name, and before it fills the memory."""
    with served(_mic(*events), tcp), pytest.raises(DeviceError, match=why):
        MicService(tcp, (channel,))


def test_a_format_that_changes_is_a_new_microphone(tcp: str) -> None:
    """The card has to be opened again for it."""
    events = [*_chunks(bytes(320), 320), *_chunks(bytes(320), 320, rate=48_000)]
    has_changed = pytest.raises(DeviceError, match="has changed its format")
    with served(_mic(*events), tcp), has_changed, closing(MicService(tcp, (0,))) as source:
        _until_it_ends(source)


def test_a_service_that_says_nothing_is_no_microphone(tcp: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is not waited for, for longer than a microphone may take to begin."""
    monkeypatch.setattr("satellite.external.service.BEGIN_S", 0.05)
    with served(_mic(), tcp), pytest.raises(DeviceError, match="gives nothing"):
        MicService(tcp, (0,))


# ---- a loudspeaker


def _play(speaker: ExternalSpeaker, clock: VirtualClock, until: Callable[[], bool]) -> None:
    """Counted samples, as the engine would."""
    written = 0
    while not until():
        while speaker.queued() + 160 <= 480:
            written += speaker.write(np.arange(written, written + 160).astype(np.int16))
        pass_time(clock, 0.01)


def test_a_sound_service_gets_one_stream(uri: str) -> None:
    """It begins once, and all of it comes, in order."""
    handler, clock = _snd(), VirtualClock()
    with served(handler, uri), closing(SndService(uri, 16_000, 2)) as sink:
        turns = iter(range(51))
        speaker = ExternalSpeaker(sink, 30, clock.now_s)

        def heard_frames() -> int:
            return sum(len(event.payload or b"") for event in handler.got) // 4

        def is_done() -> bool:
            turn = next(turns)
            with handler.changed:
                assert handler.changed.wait_for(lambda: heard_frames() >= 150 * (turn - 1), _SOON_S)
            return turn == 50

        _play(speaker, clock, is_done)
    assert [event.type for event in handler.got[:2]] == ["audio-start", "audio-chunk"]
    assert handler.got[0].data == {"rate": 16_000, "width": 2, "channels": 2, "timestamp": None}
    assert {event.type for event in handler.got[1:]} == {"audio-chunk"}
    frames = np.frombuffer(b"".join(event.payload or b"" for event in handler.got), np.int16).reshape(-1, 2)
    assert np.array_equal(frames[:, 0], np.arange(len(frames))) and np.array_equal(frames[:, 0], frames[:, 1])
    assert speaker.underruns == 0


def test_a_sound_service_that_goes_away_is_told_and_found_again(tcp: str) -> None:
    """By the next sound, and by whoever opens the card again."""
    handler, clock = _snd(), VirtualClock()
    with served(handler, tcp):
        sink = SndService(tcp, 16_000, 1)
        with handler.changed:
            assert handler.changed.wait_for(lambda: handler.got, _SOON_S)
    with closing(sink), pytest.raises(DeviceError, match=f"external.snd_uri {tcp}"):
        _play(ExternalSpeaker(sink, 30, clock.now_s), clock, lambda: False)
    with pytest.raises(DeviceError, match="Connection refused"):
        SndService(tcp, 16_000, 1)
    handler = _snd()
    with served(handler, tcp), closing(SndService(tcp, 16_000, 1)), handler.changed:
        assert handler.changed.wait_for(lambda: handler.got, _SOON_S)


def test_a_sound_service_that_reads_nothing_does_not_stop_us() -> None:
    """What it does not take is lost, and counted."""
    with socket.socket() as deaf:
        deaf.bind(("127.0.0.1", 0))
        deaf.listen()
        clock = VirtualClock()
        with closing(SndService(f"tcp://127.0.0.1:{deaf.getsockname()[1]}", 16_000, 1)) as sink:
            speaker = ExternalSpeaker(sink, 30, clock.now_s)
            with pytest.raises(DeviceError, match="takes no sound"):
                _play(speaker, clock, lambda: False)
            assert speaker.underruns >= 1
