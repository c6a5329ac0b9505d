"""A start that cannot be at once."""

import asyncio
import logging
import socket

import msgspec
import pytest

from satellite.core.units import RATE_HZ
from satellite.errors import ConfigError
from tests.service.house import house, play, play_live, quiet_config


def test_a_port_that_is_taken_is_tried_again_until_it_is_free(caplog: pytest.LogCaptureFixture) -> None:
    """Nobody has to start the satellite again; the log says so once, and when it is over."""
    other = socket.create_server(("127.0.0.1", 0))
    port = other.getsockname()[1]
    config = quiet_config()
    config = msgspec.structs.replace(config, hub=msgspec.structs.replace(config.hub, port=port))

    async def story() -> None:
        asyncio.get_running_loop().call_later(5.0, other.close)
        async with house(config=config) as place:
            assert place.port == port
            # the start-up sound
            await place.until_frame(place.room.end_frame + 2 * RATE_HZ)
            await place.works()

    play(story())
    said = [(r.levelno, r.getMessage()) for r in caplog.records if str(port) in r.getMessage()]
    taken = f"hub.host and hub.port: cannot listen on 127.0.0.1:{port}: Address already in use; trying again in 1 s"
    assert said[:2] == [(logging.WARNING, taken), (logging.INFO, f"port {port} is free after 7 s")]


def test_an_address_that_cannot_be_one_is_a_mistake() -> None:
    """Waiting does not mend it."""

    async def story() -> None:
        config = quiet_config()
        async with house(config=msgspec.structs.replace(config, hub=msgspec.structs.replace(config.hub, host="no such host"))):
            raise AssertionError("it listens somewhere")

    with pytest.raises(ConfigError, match="cannot listen on no such host"):
        play_live(story())
