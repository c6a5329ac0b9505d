"""What has to hold whatever goes wrong: nothing grows, nothing is left over, nothing is logged that is a mistake of ours."""

import asyncio
import logging
from collections import Counter, deque
from collections.abc import Callable
from pathlib import Path
from typing import Any

from satellite.chaos.sizes import MOST_BYTES, MOST_ITEMS, growth, resident_mb, sizes_of
from satellite.chaos.world import World
from satellite.core.units import RATE_HZ

# what is shown of the log where something failed
LOG_LINES = 50

# the room remembers ten minutes, and everything has happened once in some more
_TAPES_FULL_S = 20 * 60
# the mock servers remember a hundred requests of up to 0.5 MB, two of them each
_MOST_GROWN_MB = 128.0

_PACKAGE = Path(__file__).parents[1]
# the tasks of what stands around the service come and go as they like
_STAGE = ("chaos", "mock", "simulate")


class Log(logging.Handler):
    """Keeps the last lines, with the virtual time; an error or an exception is a failure."""

    def __init__(self, now_s: Callable[[], float], fail: Callable[[str], None]) -> None:
        super().__init__()
        self._now_s, self._fail = now_s, fail
        self.has_failed = False
        self.lines: deque[str] = deque(maxlen=LOG_LINES)
        self._formatter = logging.Formatter("%(levelname)s %(name)s: %(message)s")

    def freeze(self) -> None:
        """Something has failed: what is logged from now on tells nothing of it."""
        self.has_failed = True

    def emit(self, record: logging.LogRecord) -> None:
        if self.has_failed:
            return
        line = f"{self._now_s():9.3f} {self._formatter.format(record)}"
        self.lines.append(line)
        if record.levelno >= logging.ERROR or record.exc_info:
            self._fail(f"the log says: {line}")


def on_exception(fail: Callable[[str], None]) -> Callable[[asyncio.AbstractEventLoop, dict[str, Any]], None]:
    """For the event loop: what nobody has caught."""

    def handle(loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        fail(f"nobody caught it: {context.get('message')}: {context.get('exception')!r}")

    return handle


class AtRest:
    """Looks at the service whenever nothing goes on. `fail` is told what was wrong."""

    def __init__(self, world: World, fail: Callable[[str], None]) -> None:
        self._world, self._fail = world, fail
        self._tasks = _tasks()
        self.most_bytes = self.most_items = 0
        self.grown_mb = 0.0
        """Of the whole process since the room's tapes were full, which is memory too."""
        self._full_mb: float | None = None

    def look(self) -> None:
        """Now."""
        sizes = sizes_of(self._world.service)
        self.most_bytes, self.most_items = max(self.most_bytes, sizes.bytes_held), max(self.most_items, sizes.most_items)
        if sizes.bytes_held > MOST_BYTES:
            self._fail(f"the service holds {sizes.bytes_held / 1e6:.1f} MB of bytes and arrays")
        if sizes.most_items > MOST_ITEMS:
            self._fail(f"{sizes.where} has {sizes.most_items} items")
        self._watch_memory()
        if more := growth(self._tasks, _tasks()):
            self._fail(f"tasks are left over: {', '.join(more)}")

    def _watch_memory(self) -> None:
        if self._world.room.end_frame < _TAPES_FULL_S * RATE_HZ:
            return
        self._full_mb = self._full_mb or resident_mb()
        self.grown_mb = resident_mb() - self._full_mb
        if self.grown_mb > _MOST_GROWN_MB:
            self._fail(f"the process has grown by {self.grown_mb:.0f} MB")


def _tasks() -> Counter[str]:
    """Of the service, by what they do."""
    names: Counter[str] = Counter()
    for task in asyncio.all_tasks():
        coroutine = task.get_coro()
        code = getattr(coroutine, "cr_code", None)
        file = Path(code.co_filename) if code is not None else None
        if file is not None and file.is_relative_to(_PACKAGE) and file.relative_to(_PACKAGE).parts[0] not in _STAGE:
            names[coroutine.__qualname__] += 1  # type: ignore[union-attr]
    return names
