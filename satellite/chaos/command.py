"""`satellite chaos`: everything goes wrong, in virtual time, by a seed."""

import asyncio
import json
import logging
import traceback
from collections.abc import Sequence
from dataclasses import dataclass

from satellite.chaos.faults import FAULTS, Fault
from satellite.chaos.invariants import Log, on_exception
from satellite.chaos.report import Tally, as_data, as_text
from satellite.chaos.story import Broken, Story
from satellite.chaos.world import world
from satellite.simulate.virtual_time import VirtualLoop

# of real time, on a machine that is busy with other things: it is ten times faster on an idle one
_PATIENCE_S_PER_MINUTE = 60.0
_LEAST_PATIENCE_S = 300.0


@dataclass(frozen=True, slots=True)
class Outcome:
    """Of one run."""

    tally: Tally
    log: list[str]


def run_chaos(minutes: float, seed: int, as_json: bool) -> int:
    """Prints what came of it; 0 if everything held."""
    outcome = play(minutes, seed)
    told = (outcome.tally, minutes, seed, outcome.log)
    print(json.dumps(as_data(*told), indent=1) if as_json else as_text(*told))
    return 1 if outcome.tally.failures else 0


def play(minutes: float, seed: int, faults: Sequence[Fault] = FAULTS) -> Outcome:
    """So many virtual minutes, or until something does not hold. The same seed tells the same story."""
    loop = VirtualLoop(max(minutes * _PATIENCE_S_PER_MINUTE, _LEAST_PATIENCE_S))
    begin_s = loop.time()

    def now_s() -> float:
        return loop.time() - begin_s

    tally = Tally(now_s)
    log = Log(now_s, tally.fail)
    tally.on_failure = log.freeze
    loop.set_exception_handler(on_exception(tally.fail))
    with asyncio.Runner(loop_factory=lambda: loop) as runner, _only(log):
        runner.run(_play(minutes, seed, tally, faults))
    return Outcome(tally, list(log.lines))


async def _play(minutes: float, seed: int, tally: Tally, faults: Sequence[Fault]) -> None:
    async with world(seed, tally.fail) as made:
        try:
            await Story(made, tally, faults).tell(minutes * 60)
        except Broken:
            pass
        # one of ours or of the stage's: either way the run is worth nothing
        except Exception:
            tally.fail(traceback.format_exc())


class _only:
    """While it is entered, the satellite's log goes to this handler and nowhere else."""

    def __init__(self, handler: logging.Handler) -> None:
        self._handler = handler
        self._loggers = [logging.getLogger(name) for name in ("satellite", "asyncio")]

    def __enter__(self) -> None:
        self._before = [(logger.level, logger.propagate) for logger in self._loggers]
        for logger in self._loggers:
            logger.setLevel(logging.INFO)
            logger.propagate = False
            logger.addHandler(self._handler)

    def __exit__(self, *exc: object) -> None:
        for logger, (level, propagate) in zip(self._loggers, self._before, strict=True):
            logger.removeHandler(self._handler)
            logger.setLevel(level)
            logger.propagate = propagate
