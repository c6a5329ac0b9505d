"""`satellite migrate`: reads what it is given, writes a configuration, and says what is missing from it."""

import sys
from collections.abc import Sequence
from pathlib import Path

from satellite.errors import ConfigError
from satellite.migrate.line import Line, line_of, line_of_words
from satellite.migrate.opening import Opening, drop_in, openings
from satellite.migrate.options import Migrated, migrated
from satellite.migrate.write import document

# as of a configuration; a file that is larger is another one
_LARGEST_BYTES = 64 * 1024


def run_migrate(source: Sequence[str], output: Path | None, force: bool, opening: Path | None = None) -> int:
    """0: all was carried over, 1: something was not. ConfigError: nothing was written, and why.

    `opening` is where the drop-in for the unit goes, if one is needed.
    """
    for path in (output, opening):
        if path is not None and not force and (path.exists() or path.is_symlink()):
            raise ConfigError(f"{path} is there already; --force replaces it")
    result = migrated(_line(source))
    needed, tells = openings(result.settings, _script)
    result = Migrated(result.settings, (*result.tells, *tells))
    text = document(result.settings, result.tells)
    if output is None:
        print(text, end="")
    else:
        _write(output, text, force)
    if needed and opening is not None:
        _write(opening, drop_in(needed), force)
    _tell(result, output)
    _tell_opening(needed, opening)
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


def _script(path: str) -> str:
    """Of a file that a hook runs; empty if there is none to read here, or it is no script."""
    try:
        with Path(path).open("rb") as file:
            data = file.read(_LARGEST_BYTES)
    except (OSError, ValueError):
        return ""
    return data.decode("utf-8", "replace") if data.startswith(b"#!") else ""


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


def _tell_opening(needed: Sequence[Opening], path: Path | None) -> None:
    if needed and path is None:
        lines = ", ".join(opening.setting for opening in needed)
        told = f"the service's unit does not let all that run and read as before; --drop-in FILE writes what it takes: {lines}"
    elif needed:
        told = f"written to {path}; it goes to /etc/systemd/system/satellite.service.d/hooks.conf"
    elif path is not None:
        told = f"the service's unit needs no drop-in, so {path} was not written"
    else:
        return
    print(f"satellite: {told}", file=sys.stderr)
