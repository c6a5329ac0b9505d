"""What Home Assistant sees of a satellite over MQTT, and what it may ask: one table. Pure.

No entity shows what was said, by whomever. What is retained outlives us in the broker, so only settings and figures are; what
happens is told once, and what is asked is never read from the past.
"""

import json
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from satellite.controls import LOUDEST, Controls
from satellite.core.hardware import Device
from satellite.core.health import Health
from satellite.core.interrupt import Interrupt, Reason
from satellite.core.sensitivity import Sensitivity
from satellite.core.state import State
from satellite.observer import Key

ONLINE, OFFLINE = "online", "offline"

# a text of 255 characters, which is what Home Assistant's text entities take, has at most 1020 bytes
MOST_BYTES = 1024
_MOST_TEXT = 255

# what a satellite that hears or wakes at anything, or at nothing, has
_LEAST_THRESHOLD, _MOST_THRESHOLD = 0.05, 0.99

_ON, _OFF, _PRESS = "ON", "OFF", "PRESS"

# nobody spoke
_SILENT = (Reason.BUTTON, Reason.SHUTDOWN)


class Nonsense(ValueError):
    """A command that cannot be understood; the message says what can, and nothing of what came."""


Value = int | bool | str | float | None


@dataclass(frozen=True, slots=True)
class Entity:
    """One of Home Assistant's. `details` are what its platform wants beside topics and names."""

    key: str
    platform: str
    name: str
    setting: Key | None = None
    """What it shows, and sets."""
    told: str | None = None
    """What it shows, if that is no setting: the last part of the topic."""
    obey: Callable[[Controls, str], None] | None = None
    """Does what a command says; Nonsense if it says nothing, SatelliteError if it cannot be done."""
    details: Mapping[str, Any] = field(default_factory=dict)
    has_attributes: bool = False
    """Whether all that is told there is shown beside it."""


@dataclass(frozen=True, slots=True)
class Topics:
    """Where what is; `topic` and `prefix` as configured."""

    topic: str
    prefix: str
    identity: str

    @property
    def availability(self) -> str:
        """ONLINE or OFFLINE."""
        return self.of("availability")

    @property
    def discovery(self) -> str:
        """What Home Assistant makes a device of."""
        return f"{self.prefix}/device/{self.identity}/config"

    @property
    def birth(self) -> str:
        """Where Home Assistant says that it has started."""
        return f"{self.prefix}/status"

    def of(self, told: str) -> str:
        """Of a setting, or of what is told."""
        return f"{self.topic}/{self.identity}/{told}"

    def command(self, entity: Entity) -> str:
        """Where it is asked for something."""
        return f"{self.of(entity.key)}/set"


# ---- what is shown

STATE, INTERRUPTION, HEALTH, DEVICES = "state", "interruption", "health", "devices"

SHOWN: Mapping[Key, Callable[[Controls], Value]] = {
    Key.VOLUME: lambda controls: controls.volume,
    Key.MUTED: lambda controls: controls.is_muted,
    Key.BARGE_IN: lambda controls: controls.is_barge_in_on,
    Key.SENSITIVITY: lambda controls: controls.sensitivity.value,
    Key.WAKE_THRESHOLD: lambda controls: controls.wake_threshold,
}


def shown(value: Value) -> str:
    """As Home Assistant's platforms expect a setting; empty for none."""
    match value:
        case None:
            return ""
        case bool():
            return _ON if value else _OFF
        case float():
            return f"{value:.4g}"
        case _:
            return str(value)


def told_of_interruption(interrupt: Interrupt, onset_to_first_ms: int) -> str:
    """JSON; `onset_to_first_ms` from the onset of speech to the first that was told of this interruption."""
    decision_ms = interrupt.timestamp - interrupt.speech_started
    is_silent = interrupt.reason in _SILENT
    return json.dumps(
        {
            "reason": interrupt.reason.value,
            "phase": interrupt.phase.value,
            "played_ms": interrupt.position.played,
            "heard_ms": interrupt.position.heard,
            "decision_ms": None if is_silent else decision_ms,
            "interrupt_ms": None if is_silent else onset_to_first_ms,
        }
    )


