"""A cable that goes wrong without a word."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

from satellite.chaos.cable import Cable, Way
from satellite.simulate.virtual_time import run_virtually


@asynccontextmanager
async def _line() -> AsyncIterator[tuple[Cable, asyncio.StreamReader, asyncio.StreamWriter]]:
    """A cable to a server that sends everything back, and a connection through it."""

    echoing: set[asyncio.Task[None] | None] = set()

    async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        echoing.add(asyncio.current_task())
        with suppress(ConnectionResetError):
            while data := await reader.read(1000):
                writer.write(data)
        writer.close()

    server = await asyncio.start_server(echo, "127.0.0.1", 0)
    async with server, Cable(server.sockets[0].getsockname()[1]) as cable:
        reader, writer = await asyncio.open_connection("127.0.0.1", cable.port)
        try:
            yield cable, reader, writer
        finally:
            writer.close()
            with suppress(ConnectionResetError):
                await writer.wait_closed()
    await asyncio.gather(*(task for task in echoing if task is not None))


def test_what_is_lost_for_a_while_arrives_then() -> None:
    """As TCP sends it again."""

    async def story() -> None:
        async with _line() as (cable, reader, writer):
            loop = asyncio.get_running_loop()
            cable.lose()
            writer.write(b"hello")
            loop.call_later(3.0, cable.deliver)
            begin_s = loop.time()
            assert await reader.readexactly(5) == b"hello"
            assert loop.time() - begin_s == 3.0

    run_virtually(story())


def test_a_half_open_connection_is_silent_until_it_is_mended_and_a_new_one_works() -> None:
    """Neither end is told."""

    async def story() -> None:
        async with _line() as (cable, reader, writer):
            # the cable knows of the connection once something has come through it
            writer.write(b"a")
            await reader.readexactly(1)
            loop = asyncio.get_running_loop()
            cable.half_open()
            writer.write(b"nobody reads this")
            loop.call_later(60.0, cable.mend)
            begin_s = loop.time()
            other_reader, other = await asyncio.open_connection("127.0.0.1", cable.port)
            other.write(b"hello")
            assert await other_reader.readexactly(5) == b"hello"
            other.close()
            assert loop.time() == begin_s
            with suppress(ConnectionResetError):
                assert await reader.read() == b""
            assert loop.time() - begin_s == 60.0

    run_virtually(story())


def test_a_slow_way_takes_its_time() -> None:
    """So many bytes a second."""

    async def story() -> None:
        async with _line() as (cable, reader, writer):
            loop = asyncio.get_running_loop()
            cable.bytes_per_s[Way.TO_SATELLITE] = 1000.0
            begin_s = loop.time()
            writer.write(bytes(5000))
            await reader.readexactly(5000)
            assert loop.time() - begin_s == 5.0

    run_virtually(story())
