"""Tests of the tests: each faulty server does what its fault says, and is well once that has been taken away."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import numpy as np
import pytest
from wyoming.audio import AudioChunk, AudioStop
from wyoming.event import Event

from satellite.core.units import RATE_HZ
from satellite.mock.wire import connection, read, write
from satellite.simulate.virtual_time import run_virtually
from tests.standalone.faults import FAULTY, Fault, Faulty, nobody

_CHUNK = AudioChunk(rate=RATE_HZ, width=2, channels=1, audio=np.zeros(RATE_HZ // 10, np.int16).tobytes()).event()

# a request of each kind, the end of its answer, and what it is answered with for ever
ASKS = {
    "stt": [Event("transcribe", {"language": "en"}), _CHUNK, AudioStop().event()],
    "dialog": [Event("transcript", {"text": "Hello?"})],
    "tts": [Event("synthesize", {"text": "Hello."})],
}
ENDS = {"stt": "transcript", "dialog": "handled", "tts": "audio-stop"}
PIECES = {"stt": "transcript-chunk", "dialog": "handled-chunk", "tts": "audio-chunk"}

each_kind = pytest.mark.parametrize("kind", list(FAULTY))
Ends = tuple[asyncio.StreamReader, asyncio.StreamWriter]


@asynccontextmanager
async def asked(server: Faulty, kind: str) -> AsyncIterator[Ends]:
    """A connection on which a request has been made."""
    async with connection(server.uri) as (reader, writer):
        for event in ASKS[kind]:
            try:
                await write(writer, event)
            except ConnectionError:
                # it did not wait for the end of the request
                break
        yield reader, writer


async def until(reader: asyncio.StreamReader, kind: str) -> list[str]:
    """The types of what comes, up to and with the first of a type."""
    got: list[str] = []
    while not got or got[-1] != kind:
        event = await read(reader)
        assert event is not None, f"the end of the connection instead of {kind}, after {got}"
        got.append(event.type)
    return got


async def is_quiet(reader: asyncio.StreamReader, seconds: float) -> bool:
    """Whether nothing comes for so long."""
    try:
        async with asyncio.timeout(seconds):
            await reader.read(1)
    except TimeoutError:
        return True
    return False


@each_kind
@pytest.mark.parametrize("fault", [fault for fault in Fault if fault is not Fault.DEAF])
def test_all_but_the_deaf_say_what_they_are(kind: str, fault: Fault) -> None:
    """They are broken inside."""

    async def story() -> None:
        async with FAULTY[kind](fault) as server, connection(server.uri) as (reader, writer):
            await write(writer, Event("describe"))
            assert await until(reader, "info") == ["info"]
            assert server.asked == 0

    run_virtually(story())


@each_kind
def test_the_deaf_say_nothing(kind: str) -> None:
    """They accept a connection, and that is all."""

    async def story() -> None:
        async with FAULTY[kind](Fault.DEAF) as server, connection(server.uri) as (reader, writer):
            await write(writer, Event("describe"))
            assert await is_quiet(reader, 60.0)

    run_virtually(story())


@each_kind
def test_what_dies_resets_the_connection(kind: str) -> None:
    """The system does that for a process that is no more."""

    async def story() -> None:
        async with FAULTY[kind](Fault.DIES) as server, asked(server, kind) as (reader, _):
            with pytest.raises(ConnectionResetError):
                await reader.read()
            assert server.asked == 1 and list(server.closed_at_s) == []

    run_virtually(story())


@each_kind
def test_what_closes_says_goodbye_and_nothing_else(kind: str) -> None:
    """As soon as it is asked for something."""

    async def story() -> None:
        async with FAULTY[kind](Fault.CLOSES) as server, connection(server.uri) as (reader, writer):
            await write(writer, ASKS[kind][0])
            assert await reader.read() == b""
            assert server.asked == 1

    run_virtually(story())


@each_kind
def test_what_breaks_off_has_begun(kind: str) -> None:
    """Some pieces, and then a reset."""

    async def story() -> None:
        async with FAULTY[kind](Fault.BREAKS_OFF) as server, asked(server, kind) as (reader, _):
            with pytest.raises(ConnectionResetError):
                await until(reader, ENDS[kind])
            assert len(server.journal.of(PIECES[kind], "sent")) == 10

    run_virtually(story())


@each_kind
@pytest.mark.parametrize(
    ("fault", "said"),
    [
        (Fault.NONSENSE, b"\x00\xffHTTP/1.1 400 Bad Request\r\n\r\n"),
        (Fault.WRONG_TYPES, b'{"type": 5, "data": [1]}\n'),
        (Fault.HUGE, b'{"type": "audio-chunk", "payload_length": 10000000000}\n'),
    ],
)
def test_what_talks_nonsense_does_not_close(kind: str, fault: Fault, said: bytes) -> None:
    """Whoever waits for it to come to an end waits for ever."""

    async def story() -> None:
        async with FAULTY[kind](fault) as server, asked(server, kind) as (reader, _):
            assert await reader.readexactly(len(said)) == said
            assert await is_quiet(reader, 60.0)

    run_virtually(story())


@each_kind
def test_what_refuses_says_why(kind: str) -> None:
    """By an `error`."""

    async def story() -> None:
        async with FAULTY[kind](Fault.REFUSES) as server, asked(server, kind) as (reader, _):
            event = await read(reader)
            assert event is not None and event.type == "error" and event.data["text"]

    run_virtually(story())


@each_kind
def test_what_is_silent_keeps_the_connection(kind: str) -> None:
    """And reads on."""

    async def story() -> None:
        async with FAULTY[kind](Fault.SILENT) as server, asked(server, kind) as (reader, writer):
            assert await is_quiet(reader, 60.0)
            await write(writer, Event("interrupt"))
            await server.journal.wait_for("interrupt")

    run_virtually(story())


@each_kind
def test_what_never_ends_goes_on(kind: str) -> None:
    """After a minute, too."""

    async def story() -> None:
        async with FAULTY[kind](Fault.ENDLESS) as server, asked(server, kind) as (reader, _):
            end_s = asyncio.get_running_loop().time() + 60.0
            got: set[str] = set()
            while asyncio.get_running_loop().time() < end_s:
                got.update(await until(reader, PIECES[kind]))
            assert ENDS[kind] not in got

    run_virtually(story())


@each_kind
def test_what_is_slow_answers_after_ten_seconds(kind: str) -> None:
    """And rightly."""

    async def story() -> None:
        begin_s = asyncio.get_running_loop().time()
        async with FAULTY[kind](Fault.SLOW) as server, asked(server, kind) as (reader, _):
            await until(reader, ENDS[kind])
            assert asyncio.get_running_loop().time() - begin_s == pytest.approx(10.0)

    run_virtually(story())


@each_kind
@pytest.mark.parametrize("fault", list(Fault))
def test_without_its_fault_each_is_well(kind: str, fault: Fault) -> None:
    """On a new connection, and on one that was open and had asked for nothing yet."""

    async def story() -> None:
        async with FAULTY[kind](fault) as server, connection(server.uri) as (reader, writer):
            async with connection(server.uri):
                server.fault = None
            for event in ASKS[kind]:
                await write(writer, event)
            await until(reader, ENDS[kind])
            async with asked(server, kind) as (reader, _):
                await until(reader, ENDS[kind])
            assert server.asked == 0

    run_virtually(story())


def test_where_nobody_is_nobody_answers() -> None:
    """The port was free a moment ago."""

    async def story() -> None:
        with pytest.raises(ConnectionRefusedError):
            async with connection(nobody()):
                pass

    run_virtually(story())
