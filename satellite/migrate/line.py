"""A unit of systemd, a file of docker compose, a script or a line to the words that the old satellite was started with.

What is written like options and is none is told of: a backslash that is missing has dropped options from many a satellite.
"""

import re
import shlex
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import PurePath

from satellite.errors import ConfigError
from satellite.migrate.compose import compose_words
from satellite.migrate.outcome import Tells


@dataclass(frozen=True, slots=True)
class Line:
    """The words behind the program."""

    words: tuple[str, ...]
    directory: str | None = None
    tells: tuple[Tells, ...] = ()


_EXEC_START = re.compile(r"^[ \t]*ExecStart[ \t]*=", re.MULTILINE)


def line_of(text: str) -> Line:
    """Whatever it is. ConfigError if there is no such line in it."""
    text = text.encode("utf-8", "surrogateescape").decode("utf-8", "replace").removeprefix("\ufeff")
    try:
        if _EXEC_START.search(text):
            return _unit(text)
        if (words := compose_words(text)) is not None:
            return line_of_words(words)
        return _script(text)
    except ValueError as error:
        raise ConfigError(f"this line cannot be taken apart: {error}") from error


def line_of_words(words: Sequence[str], directory: str | None = None, tells: Sequence[Tells] = ()) -> Line:
    """Of what a shell has taken apart already, with or without the program in front."""
    rest = _behind_the_program(words)
    return Line(tuple(rest), directory, (*tells, *_variables(rest)))


def _behind_the_program(words: Sequence[str]) -> Sequence[str]:
    begin = next((at for at, word in enumerate(words) if word.startswith("--")), len(words))
    program = [PurePath(word).name for word in words[:begin]]
    if program and program[0] in ("docker", "podman"):
        # its own options are in front of the image
        begin = next((at + 1 for at, word in enumerate(words) if "/wyoming-satellite" in word), begin)
    elif "-c" in program and {"sh", "bash", "dash"} & set(program):
        return _behind_the_program(shlex.split(words[program.index("-c") + 1])) if begin > program.index("-c") + 1 else ()
    return words[begin:]


_VARIABLE = re.compile(r"\$\{[^}]*\}|^\$\w+$")


def _variables(words: Sequence[str]) -> Iterator[Tells]:
    for word in words:
        if found := _VARIABLE.search(word):
            yield Tells(found[0], "which value this variable has is not known here", "Put it in by hand")


# ---- lines


@dataclass(frozen=True, slots=True)
class _Logical:
    """A line with those that it goes on with; its number in the file."""

    number: int
    text: str


_GOES_ON = re.compile(r"(?<!\\)(?:\\\\)*\\$")


def _logical(text: str, comment_ends: bool) -> Iterator[_Logical]:
    """To systemd a comment between two lines is not there; to a shell it ends the command."""
    parts: list[str] = []
    begin = 1
    for number, line in enumerate(text.splitlines(), 1):
        is_comment = line.lstrip().startswith(("#",) if comment_ends else ("#", ";"))
        if is_comment and not (comment_ends and parts):
            continue
        begin = begin if parts else number
        if _GOES_ON.search(line) and not is_comment:
            parts.append(line[:-1])
            continue
        yield _Logical(begin, " ".join([*parts, "" if is_comment else line]))
        parts = []
    if parts:
        yield _Logical(begin, " ".join(parts))


def _strays(lines: Sequence[_Logical]) -> Iterator[Tells]:
    for line in lines:
        if re.match(r"\s*--?[a-z]", line.text):
            shown = " ".join(line.text.split())
            yield Tells(
                f"line {line.number}",
                f"`{shown}` is not part of the command, so it never counted: the line before does not end in a backslash",
                "Mend that and migrate again, if it should count",
            )


def _script(text: str) -> Line:
    lines = list(_logical(text, comment_ends=True))
    runs = [line for line in lines if re.search(r"(^|\s)--(mic|snd)-", line.text)]
    # a stray rest of the command is none
    first = next((line for line in runs if not line.text.lstrip().startswith("-")), next(iter(runs), None))
    if first is None:
        raise ConfigError("there is no command line of wyoming-satellite in it, which would have --mic-command or --mic-uri")
    return line_of_words(shlex.split(first.text, comments=True), None, list(_strays([x for x in lines if x is not first])))


# ---- units


_ENTRY = re.compile(r"\s*([A-Z]\w*)\s*=\s*(.*)", re.DOTALL)


def _unit(text: str) -> Line:
    lines = list(_logical(text, comment_ends=False))
    commands: list[str] = []
    directory, tells = None, list(_strays(lines))
    for line in lines:
        name, value = entry.groups() if (entry := _ENTRY.match(line.text)) else ("", "")
        value = value.strip()
        match name:
            case "ExecStart":
                # an empty one takes back what was before it
                commands = [*commands, value] if value else []
            case "WorkingDirectory":
                directory = value.lstrip("-").strip('"') or None
            case "EnvironmentFile":
                tells.append(Tells(name, f"what {value} sets is not known here", "Put in by hand what was taken from it"))
            case "Environment":
                why = f"{value} is not part of the configuration"
                tells.append(Tells(name, why, "A sound server's address belongs into our unit, too", lost=False))
    each = [_systemd_words(command.lstrip("-@:+!|")) for command in commands]
    if not each:
        raise ConfigError("its ExecStart= is empty")
    words = next((words for words in each if any(word.startswith("--mic-") for word in words)), each[0])
    if directory is not None and not directory.startswith("/"):
        directory = None
    return line_of_words([_expanded(word) for word in words], directory, (*tells, *_specifiers(words)))


def _specifiers(words: Sequence[str]) -> Iterator[Tells]:
    for word in words:
        if found := re.search(r"(?<!%)(?:%%)*(%[A-Za-z])", word):
            yield Tells(found[1], f"what systemd puts in its place in {word!r} is not known here", "Put it in by hand")


def _expanded(word: str) -> str:
    return word.replace("%%", "%").replace("$$", "$")


_ESCAPE = re.compile(r"\\(x[0-9a-fA-F]{2}|[0-7]{3}|u[0-9a-fA-F]{4}|U[0-9a-fA-F]{8}|.|$)", re.DOTALL)
_ESCAPED = {**dict(zip("abfnrtv", "\a\b\f\n\r\t\v", strict=True)), "s": " ", "\\": "\\", '"': '"', "'": "'"}


def _systemd_words(text: str) -> list[str]:
    """As systemd takes a command apart. ValueError for a quote without its end."""
    words: list[str] = []
    word, quote, at = None, "", 0
    while at < len(text):
        c, width = text[at], 1
        if found := _ESCAPE.match(text, at):
            word, width = (word or "") + _unescaped(found), len(found[0])
        elif c == quote:
            quote = ""
        elif c in "'\"" and not quote:
            word, quote = word or "", c
        elif c.isspace() and not quote:
            words, word = [*words, word] if word is not None else words, None
        else:
            word = (word or "") + c
        at += width
    if quote:
        raise ValueError(f"a quote {quote} has no end")
    return words if word is None else [*words, word]


def _unescaped(found: re.Match[str]) -> str:
    code = found[1]
    if len(code) < 2:
        # what is no escape stands for itself
        return _ESCAPED.get(code, found[0])
    value = int(code, 8) if code.isdecimal() else int(code[1:], 16)
    return chr(value) if value < 0x110000 and not 0xD800 <= value < 0xE000 else "\N{REPLACEMENT CHARACTER}"
