"""Who hears the microphone, and who is remembered: the whole daemon, and others on its network."""

import asyncio
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

import msgspec
import pytest

from satellite.commands import commands_of
from satellite.config import Config
from satellite.control import Command
from satellite.core import events as ev
from satellite.core.state import State
from satellite.desk import Desk
from satellite.errors import SatelliteError
from satellite.memory import MemoryFile
from satellite.mock.recordings import STOP
from satellite.peer.framing import Decoder
from tests.peer.house import until_s
from tests.service.house import Place, house, play, quiet_config
from tests.standalone.home import home

_HUB, _STRANGER = "127.0.0.1", "127.0.0.2"


def _of(place: Place) -> Mapping[str, Command]:
    return commands_of(Desk(place.service, place.service.config, MemoryFile(None)))


async def _connect(port: int, words: bytes = b"") -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    reader, writer = await asyncio.open_connection(_HUB, port, local_addr=(_STRANGER, 0))
    writer.write(words)
    return reader, writer


async def _all_that_comes(reader: asyncio.StreamReader) -> list[str]:
    received = b""
    with suppress(ConnectionResetError):
        received = await reader.read(-1)
    return [event.type for event in Decoder().feed(received)]


def test_nobody_hears_the_microphone_who_was_not_chosen() -> None:
    """Strangers that listen, ask, and want to be the hub, before and in the middle of a turn, get not a byte of it."""
    describe, run = b'{"type": "describe"}\n', b'{"type": "run-satellite"}\n'
    audio = b'{"type": "run-pipeline"}\n{"type": "transcribe"}\n{"type": "detect"}\n'

    async def story() -> None:
        async with house() as place:
            silent, asking = await _connect(place.port), await _connect(place.port, describe)
            eager, sly = await _connect(place.port, run + audio), await _connect(place.port, audio)
            place.wake()
            place.say("tts_stop_joe")
            await place.until_state(State.LISTENING)
            late = await _connect(place.port, describe + run)
            await place.until_understood(1)
            asking[1].write(describe)
            await place.until_over()
            assert place.words() == [STOP]
            for _, writer in (silent, asking, sly):
                writer.write_eof()
            assert [await _all_that_comes(reader) for reader, _ in (silent, asking, eager, sly, late)] == [
                [],
                ["info", "info"],
                [],
                [],
                ["info"],
            ]
            for _, writer in (silent, asking, eager, sly, late):
                writer.close()
            assert len(place.seen.told(ev.HubOpened)) == 1

    play(story())


def _remembering() -> Config:
    config = quiet_config()
    return msgspec.structs.replace(config, hub=msgspec.structs.replace(config.hub, remember=True))


def test_the_first_hub_is_the_only_one_until_it_is_forgotten(tmp_path: Path) -> None:
    """Also after a restart; the status tells who is there."""

    async def first() -> None:
        async with house(config=_remembering(), state=tmp_path) as place:
            status = _of(place)["status"]({})
            assert status["hub"].startswith(f"{_HUB}:") and status["refused"] == 0
            # the file is written in a thread, which virtual time does not wait for
            await asyncio.get_running_loop().run_in_executor(None, lambda: None)

    async def second() -> None:
        async with house(config=_remembering(), state=tmp_path, stay_away=True) as place:
            reader, writer = await _connect(place.port, b'{"type": "run-satellite"}\n')
            assert await _all_that_comes(reader) == []
            writer.close()
            status = _of(place)["status"]({})
            assert (status["hub"], status["refused"]) == ("", 1)
            assert _of(place)["forget-hub"]({}) == {"forgotten": _HUB}
            assert _of(place)["forget-hub"]({}) == {"forgotten": "nobody: no hub was remembered"}
            reader, writer = await _connect(place.port, b'{"type": "run-satellite"}\n')
            await place.until(lambda: place.seen.told(ev.HubOpened))
            assert _of(place)["status"]({})["hub"].startswith(f"{_STRANGER}:")
            await until_s(1.0)
            writer.close()

    play(first())
    assert (tmp_path / "hub").read_text() == f"{_HUB}\n"
    play(second())


def test_without_a_hub_there_is_none_to_forget() -> None:
    """Standalone nobody comes to us."""

    async def story() -> None:
        async with home() as place:
            with pytest.raises(SatelliteError, match="no hub comes to it"):
                _of(place)["forget-hub"]({})

    play(story())
