"""The daemon's life as a process: signals, what systemd is told of it, and an end that comes in time, whatever hangs."""

import asyncio
import faulthandler
import logging
import os
import signal
import threading
from collections.abc import Callable, Coroutine, Sequence
from typing import TYPE_CHECKING, Literal, NoReturn

from satellite.errors import ConfigError
from satellite.systemd import Watchdog, notify

if TYPE_CHECKING:
    from satellite.companions import Companion
    from satellite.config import Config
    from satellite.service import Service

# a fault of ours, after which systemd starts us again
EXIT_FAILED = 70

# the hub's goodbye takes 2.2 s, and whoever tells a satellite to go shall not wait longer than 3 s
LEAVE_S = 2.8

# a line is written in a millisecond, unless nobody reads
_LAST_WORDS_S = 0.1

_ENDING = (signal.SIGINT, signal.SIGTERM)

_log = logging.getLogger(__name__)


def run(serving: Coroutine[None, None, int]) -> NoReturn:
    """Serves, and ends the process with the code. ConfigError if it cannot begin."""
    # whoever kills us because we hang, as systemd's watchdog does, finds in the log where every thread stood
    faulthandler.enable()
    code = asyncio.run(_leave_after(serving))
    raise AssertionError(f"the process has outlived its end with {code}")


async def _leave_after(serving: Coroutine[None, None, int]) -> int:
    """Once all has been said and closed."""
    code = await serving
    _last_words()
    # asyncio would wait for the name look-ups in its threads, for as long as a name server is silent
    os._exit(code)


def _last_words(*told: str) -> None:
    """Logs them and all that waits to be, if whoever reads the log does."""

    def say() -> None:
        for line in told:
            _log.error("%s", line)
        logging.shutdown()

    saying = threading.Thread(target=say, daemon=True)
    saying.start()
    saying.join(_LAST_WORDS_S)


async def serve(
    service: "Service",
    read_config: Callable[[], "Config"],
    reconfigure: Callable[["Config"], None],
    company: Sequence["Companion"] = (),
    leave: Callable[[int], None] = os._exit,
) -> int:
    """Serves until it is told to stop or has failed; the exit code. `leave` is called with it if the end takes too long."""
    signals = asyncio.Queue[signal.Signals]()
    loop = asyncio.get_running_loop()
    for number in (*_ENDING, signal.SIGHUP):
        loop.add_signal_handler(number, signals.put_nowait, number)
    for companion in company:
        await companion.start()
    watchdog = Watchdog(lambda: service.pulse)
    starting, failing = asyncio.create_task(_start(service, watchdog)), asyncio.create_task(service.failed.wait())
    try:
        while await _next(signals, starting, failing) is signal.SIGHUP:
            await _reload(reconfigure, read_config)
    finally:
        code = EXIT_FAILED if service.failed.is_set() else 0
        limit = _limit_of_the_end(lambda: leave(code))
        notify("STOPPING=1")
        for task in (starting, failing):
            task.cancel()
        watchdog.stop()
        # the service begins, so that they hear of the end
        await asyncio.gather(service.stop(), *(companion.stop() for companion in company))
        limit.cancel()
    return code


def _limit_of_the_end(leave: Callable[[], None]) -> threading.Timer:
    """From here on a second signal ends the process at once, and so does whatever takes too long."""
    loop = asyncio.get_running_loop()
    for number in (*_ENDING, signal.SIGHUP):
        loop.remove_signal_handler(number)
    for number in _ENDING:
        signal.signal(number, signal.SIG_DFL)
    signal.signal(signal.SIGHUP, signal.SIG_IGN)

    def give_up() -> None:
        _last_words(f"not everything was closed within {LEAVE_S:.1f} s")
        leave()

    # a thread: what hangs may be the event loop
    limit = threading.Timer(LEAVE_S, give_up)
    limit.daemon = True
    limit.start()
    return limit


async def _start(service: "Service", watchdog: Watchdog) -> None:
    # for as long as the port is taken; without a hub there is none
    port = await service.start()
    notify("READY=1", *((f"STATUS={service.state}: waiting for a hub",) if port else ()))
    watchdog.start()


async def _next(
    signals: asyncio.Queue[signal.Signals], starting: asyncio.Task[None], failing: asyncio.Task[Literal[True]]
) -> signal.Signals:
    """The next signal, or what stands for one; raises what makes a start impossible."""
    told = asyncio.create_task(signals.get())
    await asyncio.wait({told, starting, failing}, return_when=asyncio.FIRST_COMPLETED)
    if starting.done():
        starting.result()
        await asyncio.wait({told, failing}, return_when=asyncio.FIRST_COMPLETED)
    return told.result() if told.done() else signal.SIGTERM


async def _reload(reconfigure: Callable[["Config"], None], read_config: Callable[[], "Config"]) -> None:
    try:
        # a disk may be slow, and an answer must not wait for it
        reconfigure(await asyncio.to_thread(read_config))
    except ConfigError as error:
        for problem in str(error).splitlines():
            _log.error("the configuration stays as it was: %s", problem)
