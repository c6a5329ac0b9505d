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
        return {"state": service.state.public, "mode": config.mode.value, "saying": service.reply_text}

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

    return {"status": status, "listen": listen, "stop": stop, "say": say}
