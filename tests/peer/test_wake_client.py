"""A wake word service on a real socket, and the client that streams to it."""

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import replace

import pytest
from wyoming.event import Event, async_read_event, async_write_event

from satellite.core.units import PERIOD_FRAMES, Frames, Millis, frames
from satellite.peer.wake_client import PIECE_FRAMES, WakeClient, WakeClientRule
from tests.peer.house import SOON_S, play, warnings

_RULE = WakeClientRule(first_retry_s=0.01, most_retry_s=0.02)
_PIECE_MS = PIECE_FRAMES // 16
_INFO = Event("info", {"wake": [{"models": [{"name": "alexa_v0.1"}, {"name": "Hey Jarvis"}]}]})

Talk = Callable[["Service"], Awaitable[None]]


async def turn() -> None:
    """Lets everybody else do what they can."""
    done = asyncio.get_running_loop().create_future()
    asyncio.get_running_loop().call_soon(done.set_result, None)
    await done


class Service:
    """One connection of the client, as the service sees it."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader, self._writer = reader, writer

    async def hears(self) -> Event:
        event = await async_read_event(self._reader)
        assert event is not None
        return event

    async def greets(self) -> list[Event]:
        """Takes what comes before the audio, and answers."""
        asked = [await self.hears() for _ in range(3)]
        await self.says(_INFO)
        return asked

    async def says(self, event: Event) -> None:
        await async_write_event(event, self._writer)

    async def detects(self, name: str | None, timestamp: object = None) -> None:
        await self.says(Event("detection", {"name": name, "timestamp": timestamp}))

    async def sends(self, data: bytes) -> None:
        self._writer.write(data)
        await self._writer.drain()


class Place:
    """A client, and what it told."""

    def __init__(self, words: Mapping[str, int], rule: WakeClientRule, port: int) -> None:
        self.heard: list[tuple[str, int]] = []
        self._changed = asyncio.Event()
        self.client = WakeClient(f"tcp://127.0.0.1:{port}", {w: Millis(ms) for w, ms in words.items()}, self._on_wake, rule)
        self.at = 160_000

    def _on_wake(self, name: str, end: Frames) -> None:
        self.heard.append((name, end))
        self._changed.set()

    async def until_heard(self, count: int) -> None:
        while len(self.heard) < count:
            self._changed.clear()
            await self._changed.wait()

    def speak(self, ms: int) -> None:
        """So much microphone, in periods whose bytes tell them apart."""
        for _ in range(ms // 10):
            self.client.feed(Frames(self.at), _pcm(self.at))
            self.at += PERIOD_FRAMES


def _pcm(at: int) -> bytes:
    return (at // PERIOD_FRAMES % 65536).to_bytes(2, "little") * PERIOD_FRAMES


@asynccontextmanager
async def place(talk: Talk, words: Mapping[str, int] | None = None, rule: WakeClientRule = _RULE) -> AsyncIterator[Place]:
    """A service that does this with every connection, and a client that has been started."""
    tasks: set[asyncio.Task[None]] = set()

    async def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        tasks.add(task)
        try:
            # the client leaves when the test is over
            with suppress(ConnectionError, asyncio.IncompleteReadError, AssertionError, asyncio.CancelledError):
                await talk(Service(reader, writer))
        finally:
            writer.close()

    async with asyncio.timeout(SOON_S):
        server = await asyncio.start_server(accept, "127.0.0.1", 0)
        here = Place(words or {"alexa": 0, "hey_jarvis": 0}, rule, server.sockets[0].getsockname()[1])
        here.client.start()
        try:
            yield here
        finally:
            await here.client.stop()
            server.close()
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)


def test_the_microphone_arrives_whole_and_in_order() -> None:
    """After the words that are wanted, asked for once and before the audio; every piece carries its time."""
    greeted, done = asyncio.Event(), asyncio.Event()
    asked: list[Event] = []
    pieces: list[Event] = []

    async def talk(service: Service) -> None:
        asked.extend(await service.greets())
        greeted.set()
        while len(pieces) < 10:
            pieces.append(await service.hears())
        done.set()

    async def story() -> None:
        async with place(talk) as here:
            await greeted.wait()
            first = here.at
            here.speak(10 * _PIECE_MS + 20)
            await done.wait()
            assert [event.type for event in asked] == ["describe", "detect", "audio-start"]
            assert asked[1].data["names"] == ["alexa", "hey_jarvis"]
            assert {event.type for event in pieces} == {"audio-chunk"}
            sent = b"".join(event.payload or b"" for event in pieces)
            assert sent == b"".join(_pcm(first + i * PERIOD_FRAMES) for i in range(10 * PIECE_FRAMES // PERIOD_FRAMES))
            assert [event.data["timestamp"] for event in pieces] == [10_000 + i * _PIECE_MS for i in range(10)]
            assert pieces[0].data["rate"] == 16_000

    play(story())


@pytest.mark.parametrize("timestamp", [None, 5, 10**15, 10**400, -1, "10000", 10_030.0, True])
def test_a_detection_comes_back_to_our_frames(timestamp: object) -> None:
    """To the end of the piece that it is stamped with; to the end of what was sent, if the time is not one of ours."""

    async def talk(service: Service) -> None:
        await service.greets()
        stamps = [(await service.hears()).data["timestamp"] for _ in range(10)]
        await service.detects("alexa_v0.1", stamps[4])
        await service.detects("Hey Jarvis", timestamp)
        await service.hears()

    async def story() -> None:
        async with place(talk) as here:
            await _connected(here)
            first = here.at
            here.speak(10 * _PIECE_MS)
            await here.until_heard(2)
            assert here.heard == [("alexa", first + 5 * PIECE_FRAMES), ("hey_jarvis", first + 10 * PIECE_FRAMES)]

    play(story())


async def _connected(here: Place) -> None:
    """Waits until audio is taken."""
    while here.client._queue is None:
        await turn()


def test_a_word_is_not_heard_again_within_its_time() -> None:
    """Counted in the stream, so that a service that says it late does not say it twice; other words have times of their own."""

    async def talk(service: Service) -> None:
        await service.greets()
        stamps = [(await service.hears()).data["timestamp"] for _ in range(60)]
        for index in (0, 10, 49, 51):
            await service.detects("alexa", stamps[index])
        await service.detects("hey_jarvis", stamps[51])
        await service.hears()

    async def story() -> None:
        async with place(talk, {"alexa": 1500, "hey_jarvis": 1500}) as here:
            await _connected(here)
            first = here.at
            here.speak(60 * _PIECE_MS)
            await here.until_heard(3)
            at = [first + (index + 1) * PIECE_FRAMES for index in (0, 51, 51)]
            assert here.heard == list(zip(("alexa", "alexa", "hey_jarvis"), at, strict=True))

    play(story())


def test_words_that_nobody_asked_for_are_not_heard() -> None:
    """A service may have more words than we want; and one with a single word need not name it."""

    async def talk(service: Service) -> None:
        await service.greets()
        await service.hears()
        for name in ("computer", None, "alexa"):
            await service.detects(name)
        await service.hears()

    async def story() -> None:
        async with place(talk) as here:
            await _connected(here)
            here.speak(_PIECE_MS)
            await here.until_heard(1)
            assert [name for name, _ in here.heard] == ["alexa"]
        async with place(talk, {"alexa": 0}) as here:
            await _connected(here)
            here.speak(_PIECE_MS)
            await here.until_heard(2)
            assert [name for name, _ in here.heard] == ["alexa", "alexa"]

    play(story())


def test_a_detection_that_is_too_late_is_not_heard(caplog: pytest.LogCaptureFixture) -> None:
    """What was said after the word is not kept any more."""

    async def talk(service: Service) -> None:
        await service.greets()
        stamps = [(await service.hears()).data["timestamp"] for _ in range(110)]
        await service.detects("alexa", stamps[0])
        await service.detects("alexa", stamps[50])
        await service.hears()

    async def story() -> None:
        async with place(talk) as here:
            await _connected(here)
            first = here.at
            here.speak(110 * _PIECE_MS)
            await here.until_heard(1)
            assert here.heard == [("alexa", first + 51 * PIECE_FRAMES)]
            assert any("behind" in line for line in warnings(caplog))

    play(story())


@pytest.mark.parametrize(
    "nonsense",
    [b"GET / HTTP/1.1\r\n\r\n", b'{"type": "detection", "payload_length": 99999999}\n', b"\x00" * 200_000, b""],
)
def test_a_service_that_talks_nonsense_or_leaves_is_tried_again(nonsense: bytes, caplog: pytest.LogCaptureFixture) -> None:
    """For ever; the operator reads one line when it begins, and one when it is over."""
    connections = 0

    async def talk(service: Service) -> None:
        nonlocal connections
        connections += 1
        if connections < 6:
            await service.sends(nonsense)
            return
        await service.greets()
        await service.hears()
        await service.detects("alexa")
        await service.hears()

    async def story() -> None:
        async with place(talk) as here:
            while not here.heard:
                here.speak(_PIECE_MS)
                await turn()
            assert connections == 6
            assert len(warnings(caplog)) == 1 and "no wake word is heard" in warnings(caplog)[0]
            assert _infos(caplog, "is here after") == 1

    play(story())


def _infos(caplog: pytest.LogCaptureFixture, part: str) -> int:
    return sum(part in r.getMessage() for r in caplog.records if r.levelno == logging.INFO)


def test_a_service_that_comes_and_goes_does_not_fill_the_log(caplog: pytest.LogCaptureFixture) -> None:
    """It is told of once, until it stays."""
    connections = 0
    enough = asyncio.Event()

    async def talk(service: Service) -> None:
        nonlocal connections
        connections += 1
        await service.greets()
        if connections == 8:
            enough.set()

    async def story() -> None:
        async with place(talk):
            await enough.wait()
        assert len(warnings(caplog)) == 1
        assert _infos(caplog, "is here after") <= 2

    play(story())


def test_a_service_that_is_not_there_is_told_of_once(caplog: pytest.LogCaptureFixture) -> None:
    """And that the microphone leaves the machine, at the start."""

    async def talk(service: Service) -> None:
        raise AssertionError("nobody connects")

    async def story() -> None:
        async with place(talk) as here:
            await here.client.stop()
            gone = WakeClient("tcp://127.0.0.1:1", {"alexa": Millis(0)}, here._on_wake, _RULE)
            gone.start()
            while sum("no wake word is heard" in r.getMessage() for r in caplog.records) < 5:
                await turn()
            await gone.stop()
            assert len(warnings(caplog)) == 1
            assert _infos(caplog, "all that the microphone hears is sent") == 2

    play(story())


def test_a_service_that_never_answers_is_given_up() -> None:
    """Something else listens there; it is tried again, in case that changes."""
    connections = 0
    again = asyncio.Event()

    async def talk(service: Service) -> None:
        nonlocal connections
        connections += 1
        if connections == 2:
            again.set()
        while True:
            await service.hears()

    async def story() -> None:
        async with place(talk, rule=replace(_RULE, answer_s=0.05)):
            await again.wait()

    play(story())


def test_a_service_that_does_not_read_costs_no_memory_and_is_given_up(caplog: pytest.LogCaptureFixture) -> None:
    """The oldest audio is dropped and counted, and after a while the connection is closed."""
    connections = 0
    again = asyncio.Event()

    async def talk(service: Service) -> None:
        nonlocal connections
        connections += 1
        await service.says(_INFO)
        if connections == 2:
            again.set()
        await asyncio.Event().wait()

    async def story() -> None:
        async with place(talk, rule=replace(_RULE, stuck_s=0.2)) as here:
            await _connected(here)
            here.speak(60_000)
            most = frames(5000) // PIECE_FRAMES
            assert here.client.dropped == 60_000 // _PIECE_MS - most
            queue = here.client._queue
            assert queue is not None and len(queue) == most
            while not again.is_set():
                # no faster than it is taken, but more than a socket holds
                here.speak(1000)
                await turn()
            assert "has read nothing" in warnings(caplog)[0]

    play(story())


def test_what_is_forgotten_does_not_leave() -> None:
    """What was handed over and not sent yet; what comes after it goes on as if there had been a gap."""
    first_piece: asyncio.Future[Event] | None = None

    async def talk(service: Service) -> None:
        await service.greets()
        piece = await service.hears()
        assert first_piece is not None
        first_piece.set_result(piece)
        await service.hears()

    async def story() -> None:
        nonlocal first_piece
        first_piece = asyncio.get_running_loop().create_future()
        async with place(talk) as here:
            await _connected(here)
            here.speak(1000 + 20)
            here.client.forget()
            after = here.at
            here.speak(_PIECE_MS)
            assert (await first_piece).payload == b"".join(_pcm(after + i * PERIOD_FRAMES) for i in range(_PIECE_MS // 10))

    play(story())


def test_a_word_that_the_service_does_not_have_is_told(caplog: pytest.LogCaptureFixture) -> None:
    """With those that it has: otherwise nobody would know why nothing is heard."""
    asked = asyncio.Event()

    async def talk(service: Service) -> None:
        await service.greets()
        await service.detects("alexa")
        asked.set()
        await service.hears()

    async def story() -> None:
        async with place(talk, {"alexa": 0, "okay_nabu": 0}) as here:
            await asked.wait()
            await here.until_heard(1)
            (line,) = warnings(caplog)
            assert "has no 'okay_nabu'; it has ['alexa', 'hey_jarvis']" in line

    play(story())
