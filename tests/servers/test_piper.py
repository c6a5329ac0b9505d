"""What of Piper's ways the satellite relies on, asked of the real one."""

import asyncio

import pytest
from wyoming.event import Event
from wyoming.tts import SynthesizeStart, SynthesizeStop

from satellite.core.units import Millis
from satellite.mock.wire import connection, read, write
from satellite.peer.services import Voice, synthesize_chunk
from tests.servers.processes import piper, skip_without_servers

pytestmark = pytest.mark.servers

_SOON_S = 10.0


def test_a_sentence_is_spoken_before_the_next_is_known() -> None:
    """Its splitter waits for more text unless it is told that the sentence has ended; and an `interrupt` does no harm."""
    skip_without_servers()

    async def story() -> None:
        async with piper() as uri, connection(uri) as (reader, writer), asyncio.timeout(_SOON_S):
            await write(writer, SynthesizeStart(voice=Voice().wire()).event())
            await write(writer, synthesize_chunk("The first sentence is here."))
            kinds = [(await _next(reader)).type for _ in range(2)]
            assert kinds == ["audio-start", "audio-chunk"]
            await write(writer, Event("interrupt", {"played_ms": Millis(0)}))
            await write(writer, SynthesizeStop().event())
            while (await _next(reader)).type != "synthesize-stopped":
                pass

    asyncio.run(story())


async def _next(reader: asyncio.StreamReader) -> Event:
    event = await read(reader)
    assert event is not None, "it closed the connection"
    return event
