"""A satellite as a device of Home Assistant, over an MQTT broker: what the Wyoming integration has no place for."""
