"""A typed model filled from a YAML file and from environment variables.

msgspec judges the values, one key at a time, so that all that is wrong is told at once: a line for each problem, with file
and line or the variable, the key, what was found, and what is allowed.
"""

import difflib
import stat
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeVar

import msgspec
import yaml
from yaml.reader import ReaderError

from satellite.errors import ConfigError
from satellite.keys import allowed, dotted, fits, keys, nested

# thirty times the example; PyYAML takes a fifth of a second for it
LARGEST_FILE_BYTES = 64 * 1024

# lists in lists and sections in sections; what is deeper was made to hurt
DEEPEST = 10

# whoever has more of them gave us the wrong file
MOST_PROBLEMS = 20

# of what was found, in a message of one line
_LONGEST_SHOWN = 60

# no key is a date, and a name may look like one
_TIMESTAMP_TAG = "tag:yaml.org,2002:timestamp"
_TEXT_TAG = "tag:yaml.org,2002:str"

Model = TypeVar("Model", bound=msgspec.Struct)


def load(model: type[Model], path: Path | None, environ: Mapping[str, str], prefix: str) -> Model:
    """The model's defaults, then the file, then the variables that begin with the prefix. ConfigError has a line a problem."""
    reading = _Reading(model)
    if path is not None:
        _read_file(reading, path)
    for variable in sorted(v for v in environ if v.startswith(prefix)):
        # swapped and not lowered: the case of a variable counts
        key = variable.removeprefix(prefix).swapcase().replace("__", ".")
        _read_variable(reading, variable, key, environ[variable])
    if problems := reading.problems:
        more = [f"and {len(problems) - MOST_PROBLEMS} more problems"] if len(problems) > MOST_PROBLEMS else []
        raise ConfigError("\n".join(problems[:MOST_PROBLEMS] + more))
    try:
        return msgspec.convert(nested(reading.values), model)
    except msgspec.ValidationError as error:
        # each key is right by itself, and a section says that they contradict each other, or the whole that sections do
        problem, _, place = str(error).partition(" - at `$.")
        section = place.removesuffix("`")
        where = reading.places.get(section or problem.partition(".")[0]) or str(path or "the environment")
        raise ConfigError(f"{where}: {dotted(section, problem)}") from error


class _Reading:
    """Gathers the values that are right, and a line for whatever is wrong."""

    def __init__(self, model: type[msgspec.Struct]) -> None:
        self.values: dict[str, object] = {}
        self.problems: list[str] = []
        self.places: dict[str, str] = {}
        """Of the sections that there are: file and line."""
        self._keys = keys(model)

    def names(self, section: str) -> list[str]:
        """The names in a section, each without the section's; none if it is no section."""
        begin = f"{section}." if section else ""
        return list(dict.fromkeys(key.removeprefix(begin).split(".")[0] for key in self._keys if key.startswith(begin)))

    def fits(self, key: str, value: object) -> bool:
        """Whether a value is allowed there."""
        return fits(self._keys[key], value)

    def complain(self, where: str, problem: str) -> None:
        """Notes a problem."""
        self.problems.append(f"{where}: {problem}")

    def complain_of_value(self, where: str, key: str, found: str, advice: str = "") -> None:
        """Notes that a value is not what is allowed there."""
        self.complain(where, f"{key} is {_shown(found)}; it has to be {allowed(self._keys[key])}{advice}")

    def complain_of_section(self, where: str, section: str, found: str) -> None:
        """Notes a value where there should be keys."""
        names = ", ".join(self.names(section))
        self.complain(where, f"{section or 'the file'} is {_shown(found)}; it has to be a section with the keys {names}")

    def complain_of_name(self, where: str, section: str, name: str) -> None:
        """Notes a key that is not known, the nearest that is, and all of its section."""
        names = self.names(section)
        near = [dotted(section, close) for close in difflib.get_close_matches(name, names, 1)]
        # a key that was not indented, or was written with a dot
        places = [key.rpartition(".") for key in self._keys]
        near += [f"{last} in the section {within}" for within, _, last in places if last == name.split(".")[-1]]
        advice = f", did you mean {near[0]}?" if near else ";"
        has = f"{section} has" if section else "there are"
        self.complain(where, f"{_shown(dotted(section, name))} is not a key{advice} {has} {', '.join(names) or 'none'}")


def _shown(found: str) -> str:
    """In one short line, whatever it is."""
    line = " ".join(found.split()) or "empty"
    line = "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in line)
    return line if len(line) <= _LONGEST_SHOWN else f"{line[:_LONGEST_SHOWN]}..."


# ---- the environment


def _read_variable(reading: _Reading, variable: str, key: str, text: str) -> None:
    section = ""
    for name in key.split("."):
        if name not in reading.names(section):
            return reading.complain_of_name(variable, section, name)
        section = dotted(section, name)
    if reading.names(key):
        return reading.complain_of_section(variable, key, text)
    try:
        value = _value_of(text)
    except ReaderError as error:
        return reading.complain(variable, _unprintable(error))
    # whoever sets a variable does not think of YAML: a text that it takes for a number or a truth value is a text all the same
    for meaning in (value, text):
        if reading.fits(key, meaning):
            reading.values[key] = meaning
            return None
    return reading.complain_of_value(variable, key, text)


def _value_of(text: str) -> object:
    """A variable's as YAML; but a `#` or a colon in it has no meaning unless it begins with a bracket or a quote."""
    loader = _Loader(text)
    if not text.startswith(("[", '"', "'")):
        return loader.value(yaml.ScalarNode(loader.resolve(yaml.ScalarNode, text, (True, False)), text))
    try:
        node = loader.get_single_node()
    except yaml.YAMLError:
        return text
    return text if node is None else loader.value(node)


