"""What accompanies a service: programs that are told what happens, the control socket, the button and the light, the broker.

Each watches, or calls the desk; the service knows none of them.
"""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Protocol

from satellite.commands import commands_of
from satellite.config import Config
from satellite.control import ControlServer
from satellite.desk import Desk
from satellite.gpio import GpioPanel
from satellite.hooks import HookRunner
from satellite.identity import Identity
from satellite.links import trust_for
from satellite.notices import Notice, Notices
from satellite.observer import Observer
from satellite.peer.event_service import EventService


class Companion(Protocol):
    """Starts before the service, and stops after it."""

    async def start(self) -> None:
        """Begins; whatever may be wrong, it returns soon."""

    async def stop(self) -> None:
        """Ends within seconds."""


def companions(config: Config, desk: Desk, socket: Path | None, watch: Callable[[Observer], None]) -> Sequence[Companion]:
    """Those that the configuration wants; `watch` has one of them watch the service. ConfigError if one cannot be."""
    company: list[Companion] = [*_told(config, watch)]
    if socket is not None:
        company.append(ControlServer(socket, commands_of(desk)))
    if config.gpio.button is not None or config.gpio.led is not None or config.gpio.rgb is not None:
        panel = GpioPanel(config.gpio, desk)
        watch(panel)
        company.append(panel)
    if config.mqtt.host is not None:
        company.append(_broker(config, desk, watch))
    return company


def _told(config: Config, watch: Callable[[Observer], None]) -> Sequence[Companion]:
    """The programs and the service that are told what happens."""
    hooks, trust = config.hooks, trust_for(config.servers, config.hooks.event_uri)
    lights = EventService(hooks.event_uri, trust=trust) if hooks.event_uri else None
    runner = HookRunner(hooks)

    def tell(notice: Notice) -> None:
        runner.notice(notice)
        if lights is not None:
            lights.tell(notice.kind, notice.data)

    watch(Notices(tell))
    return (runner,) if lights is None else (runner, lights)


def _broker(config: Config, desk: Desk, watch: Callable[[Observer], None]) -> Companion:
    # the extra may be missing, and most do without it
    from satellite.mqtt.bridge import MqttBridge

    bridge = MqttBridge(config.mqtt, config.name, config.area, Identity(config.hub.port).name(), desk)
    watch(bridge)
    return bridge
