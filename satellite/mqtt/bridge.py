"""Between a running satellite and a broker: tells what the table shows, and does what it asks."""

import logging
from typing import TYPE_CHECKING

from satellite import __version__
from satellite.config.peers import Mqtt
from satellite.controls import Controls
from satellite.core.actions import Action, SendInterrupt
from satellite.core.hardware import Device, Half
from satellite.core.health import Health
from satellite.core.interrupt import Interrupt
from satellite.core.state import State, Why
from satellite.errors import ConfigError, SatelliteError
from satellite.mqtt import entities as table
from satellite.mqtt.access import access
from satellite.mqtt.messages import Heard, MqttRule, Told
from satellite.observer import Observer, Setting

if TYPE_CHECKING:
    from satellite.mqtt.connection import Connection

_log = logging.getLogger(__name__)


class MqttBridge(Observer):
    """Watches, tells and obeys from `start` to `stop`; `identity` is the satellite's for ever, `name` and `area` are shown.

    Needs `config.host`. ConfigError, at once, if the library is missing or a file cannot be used: reads files. Its observer's
    calls return at once, before `start` and after `stop` too.
    """

    def __init__(
        self, config: Mqtt, name: str, area: str | None, identity: str, controls: Controls, *, rule: MqttRule | None = None
    ) -> None:
        self._name, self._area, self._controls, self._rule = name, area, controls, rule or MqttRule()
        self._topics = table.Topics(config.topic.rstrip("/"), config.discovery_prefix.rstrip("/"), identity)
        self._commands = {self._topics.command(entity): entity for entity in table.TABLE if entity.obey}
        self._connection = _connection_class()(
            access(config),
            client_id=identity,
            topics=[*self._commands, self._topics.birth],
            farewell=Told(self._topics.availability, table.OFFLINE, is_kept=True),
            on_connected=self._tell_all,
            on_heard=self._heard,
            rule=self._rule,
        )
        self._health: Health | None = None
        self._devices: dict[Half, Device] = {}
        # the interruption that was told of last, and how long after the onset that was first
        self._interruption_id, self._onset_to_first_ms = "", 0
        self._warned: set[str] = set()

    async def start(self) -> None:
        """Begins to connect; what it has to do later is its own worry."""
        self._connection.start()

    async def stop(self) -> None:
        """Says that the satellite goes, and closes the connection."""
        await self._connection.stop()

    # ---- what is told

    def on_setting(self, setting: Setting) -> None:
        self._tell(setting.key, table.shown(setting.value), is_kept=True)

    def on_state_changed(self, old: State, new: State, why: Why) -> None:
        if old.public != new.public:
            self._tell(table.STATE, new.public)

    def on_health(self, health: Health) -> None:
        self._health = health
        self._tell(table.HEALTH, table.told_of_health(health), is_kept=True)

    def on_device(self, device: Device) -> None:
        self._devices[device.half] = device
        self._tell(table.DEVICES, table.told_of_devices(self._devices.values()))

    def on_action(self, action: Action) -> None:
        if isinstance(action, SendInterrupt):
            self._interrupted(action.interrupt)

    def _interrupted(self, interrupt: Interrupt) -> None:
        if interrupt.id != self._interruption_id:
            self._interruption_id = interrupt.id
            self._onset_to_first_ms = interrupt.timestamp - interrupt.speech_started
        self._tell(table.INTERRUPTION, table.told_of_interruption(interrupt, self._onset_to_first_ms))

    def _tell_all(self) -> None:
        has_wake_threshold = self._controls.wake_threshold is not None
        config = table.discovery(self._topics, self._name, self._area, __version__, has_wake_threshold=has_wake_threshold)
        self._connection.tell(Told(self._topics.discovery, config, is_kept=True))
        self._connection.tell(Told(self._topics.availability, table.ONLINE, is_kept=True))
        for entity in table.entities(has_wake_threshold):
            self._tell_setting(entity)
        if self._health is not None:
            self.on_health(self._health)
        self._tell(table.STATE, self._controls.state.public)
        self._tell(table.DEVICES, table.told_of_devices(self._devices.values()))

    def _tell_setting(self, entity: table.Entity) -> None:
        if entity.setting:
            self._tell(entity.setting, table.shown(table.SHOWN[entity.setting](self._controls)), is_kept=True)

    def _tell(self, told: str, payload: str, *, is_kept: bool = False) -> None:
        self._connection.tell(Told(self._topics.of(told), payload, is_kept))

    # ---- what is asked

    def _heard(self, heard: Heard) -> None:
        if heard.was_kept:
            # what somebody asked last year, and again at each connection
            _log.debug("mqtt: %s: ignored, because it is retained", heard.topic)
        elif heard.topic == self._topics.birth:
            if heard.payload == table.ONLINE.encode():
                self._tell_all()
        elif entity := self._commands.get(heard.topic):
            self._obey(entity, heard)

    def _obey(self, entity: table.Entity, heard: Heard) -> None:
        assert entity.obey is not None
        try:
            if len(heard.payload) > table.MOST_BYTES:
                raise table.Nonsense(f"at most {table.MOST_BYTES} bytes")
            entity.obey(self._controls, _text(heard.payload))
        except table.Nonsense as expected:
            self._refused(heard.topic, f"it has to be {expected}")
        except SatelliteError as error:
            self._refused(heard.topic, f"{error}")
        else:
            return
        # Home Assistant may show what was asked for
        self._tell_setting(entity)

    def _refused(self, topic: str, why: str) -> None:
        """Never with what came: it may be private."""
        level = logging.DEBUG if topic in self._warned else logging.WARNING
        self._warned.add(topic)
        _log.log(level, "mqtt: %s: refused: %s", topic, why)


def _text(payload: bytes) -> str:
    try:
        return payload.decode("utf-8")
    except UnicodeDecodeError:
        raise table.Nonsense("UTF-8") from None


def _connection_class() -> "type[Connection]":
    try:
        from satellite.mqtt.connection import Connection
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] not in ("aiomqtt", "paho"):
            raise
        raise ConfigError("mqtt.host: needs the extra satellite[mqtt]: pip install 'satellite[mqtt]'") from error
    return Connection