# ---- the file


class _Refused(yaml.MarkedYAMLError):
    """It is YAML, but no configuration."""


class _Loader(yaml.SafeLoader):
    """YAML without what a configuration has no use for: aliases, tags, dates and depth."""

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self._depth = 0

    def resolve(self, kind: type[yaml.Node], value: str | None, implicit: tuple[bool, bool]) -> str:
        """The tag of what has none."""
        tag: str = super().resolve(kind, value, implicit)  # type: ignore[no-untyped-call]
        return _TEXT_TAG if tag == _TIMESTAMP_TAG else tag

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        event: Any = self.peek_event()  # type: ignore[no-untyped-call]
        if objection := self._objection_to(event):
            raise _Refused(None, None, objection, event.start_mark)
        self._depth += 1
        node = super().compose_node(parent, index)
        self._depth -= 1
        return node

    def _objection_to(self, event: yaml.Event) -> str | None:
        if isinstance(event, yaml.AliasEvent):
            return "an alias is not allowed"
        if getattr(event, "tag", None) is not None:
            return "a tag is not allowed"
        return "nested too deeply" if self._depth == DEEPEST else None

    def value(self, node: yaml.Node) -> object:
        """Of a node; as it is written, if YAML cannot make sense of it."""
        try:
            return self.construct_object(node, deep=True)
        except (yaml.YAMLError, ValueError):
            return node.value


def _read_file(reading: _Reading, path: Path) -> None:
    text = _text_of(path)
    try:
        loader = _Loader(text)
        root = loader.get_single_node()
    except yaml.YAMLError as error:
        line, problem = _syntax_problem(error, text)
        raise ConfigError(f"{path}:{line}: {problem}") from error
    if root is not None:
        _File(path, text, loader, reading).read_section("", root)


class _File:
    """A file on its way into a reading."""

    def __init__(self, path: Path, text: str, loader: _Loader, reading: _Reading) -> None:
        self._path, self._text, self._loader, self._reading = path, text, loader, reading

    def read_section(self, section: str, node: yaml.Node) -> None:
        """Takes every key that is below a node."""
        if self._is_empty(node):
            return
        if not isinstance(node, yaml.MappingNode):
            self._reading.complain_of_section(self._where(node), section, self._written(node))
            return
        self._reading.places[section] = self._where(node)
        lines: dict[str, int] = {}
        for key, value in node.value:
            name, line = self._written(key), key.start_mark.line + 1
            if isinstance(key, yaml.ScalarNode):
                name = key.value
            if name in lines:
                problem = f"{_shown(dotted(section, name))} is there twice, for the first time in line {lines[name]}"
                self._reading.complain(self._where(key), problem)
            lines.setdefault(name, line)
            self._read_entry(section, name, key, value)

    def _read_entry(self, section: str, name: str, key: yaml.Node, value: yaml.Node) -> None:
        reading, full = self._reading, dotted(section, name)
        if name not in reading.names(section):
            reading.complain_of_name(self._where(key), section, name)
        elif reading.names(full):
            self.read_section(full, value)
        elif reading.fits(full, found := self._loader.value(value)):
            reading.values[full] = found
        else:
            would_fit = isinstance(value, yaml.ScalarNode) and value.value and reading.fits(full, value.value)
            reading.complain_of_value(self._where(value), full, self._written(value), ": put it in quotes" if would_fit else "")

    def _is_empty(self, node: yaml.Node) -> bool:
        """Whether it is a section whose keys have all been commented out."""
        return isinstance(node, yaml.ScalarNode) and self._loader.value(node) is None

    def _where(self, node: yaml.Node) -> str:
        return f"{self._path}:{node.start_mark.line + 1}"

    def _written(self, node: yaml.Node) -> str:
        return self._text[node.start_mark.index : node.end_mark.index]


def _text_of(path: Path) -> str:
    try:
        # whatever else there is may never end
        if not stat.S_ISREG(path.stat().st_mode):
            raise ConfigError(f"{path}: this is not a file")
        with path.open("rb") as file:
            data = file.read(LARGEST_FILE_BYTES + 1)
    except OSError as error:
        raise ConfigError(f"{path}: {error.strerror}") from error
    if len(data) > LARGEST_FILE_BYTES:
        raise ConfigError(f"{path}: it is larger than {LARGEST_FILE_BYTES // 1024} KiB")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise ConfigError(f"{path}:{line}: this is not UTF-8: byte {data[error.start]:#04x}") from error


def _syntax_problem(error: yaml.YAMLError, text: str) -> tuple[int, str]:
    """The line of it, and what is wrong there."""
    if isinstance(error, ReaderError):
        return text.count("\n", 0, error.position) + 1, _unprintable(error)
    assert isinstance(error, yaml.MarkedYAMLError) and error.problem_mark is not None
    line, problem = error.problem_mark.line + 1, str(error.problem)
    if isinstance(error, _Refused):
        return line, problem
    if error.context is not None and error.context_mark is not None:
        problem = f"{error.context} from line {error.context_mark.line + 1}, {problem}"
    # what the parser stumbles over when the columns are wrong
    if "block" in problem or "mapping values" in problem or r"\t" in problem:
        problem += "; keys of one section are indented alike, with spaces"
    return line, f"not YAML: {problem}"


def _unprintable(error: ReaderError) -> str:
    # of a text it is the number and no character, whatever its type says
    return f"the character U+{int(error.character):04X} is not allowed"
