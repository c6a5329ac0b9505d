"""The configuration file: what differs from the defaults, in the model's order, each key with the option it comes from."""

import math
from collections.abc import Iterator, Mapping, Sequence

import yaml

from satellite.config import Config
from satellite.keys import flat, keys
from satellite.migrate.outcome import Sets, Tells

_HEAD = """\
# Made by `satellite migrate` from a command line of wyoming-satellite; behind each key is the option that it comes from.
# Every other key has its default, and config.example.yaml has all of them. Try it with: satellite check -c FILE
"""

# where comments begin, if the values let them
_COLUMN = 38


def document(settings: Sequence[Sets], tells: Sequence[Tells]) -> str:
    """All of it. What is told goes into comments at the end."""
    changed = _changed({each.key: each for each in settings})
    return "\n".join([_HEAD, *_lines(changed), *_remarks(tells)]).rstrip() + "\n"


def _changed(settings: Mapping[str, Sets]) -> list[Sets]:
    defaults = flat(Config())
    return [settings[key] for key in keys(Config) if key in settings and not _same(settings[key].value, defaults[key])]


def _same(value: object, default: object) -> bool:
    return value == (list(default) if isinstance(default, tuple) else default)


def _lines(changed: Sequence[Sets]) -> Iterator[str]:
    before = ""
    for each in changed:
        section, _, name = each.key.rpartition(".")
        if section and section != before:
            yield f"{section}:"
        before = section
        entry = f"{'  ' if section else ''}{name}: {as_yaml(each.value)}"
        yield f"{entry:<{_COLUMN}}  # {_in_one_line(each.comment)}"


def _remarks(tells: Sequence[Tells]) -> Iterator[str]:
    for title, lost in (("What was not carried over, and what to do instead:", True), ("Good to know:", False)):
        if lines := [f"# - {_in_one_line(each.line)}" for each in tells if each.lost is lost]:
            yield from ("", f"# {title}", *lines)


def _in_one_line(text: str) -> str:
    return "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in " ".join(text.split()))


def as_yaml(value: object) -> str:
    """A value in one line, quoted where YAML would take it for something else."""
    match value:
        case dict():
            return "{" + ", ".join(f"{name}: {_in_brackets(each)}" for name, each in value.items()) + "}"
        case list() | tuple():
            return "[" + ", ".join(map(_in_brackets, value)) + "]"
    # the dots end a document, and are written behind what has no quotes
    return _dumped(value, value).removesuffix("\n...")


def _in_brackets(value: object) -> str:
    """Where a comma or a bracket has a meaning, too."""
    return as_yaml(value) if isinstance(value, dict | list | tuple) else _dumped([value], value)[1:-1]


def _dumped(value: object, scalar: object) -> str:
    style = '"' if isinstance(scalar, str) and not scalar.isprintable() else None
    # without a width there is nothing to fold at
    text: str = yaml.safe_dump(value, default_style=style, default_flow_style=True, width=math.inf, allow_unicode=True)
    return text.strip()