def told_of_health(health: Health) -> str:
    """JSON."""
    erle_db = None if health.erle_db is None else round(health.erle_db, 1)
    return json.dumps({"false_dips_per_hour": round(health.false_ducks_per_hour, 1), "erle_db": erle_db})


def told_of_devices(devices: Iterable[Device]) -> str:
    """JSON: whether somebody has to see to one, and how each is."""
    known = {device.half: device for device in devices}
    how = {device.half.value: device.condition.value for device in known.values()}
    return json.dumps({"problem": _ON if any(device.condition.is_trouble for device in known.values()) else _OFF, **how})


# ---- what is asked


def _set_volume(controls: Controls, text: str) -> None:
    if not re.fullmatch(r"[0-9]{1,3}(\.0+)?", text) or float(text) > LOUDEST:
        raise Nonsense(f"a whole number from 0 to {LOUDEST}")
    controls.set_volume(int(float(text)))


def _set_threshold(controls: Controls, text: str) -> None:
    if not re.fullmatch(r"0?\.[0-9]{1,9}", text) or not _LEAST_THRESHOLD <= float(text) <= _MOST_THRESHOLD:
        raise Nonsense(f"a number from {_LEAST_THRESHOLD} to {_MOST_THRESHOLD}")
    controls.set_wake_threshold(float(text))


def _set_sensitivity(controls: Controls, text: str) -> None:
    if text not in list(Sensitivity):
        raise Nonsense(f"one of {', '.join(Sensitivity)}")
    controls.set_sensitivity(Sensitivity(text))


def _is_on(text: str) -> bool:
    if text not in (_ON, _OFF):
        raise Nonsense(f"{_ON} or {_OFF}")
    return text == _ON


def _pressed(text: str) -> None:
    if text != _PRESS:
        raise Nonsense(_PRESS)


def _listen(controls: Controls, text: str) -> None:
    _pressed(text)
    controls.listen()


def _stop(controls: Controls, text: str) -> None:
    _pressed(text)
    controls.hush()


def _sayable(text: str) -> str:
    """On one line. Marks that show nothing stay: some scripts cannot be written without them."""
    line = " ".join(text.split())
    if not line or any(ord(character) < 32 or ord(character) == 127 for character in line):
        raise Nonsense("a text")
    return line


