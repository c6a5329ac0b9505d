"""What Home Assistant demands of a device's discovery payload, as its documentation and its schemas have it."""

import re
from typing import Any

_EVERY = {"platform", "unique_id", "name", "icon", "entity_category", "json_attributes_topic"}

# what each platform demands, and what it takes beside that
_PLATFORMS: dict[str, tuple[set[str], set[str]]] = {
    "number": ({"command_topic"}, {"state_topic", "min", "max", "step", "mode", "unit_of_measurement", "device_class"}),
    "switch": ({"command_topic"}, {"state_topic", "payload_on", "payload_off", "state_on", "state_off"}),
    "select": ({"command_topic", "options"}, {"state_topic"}),
    "button": ({"command_topic"}, {"payload_press", "device_class"}),
    "text": ({"command_topic"}, {"state_topic", "mode", "min", "max", "pattern"}),
    "binary_sensor": ({"state_topic"}, {"value_template", "device_class", "payload_on", "payload_off"}),
    "sensor": (
        {"state_topic"},
        {"value_template", "unit_of_measurement", "device_class", "state_class", "options", "force_update"},
    ),
}

_LONGEST_STATE = 255


def insist(config: dict[str, Any]) -> None:
    """That Home Assistant takes it."""
    assert set(config) <= {
        *("device", "origin", "components", "availability_topic", "payload_available", "payload_not_available"),
        *("state_topic", "command_topic", "qos", "encoding"),
    }
    device = config["device"]
    assert device["identifiers"] and device["name"]
    assert set(device) <= {"identifiers", "name", "model", "manufacturer", "sw_version", "suggested_area"}
    assert config["origin"]["name"] and set(config["origin"]) <= {"name", "sw_version", "support_url"}
    assert _is_topic(config["availability_topic"])
    ids = [component["unique_id"] for component in config["components"].values()]
    assert len(ids) == len(set(ids)) == len(config["components"])
    for key, component in config["components"].items():
        assert re.fullmatch(r"[a-zA-Z0-9_-]+", key)
        _insist_on(component)


def _insist_on(component: dict[str, Any]) -> None:
    demanded, taken = _PLATFORMS[component["platform"]]
    assert component["name"]
    assert demanded <= set(component) <= demanded | taken | _EVERY, component
    assert all(_is_topic(value) for name, value in component.items() if name.endswith("_topic"))
    # a sensor that is of the configuration is refused
    categories = ("diagnostic",) if component["platform"] in ("sensor", "binary_sensor") else ("config", "diagnostic")
    assert component.get("entity_category", categories[0]) in categories
    match component:
        case {"platform": "number"}:
            assert component["min"] < component["max"] and component["step"] >= 0.001
        case {"platform": "text"}:
            assert 0 <= component["min"] < component["max"] <= _LONGEST_STATE
        case {"platform": "sensor", "device_class": "enum"}:
            # neither a unit nor a class of states goes with it
            assert component["options"] and not {"unit_of_measurement", "state_class"} & set(component)
        case {"platform": "sensor", "device_class": "duration"}:
            assert component["unit_of_measurement"] in ("d", "h", "min", "s", "ms")


def _is_topic(topic: str) -> bool:
    return bool(topic) and not set(topic) & set("+#\0")
