"""What may be asked of a running satellite through its control socket."""

from collections.abc import Mapping
from typing import Any

from satellite.config import Config
from satellite.control import Command
from satellite.core.script import MOST_CHARACTERS
from satellite.core.state import State
from satellite.errors import SatelliteError
from satellite.links import own_voice
from satellite.sayer import Manner
from satellite.service import Service


def commands_of(service: Service, config: Config) -> Mapping[str, Command]:
    """By their names."""

    def status(_: Mapping[str, Any]) -> Mapping[str, Any]:
        known = {"state": service.state.public, "mode": config.mode.value, "volume": service.volume}
        return known | {"saying": service.reply_text}

    def listen(_: Mapping[str, Any]) -> Mapping[str, Any]:
        if service.state in (State.OFFLINE, State.MUTED):
            raise SatelliteError(f"it is {service.state}: nobody would hear you")
        service.listen()
        return {"state": service.state.public}

    def stop(_: Mapping[str, Any]) -> Mapping[str, Any]:
        service.hush()
        return {"state": service.state.public}

    def say(request: Mapping[str, Any]) -> Mapping[str, Any]:
        text = request.get("text")
        if not isinstance(text, str) or not text.strip() or len(text) > MOST_CHARACTERS:
            raise ValueError(f"text: it has to be of 1 to {MOST_CHARACTERS} characters, and not only spaces")
        service.say(text, Manner(own_voice(config)), None, request.get("announcement") is True)
        return {"state": service.state.public}

    def volume(request: Mapping[str, Any]) -> Mapping[str, Any]:
        wanted = request.get("volume")
        if not isinstance(wanted, int) or isinstance(wanted, bool) or not 0 <= wanted <= 100:
            raise ValueError(f"volume is {wanted!r}; it has to be a whole number from 0 to 100")
        service.set_volume(wanted)
        return {"volume": service.volume}

    return {"status": status, "listen": listen, "stop": stop, "say": say, "volume": volume}
