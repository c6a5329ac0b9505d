"""What accompanies a service: each is there if the configuration wants it, and works beside a real one."""

import asyncio
import sys
from pathlib import Path

import msgspec
import pytest

from satellite.companions import companions
from satellite.config import Config, Gpio, Hooks, Mqtt
from satellite.control import ask
from satellite.desk import Desk
from satellite.errors import ConfigError
from satellite.memory import MemoryFile
from satellite.mock.agent import keyword_agent
from satellite.observer import Audience, Observer
from satellite.service import Service
from tests.service.house import REPLY_TEXT, SOON_S, house, play_live, quiet_config


def _desk(config: Config) -> Desk:
    return Desk(Service(config, lambda: pytest.fail("no card is opened")), config, MemoryFile(None))


def _names(config: Config, socket: Path | None = None) -> tuple[list[str], list[str]]:
    watching: list[Observer] = []
    company = companions(config, _desk(config), socket, watching.append)
    return [type(c).__name__ for c in company], [type(o).__name__ for o in watching]


def test_there_is_nobody_whom_the_configuration_does_not_want(tmp_path: Path) -> None:
    """Hooks cost nothing where there are none."""
    assert _names(Config()) == (["HookRunner"], ["Notices"])
    assert _names(Config(), tmp_path / "control") == (["HookRunner", "ControlServer"], ["Notices"])
    lights = Config(hooks=Hooks(event_uri="tcp://127.0.0.1:1"))
    assert _names(lights) == (["HookRunner", "EventService"], ["Notices"])
    assert _names(Config(gpio=Gpio(led=17))) == (["HookRunner", "GpioPanel"], ["Notices", "GpioPanel"])


def test_the_broker_is_one_of_them() -> None:
    """It watches, too."""

    async def story() -> None:
        assert _names(Config(mqtt=Mqtt(host="127.0.0.1"))) == (["HookRunner", "MqttBridge"], ["Notices", "MqttBridge"])

    asyncio.run(story())


def test_a_hook_that_cannot_be_is_the_operators_mistake() -> None:
    """Told before anything starts."""
    with pytest.raises(ConfigError, match=r"hooks\.detection"):
        _names(Config(hooks=Hooks(detection='sh -c "unbalanced')))


def test_they_are_told_what_a_service_does_and_tell_it_what_to_do(tmp_path: Path) -> None:
    """A whole turn, through the real socket and a real program."""
    heard = tmp_path / "heard"
    note = f"{sys.executable} -c \"import sys; open('{heard}', 'a').write(sys.stdin.read())\""
    config = msgspec.structs.replace(quiet_config(), hooks=Hooks(transcript=note))

    async def story() -> None:
        async with house(keyword_agent({}, REPLY_TEXT), config=config) as place:
            desk = Desk(place.service, config, MemoryFile(tmp_path))
            audience = Audience(place.seen)
            place.service.observer = audience
            company = companions(config, desk, tmp_path / "control", audience.join)
            for companion in company:
                await companion.start()
            answer = await asyncio.to_thread(ask, tmp_path / "control", {"command": "volume", "volume": 40})
            assert answer == {"volume": 40} and place.service.volume == 40
            await place.answer()
            await place.until_over()
            async with asyncio.timeout(SOON_S):
                # another process writes it
                while not heard.exists() or not heard.read_text():
                    await asyncio.to_thread(heard.exists)
            for companion in company:
                await companion.stop()
            assert heard.read_text() == place.words()[0]

    play_live(story())
