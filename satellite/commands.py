"""What may be asked of a running satellite through its control socket."""

from collections.abc import Mapping
from typing import Any

from satellite.control import Command
from satellite.core.script import MOST_CHARACTERS
from satellite.desk import Desk


def commands_of(desk: Desk) -> Mapping[str, Command]:
    """By their names."""

    def state() -> Mapping[str, Any]:
        return {"state": desk.state.public}

    def listen(_: Mapping[str, Any]) -> Mapping[str, Any]:
        desk.listen()
        return state()

    def stop(_: Mapping[str, Any]) -> Mapping[str, Any]:
        desk.hush()
        return state()

    def say(request: Mapping[str, Any]) -> Mapping[str, Any]:
        is_announcement = request.get("announcement") is True
        desk.say_text(_text_of(request), then_listen=request.get("listen") is True, is_announcement=is_announcement)
        return state()

    def volume(request: Mapping[str, Any]) -> Mapping[str, Any]:
        wanted = request.get("volume")
        if not isinstance(wanted, int) or isinstance(wanted, bool) or not 0 <= wanted <= 100:
            raise ValueError(f"volume is {wanted!r}; it has to be a whole number from 0 to 100")
        desk.set_volume(wanted)
        return {"volume": desk.volume}

    def mute(is_muted: bool) -> Command:
        def switch(_: Mapping[str, Any]) -> Mapping[str, Any]:
            desk.mute(is_muted)
            return {"muted": desk.is_muted}

        return switch

    def forget_hub(_: Mapping[str, Any]) -> Mapping[str, Any]:
        return {"forgotten": desk.forget_hub() or "nobody: no hub was remembered"}

    switches = {"mute": mute(True), "unmute": mute(False), "forget-hub": forget_hub}
    return {"status": lambda _: desk.status(), "listen": listen, "stop": stop, "say": say, "volume": volume, **switches}


def _text_of(request: Mapping[str, Any]) -> str:
    text = request.get("text")
    if not isinstance(text, str) or not text.strip() or len(text) > MOST_CHARACTERS:
        raise ValueError(f"text: it has to be of 1 to {MOST_CHARACTERS} characters, and not only spaces")
    return text
