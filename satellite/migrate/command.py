"""`satellite migrate`: reads what it is given, writes a configuration, and says what is missing from it."""

import sys
from collections.abc import Sequence
from pathlib import Path

from satellite.errors import ConfigError
from satellite.migrate.line import Line, line_of, line_of_words
from satellite.migrate.options import Migrated, migrated
from satellite.migrate.write import document

# as of a configuration; a file that is larger is another one
_LARGEST_BYTES = 64 * 1024


def run_migrate(source: Sequence[str], output: Path | None, force: bool) -> int:
    """0: all was carried over, 1: something was not. ConfigError: nothing was written, and why."""
    if output is not None and not force and (output.exists() or output.is_symlink()):
        raise ConfigError(f"{output} is there already; --force replaces it")
    result = migrated(_line(source))
    text = document(result.settings, result.tells)
    if output is None:
        print(text, end="")
    else:
        _write(output, text, force)
    _tell(result, output)
    return 0 if result.is_complete else 1


def _line(source: Sequence[str]) -> Line:
    if len(source) > 1:
        return line_of_words(source)
    (only,) = source
    if only == "-":
        return line_of(sys.stdin.read(_LARGEST_BYTES))
    # a line has spaces, and no file has options for its name
    return line_of(only) if " --" in f" {only}" or "\n" in only else line_of(_text_of(Path(only)))


def _text_of(path: Path) -> str:
    try:
        with path.open("rb") as file:
            data = file.read(_LARGEST_BYTES + 1)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise ConfigError(f"{path}: {reason}; give a unit file, or the line in quotes") from error
    if len(data) > _LARGEST_BYTES:
        raise ConfigError(f"{path}: it is larger than {_LARGEST_BYTES // 1024} KiB")
    return data.decode("utf-8", "replace")


def _write(path: Path, text: str, force: bool) -> None:
    try:
        # x: one that has come since we looked is left alone, too
        with path.open("w" if force else "x", encoding="utf-8") as file:
            file.write(text)
    except OSError as error:
        raise ConfigError(f"{path}: {error.strerror}") from error


def _tell(result: Migrated, output: Path | None) -> None:
    for title, lost in (("not carried over: ", True), ("", False)):
        for each in result.tells:
            if each.lost is lost:
                print(f"satellite: {title}{' '.join(each.line.split())}", file=sys.stderr)
    if output is not None:
        print(f"satellite: written to {output}; next: satellite check -c {output}", file=sys.stderr)
