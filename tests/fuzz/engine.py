"""Runs a target under libFuzzer, which looks for inputs that reach code that none before them has reached.

It needs atheris, the extra [fuzz], on x86-64 Linux: `pip install -e '.[dev,fuzz]'`, in an environment of its own. What it found
is kept as a corpus, and passes through the same targets in the tests, without atheris.
"""

import argparse
import hashlib
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence, Set
from pathlib import Path
from types import FrameType, FunctionType, ModuleType
from typing import Any

from tests.fuzz.mutate import mutated

Target = Callable[[bytes], None]
"""Takes an input; AssertionError, or whatever else escapes, is a finding."""

HERE = Path(__file__).parent
CORPUS = HERE / "corpus"

# what a target may hold beside what the interpreter and its libraries do before the first input
_MOST_HELD_MB = 64
# for one input, which takes less than a millisecond
_TIMEOUT_S = 5


def fuzz(name: str, target: Target, modules: Sequence[ModuleType], longest: int) -> None:
    """The command: runs until something is found or enough has been tried. `modules`: whose code; `longest`: an input, bytes."""
    arguments, corpus = _arguments(), CORPUS / name
    if arguments.merge:
        print(f"{merge(target, modules, longest, corpus, arguments.merge)} files are new in {corpus}")
        return
    import atheris  # type: ignore[import-untyped, unused-ignore]

    for function in _functions(modules):
        atheris.instrument_func(function)
    with tempfile.TemporaryDirectory() as unkept:
        found = arguments.found or Path(unkept)
        command = [sys.argv[0], str(found), str(corpus), f"-runs={arguments.runs}", f"-seed={arguments.seed}"]
        command += [f"-max_len={longest}", f"-timeout={_TIMEOUT_S}", f"-rss_limit_mb={_resident_mb() + _MOST_HELD_MB}"]
        command += [f"-dict={HERE / 'dictionary.txt'}", f"-artifact_prefix={tempfile.gettempdir()}/", "-print_final_stats=1"]
        atheris.Setup(command, target, custom_mutator=lambda data, most, seed: mutated(data, most, seed, atheris.Mutate))
        atheris.Fuzz()


def merge(target: Target, modules: Sequence[ModuleType], longest: int, corpus: Path, folders: Sequence[Path]) -> int:
    """Adds to a corpus, smallest first, whatever takes a way from line to line that none before it took; how many files.

    libFuzzer's own merging starts the program anew for each crash, which an interpreter's module is not made for.
    """
    known, files = {module.__file__ for module in modules}, 0
    ways: set[tuple[str, int, int]] = set()
    for path in sorted(corpus.iterdir()):
        ways |= _ways(target, path.read_bytes(), known)
    new = {path.read_bytes()[:longest] for folder in folders for path in folder.iterdir()}
    for stream in sorted(new, key=lambda stream: (len(stream), stream)):
        found = _ways(target, stream, known)
        if not found <= ways:
            ways |= found
            files += 1
            (corpus / hashlib.sha1(stream).hexdigest()[:12]).write_bytes(stream)
    return files


def _ways(target: Target, stream: bytes, files: Set[str | None]) -> set[tuple[str, int, int]]:
    """From which line to which an input leads, in these files."""
    ways, last = set[tuple[str, int, int]](), dict[FrameType, int]()

    def follow(frame: FrameType, event: str, argument: object) -> Any:
        if frame.f_code.co_filename not in files:
            return None
        ways.add((frame.f_code.co_filename, last.get(frame, 0), frame.f_lineno))
        last[frame] = frame.f_lineno
        if event == "return":
            del last[frame]
        return follow

    sys.settrace(follow)
    try:
        target(stream)
    finally:
        sys.settrace(None)
    return ways


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="coverage-guided fuzzing; a finding is a traceback and a file")
    parser.add_argument("--runs", type=int, default=10_000_000, help="how many inputs")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--found", type=Path, help="a folder for inputs that reach new code")
    parser.add_argument("--merge", type=Path, nargs="+", metavar="FOLDER", help="add to the corpus what these reach beyond it")
    return parser.parse_args()


def _functions(modules: Sequence[ModuleType]) -> Iterator[FunctionType]:
    """All that are written in these modules, methods and properties too."""
    for module in modules:
        for value in vars(module).values():
            if getattr(value, "__module__", None) == module.__name__:
                yield from _functions_of(value)


def _functions_of(value: object) -> Iterator[FunctionType]:
    match value:
        case FunctionType():
            # what a dataclass has generated is no code of ours
            if not value.__code__.co_filename.startswith("<"):
                yield value
        case property():
            yield from _functions_of(value.fget)
        case staticmethod() | classmethod():
            yield from _functions_of(value.__func__)
        case type():
            for member in vars(value).values():
                yield from _functions_of(member)


def _resident_mb() -> int:
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * 4096 >> 20