TABLE: tuple[Entity, ...] = (
    Entity(
        "volume",
        "number",
        "Volume",
        Key.VOLUME,
        obey=_set_volume,
        details={"min": 0, "max": LOUDEST, "step": 1, "unit_of_measurement": "%", "icon": "mdi:volume-high"},
    ),
    Entity(
        "mute",
        "switch",
        "Mute microphone",
        Key.MUTED,
        obey=lambda controls, text: controls.mute(_is_on(text)),
        details={"icon": "mdi:microphone-off"},
    ),
    Entity(
        "barge-in",
        "switch",
        "Barge-in",
        Key.BARGE_IN,
        obey=lambda controls, text: controls.set_barge_in(_is_on(text)),
        details={"icon": "mdi:account-voice", "entity_category": "config"},
    ),
    Entity(
        "sensitivity",
        "select",
        "Sensitivity",
        Key.SENSITIVITY,
        obey=_set_sensitivity,
        details={"options": [each.value for each in Sensitivity], "icon": "mdi:home-sound-in", "entity_category": "config"},
    ),
    Entity(
        "wake-threshold",
        "number",
        "Wake word threshold",
        Key.WAKE_THRESHOLD,
        obey=_set_threshold,
        details={
            "min": _LEAST_THRESHOLD,
            "max": _MOST_THRESHOLD,
            "step": 0.01,
            "icon": "mdi:tune-variant",
            "entity_category": "config",
        },
    ),
    Entity("listen", "button", "Listen", obey=_listen, details={"payload_press": _PRESS, "icon": "mdi:microphone-message"}),
    Entity("stop", "button", "Stop", obey=_stop, details={"payload_press": _PRESS, "icon": "mdi:stop"}),
    Entity(
        "say",
        "text",
        "Say",
        obey=lambda controls, text: controls.say_text(_sayable(text)),
        details={"mode": "text", "min": 1, "max": _MOST_TEXT, "icon": "mdi:bullhorn"},
    ),
    Entity(
        "start-conversation",
        "text",
        "Start conversation",
        obey=lambda controls, text: controls.say_text(_sayable(text), then_listen=True),
        details={"mode": "text", "min": 1, "max": _MOST_TEXT, "icon": "mdi:forum"},
    ),
    Entity(
        "state",
        "sensor",
        "State",
        told=STATE,
        # each once: a reply that is held is being spoken
        details={
            "device_class": "enum",
            "options": list(dict.fromkeys(state.public for state in State)),
            "icon": "mdi:state-machine",
        },
    ),
    Entity(
        "interruption-reason",
        "sensor",
        "Last interruption",
        told=INTERRUPTION,
        details={
            "device_class": "enum",
            "options": [reason.value for reason in Reason],
            "value_template": "{{ value_json.reason }}",
            # two of one kind are two
            "force_update": True,
            "icon": "mdi:hand-back-left",
        },
        has_attributes=True,
    ),
    Entity(
        "interruption-time",
        "sensor",
        "Last interruption time",
        told=INTERRUPTION,
        details={
            "device_class": "duration",
            "unit_of_measurement": "ms",
            "state_class": "measurement",
            "value_template": "{{ value_json.interrupt_ms }}",
            "entity_category": "diagnostic",
        },
    ),
    Entity(
        "devices",
        "binary_sensor",
        "Sound devices",
        told=DEVICES,
        details={
            "device_class": "problem",
            "payload_on": _ON,
            "payload_off": _OFF,
            "value_template": "{{ value_json.problem }}",
            "entity_category": "diagnostic",
        },
        has_attributes=True,
    ),
    Entity(
        "false-dips",
        "sensor",
        "False dips",
        told=HEALTH,
        details={
            "unit_of_measurement": "1/h",
            "state_class": "measurement",
            "value_template": "{{ value_json.false_dips_per_hour }}",
            "icon": "mdi:chart-bell-curve",
            "entity_category": "diagnostic",
        },
    ),
    Entity(
        "erle",
        "sensor",
        "Echo cancelling",
        told=HEALTH,
        details={
            "unit_of_measurement": "dB",
            "state_class": "measurement",
            "value_template": "{{ value_json.erle_db }}",
            "icon": "mdi:waveform",
            "entity_category": "diagnostic",
        },
    ),
)


# ---- as Home Assistant is told of it


def entities(has_wake_threshold: bool) -> tuple[Entity, ...]:
    """Those that this satellite has."""
    return tuple(entity for entity in TABLE if has_wake_threshold or entity.setting is not Key.WAKE_THRESHOLD)


def discovery(topics: Topics, name: str, area: str | None, version: str, *, has_wake_threshold: bool) -> str:
    """The payload of device-based discovery, JSON: one device with all its entities."""
    device = {"identifiers": [topics.identity], "name": name, "model": "Wyoming voice satellite", "sw_version": version}
    return json.dumps(
        {
            "device": device | ({"suggested_area": area} if area else {}),
            "origin": {"name": "satellite", "sw_version": version},
            "availability_topic": topics.availability,
            "payload_available": ONLINE,
            "payload_not_available": OFFLINE,
            "components": {entity.key: _component(topics, entity) for entity in entities(has_wake_threshold)},
        },
        ensure_ascii=False,
    )


def _component(topics: Topics, entity: Entity) -> dict[str, Any]:
    shows = entity.setting or entity.told
    component = {
        "platform": entity.platform,
        "unique_id": f"{topics.identity}_{entity.key}",
        "name": entity.name,
        **entity.details,
    }
    if shows:
        component["state_topic"] = topics.of(shows)
    if entity.has_attributes and entity.told:
        component["json_attributes_topic"] = topics.of(entity.told)
    if entity.obey:
        component["command_topic"] = topics.command(entity)
    return component
