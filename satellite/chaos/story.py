"""Episodes one after the other: faults that overlap, in whatever state; then all is well again, and that has to show.

Theory of operation
-------------------
1. An episode begins in the middle of something, or in silence. Some faults and some deeds of the user begin and end at random.
2. When the last one has ended, a wake word must be heard again within the deadline of each; and the conversation must come to
   rest by itself.
3. The proof is a turn: the wake word and a command are said, and the sound of the very answer to it is heard.
4. At rest nothing may have grown. What sounds is listened to all the time, and so is the log.
"""

import asyncio
from collections.abc import Callable, Sequence

from satellite.chaos.faults import FAULTS, Fault, Kind
from satellite.chaos.invariants import AtRest
from satellite.chaos.report import Tally
from satellite.chaos.world import World
from satellite.core.state import State

# so often is looked at what is waited for
_LOOK_S = 0.02
_LISTEN_S = 0.1
# the start-up sound, and what the canceller and the measured loop make of it
_START_S = 4.0
# faults begin within
_SPREAD_S = 8.0
# the longest that a state lasts here by the conversation's own limits: an answer that is never spoken (10 s) after an utterance
# (15 s) whose transcript does not come (15 s, twice), and three announcements that wait
_REST_S = 90.0
# from the end of a command to the sound of its answer: the end of speech, a thought, a synthesis
_ANSWER_S = 6.0
# a word may be missed, by the models; three in a row are not
_TRIES = 3


class Broken(Exception):
    """An invariant has not held."""


class Story:
    """One run in a world."""

    def __init__(self, world: World, tally: Tally, faults: Sequence[Fault] = FAULTS) -> None:
        self._world, self._tally, self._rng, self._faults = world, tally, world.rng, faults
        self._at_rest: AtRest

    async def tell(self, seconds: float) -> None:
        """So much virtual time of it. Broken as soon as something does not hold."""
        loop = self._world.loop
        until_s = loop.time() + seconds
        listening = asyncio.create_task(self._listen())
        try:
            await self._come_to_rest()
            await asyncio.sleep(_START_S)
            # whoever looks after its server does so from its first use on
            self._world.desk.say_text(self._world.next_text())
            await self._come_to_rest()
            self._at_rest = AtRest(self._world, self._tally.fail)
            while loop.time() < until_s:
                await self._episode()
        finally:
            listening.cancel()

    # ---- an episode

    async def _episode(self) -> None:
        world, rng, time = self._world, self._rng, self._world.loop.time
        faults = [*self._some(rng.choice((1, 1, 2, 3)), is_user=False), *self._some(rng.choice((0, 1, 2, 3)), is_user=True)]
        self._tally.begins([fault.name for fault in faults])
        if rng.random() < 0.5 and world.hears:
            world.ask()
        healed_s = await asyncio.gather(*(self._inflict(fault, rng.uniform(0.0, _SPREAD_S)) for fault in faults))
        if world.starting is not None:
            await self._until(world.starting.done, 40.0, "the service starts")
            world.starting = None
        # whichever of them may take longest
        at_s, worst = max(zip(healed_s, faults, strict=True), key=lambda healed: healed[0] + healed[1].deadline_s)
        await self._until(lambda: world.hears, at_s + worst.deadline_s - time(), "a wake word would be heard")
        self._tally.recovered(worst.name, time() - at_s, worst.deadline_s)
        await self._come_to_rest()
        self._tally.tries(await self._proof())
        if rng.random() < 0.4:
            await asyncio.sleep(rng.uniform(0.2, 1.5))
            world.command()
        if rng.random() < 0.6:
            await self._come_to_rest()
            self._at_rest.look()
            self._tally.rested(self._at_rest)
        self._tally.held(faults)

    def _some(self, count: int, *, is_user: bool) -> list[Fault]:
        all_of_them = [fault for fault in self._faults if (fault.kind is Kind.USER) is is_user]
        return self._rng.sample(all_of_them, min(count, len(all_of_them)))

    async def _inflict(self, fault: Fault, after_s: float) -> float:
        """When it had been undone."""
        await asyncio.sleep(after_s)
        lasts_s = self._rng.uniform(*fault.lasts_s)
        if self._tally.failures:
            raise Broken
        await fault.begin(self._world)
        await asyncio.sleep(lasts_s)
        await fault.heal(self._world)
        return self._world.loop.time()

    # ---- what has to come

    async def _proof(self) -> int:
        """A turn that is answered; how often it had to be tried."""
        world = self._world
        for attempt in range(1, _TRIES + 1):
            world.asked_for = None
            said_s = world.ask(0.1)
            if await self._comes(self._is_answered, said_s + _ANSWER_S):
                return attempt
            await self._come_to_rest()
        self._tally.fail(f"{_TRIES} times the wake word and a command, and no answer")
        raise Broken

    def _is_answered(self) -> bool:
        return self._world.asked_for in self._world.listener.heard_s

    async def _come_to_rest(self) -> None:
        await self._until(lambda: self._world.service.state is State.IDLE and self._world.hears, _REST_S, "it comes to rest")

    async def _until(self, holds: Callable[[], bool], within_s: float, what: str) -> None:
        if not await self._comes(holds, within_s):
            self._tally.fail(f"not within {within_s:.1f} s: {what}; it is {self._world.service.state}")
            raise Broken

    async def _comes(self, holds: Callable[[], bool], within_s: float) -> bool:
        until_s = self._world.loop.time() + within_s
        while not holds():
            if self._tally.failures:
                raise Broken
            if self._world.loop.time() >= until_s:
                return False
            await asyncio.sleep(_LOOK_S)
        return True

    async def _listen(self) -> None:
        while True:
            self._world.listener.listen(self._world.socket.card.time_of)
            await asyncio.sleep(_LISTEN_S)
