"""The command of a wyoming-satellite in a file of docker compose."""

import shlex
from collections.abc import Iterator

import yaml

from satellite.errors import ConfigError


def compose_words(text: str) -> list[str] | None:
    """The words of its command; None if the text is no such file. ConfigError if it is, and has no such command."""
    try:
        root = yaml.safe_load(text)
    except yaml.YAMLError:
        return None
    if not isinstance(root, dict) or not isinstance(root.get("services", root), dict) or not _commands(root):
        return None
    found = [words for words in _commands(root) if any(word.startswith(("--mic-", "--snd-")) for word in words)]
    if not found:
        raise ConfigError("none of its services is a wyoming-satellite: no command has --mic-command")
    return found[0]


def _commands(root: dict[str, object]) -> list[list[str]]:
    services = root.get("services")
    places = [*services.values(), root] if isinstance(services, dict) else [root]
    return list(_each_command(places))


def _each_command(places: list[object]) -> Iterator[list[str]]:
    for place in places:
        command = place.get("command") if isinstance(place, dict) else None
        if isinstance(command, list):
            yield [str(word) for word in command]
        elif isinstance(command, str):
            yield shlex.split(command, comments=True)
