"""What people do in a room with a satellite: mostly not talk to it. All by dice, so that a seed is a life."""

import asyncio
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from satellite.audio.card import Samples
from satellite.core.state import State
from satellite.core.units import RATE_HZ, frames
from satellite.errors import SatelliteError
from satellite.peer.services import Voice
from satellite.sayer import Manner
from satellite.simulate.signals import active_level_db, signal
from tests.privacy.place import Scene

# of active speech at the microphone; somebody near, and somebody across the room. Answers are heard at about -20
_NEAR_DBFS = (-34.0, -22.0)
_FAR_DBFS = (-46.0, -34.0)

# until something happens if it does
_AFTER_WAKE_S, _ANSWER_S, _OVER_S = 2.5, 12.0, 90.0

# around a sound, in which it was what was heard
_ABOUT = frames(800)

_RESTING = (State.IDLE, State.OFFLINE)

# as often as they are here
_DEEDS = (*5 * ("chat",), *6 * ("ask",), "press", "be_asked", "hear_announcement", "rest")
_OVERS = (*3 * ("words",), *3 * ("a_cough",), *2 * ("others_talk",), "television", "")


@dataclass(frozen=True)
class Plan:
    """What is done in a life, and what happens over each answer in it."""

    deeds: Sequence[str]
    overs: Sequence[str]


class Life:
    """One room's. `spoken_s` is how much was said in it, to whomever.

    With a `plan` it is that and no more: what is done, and what happens over each answer, by the names of their methods.
    """

    def __init__(self, scene: Scene, plan: Plan | None = None) -> None:
        self._scene, self._dice, self._plan = scene, scene.dice, plan
        self._overs = iter(plan.overs if plan else ())
        self.did = Counter[str]()
        self.spoken_s = self.noise_s = 0.0
        self._levels: dict[int, float] = {}
        self._said: list[tuple[str, int, int]] = []

    async def live(self, seconds: float) -> None:
        """Does one thing after the other for so long, or until all that is planned is done."""
        loop = asyncio.get_running_loop()
        end_s = loop.time() + seconds
        await self._scene.until(lambda: self._scene.service.state is State.IDLE, 10.0)
        # until the start-up sound has been played
        await asyncio.sleep(3.0)
        planned = iter(self._plan.deeds if self._plan else ())
        while loop.time() < end_s and (deed := next(planned, "") if self._plan else self._dice.choice(_DEEDS)):
            self.did[deed.replace("_", " ")] += 1
            await getattr(self, f"_{deed}")()
            await self._until_rest()

    def note(self, what: str, samples: Samples) -> None:
        """This is said now."""
        now = self._scene.room.end_frame
        self._said.append((what, now, now + len(samples)))

    def cause(self, why: str, frame: int) -> str:
        """What it really was that opened a turn there, if that is not said already; also where nobody had meant it."""
        if why not in ("wake word", "words over an answer"):
            return ""
        near = [what for what, begin, end in self._said if begin - _ABOUT <= frame <= end + _ABOUT]
        if why == "wake word":
            return "" if "wake word" in near else ", which nobody had said"
        return f": {near[-1]}" if near else ": whatever else was going on"

    # ---- what people do

    async def _chat(self) -> None:
        """Among themselves, while something is on."""
        if self._dice.random() < 0.5:
            self._noise()
        for _ in range(self._dice.randrange(4, 12)):
            words = self._dice.choice(self._scene.sounds.speech)
            await self._say(words, self._dice.uniform(*self._dice.choice((_NEAR_DBFS, _FAR_DBFS))))
            await asyncio.sleep(self._dice.uniform(0.05, 1.2))

    async def _ask(self) -> None:
        """The wake word, and a question; and something happens while the answer is spoken."""
        self.note("wake word", wake := self._dice.choice(self._scene.sounds.wakes))
        await self._say(wake, self._dice.uniform(*_NEAR_DBFS))
        if not await self._scene.until(lambda: self._is_in(State.LISTENING, State.PROCESSING), _AFTER_WAKE_S):
            self.did["wake words missed"] += 1
            return
        await self._talk_to_it()

    async def _press(self) -> None:
        """A button."""
        self._scene.service.listen()
        await self._talk_to_it()

    async def _be_asked(self) -> None:
        """A program starts a conversation."""
        text = self._dice.choice(sorted(self._scene.witness.answers))
        try:
            self._scene.service.say(text, Manner(Voice()), None, False, listens=True)
        except SatelliteError:
            return
        if await self._scene.until(lambda: self._is_in(State.SPEAKING), _ANSWER_S):
            await self._while_it_speaks()
        if self._is_in(State.LISTENING):
            await self._talk_to_it()

    async def _hear_announcement(self) -> None:
        """The hub has something to say."""
        if self._scene.hub is None or self._scene.hub.pipeline is None:
            return
        text = self._dice.choice(sorted(self._scene.witness.answers))
        announcing = asyncio.ensure_future(self._scene.hub.announce(text))
        if await self._scene.until(lambda: self._is_in(State.SPEAKING), _ANSWER_S):
            await self._while_it_speaks()
        await announcing

    async def _rest(self) -> None:
        """Nobody says anything."""
        if self._dice.random() < 0.5:
            self._noise()
        await asyncio.sleep(self._dice.uniform(3.0, 15.0))

    # ---- of a conversation

    async def _talk_to_it(self) -> None:
        await asyncio.sleep(self._dice.uniform(0.1, 0.5))
        if self._dice.random() < 0.9:
            await self._say(self._dice.choice(self._scene.sounds.speech), self._dice.uniform(*_NEAR_DBFS))
        # whoever talks over an answer is answered again
        for _ in range(4):
            await self._scene.until(lambda: self._is_in(State.SPEAKING, *_RESTING), _ANSWER_S)
            if not self._is_in(State.SPEAKING):
                return
            await self._while_it_speaks()
            if not self._is_in(State.LISTENING, State.PROCESSING):
                return

    async def _while_it_speaks(self) -> None:
        await asyncio.sleep(self._dice.uniform(0.3, 3.0))
        over = next(self._overs, "") if self._plan else self._dice.choice(_OVERS)
        if over:
            self.did[f"{over.replace('_', ' ')} over an answer"] += 1
            await getattr(self, f"_{over}")()
        await asyncio.sleep(self._dice.uniform(0.2, 1.5))

    async def _words(self) -> None:
        await self._say_over("words", self._scene.sounds.speech, _NEAR_DBFS)

    async def _a_cough(self) -> None:
        """Or what listeners say."""
        await self._say_over("a cough, or a listener", self._scene.sounds.asides, _NEAR_DBFS)

    async def _others_talk(self) -> None:
        await self._say_over("others' talk", self._scene.sounds.speech, _FAR_DBFS)

    async def _say_over(self, what: str, of: list[Samples], dbfs: tuple[float, float]) -> None:
        self.note(what, samples := self._dice.choice(of))
        await self._say(samples, self._dice.uniform(*dbfs))

    async def _television(self) -> None:
        """Or whatever else is on."""
        self._noise()
        await asyncio.sleep(2.0)

    # ---- sounds

    async def _say(self, samples: Samples, dbfs: float) -> None:
        """To its end."""
        seconds = len(samples) / RATE_HZ
        self.spoken_s += seconds
        self._sound(samples, dbfs, through_talker_ir=True)
        await asyncio.sleep(seconds)

    def _noise(self) -> None:
        samples = self._dice.choice(self._scene.sounds.noises)
        self.noise_s += len(samples) / RATE_HZ
        self._sound(samples, self._dice.uniform(*_FAR_DBFS), through_talker_ir=False)

    def _sound(self, samples: Samples, dbfs: float, *, through_talker_ir: bool) -> None:
        room = self._scene.room
        if id(samples) not in self._levels:
            heard = room.voice_of(signal(samples)) if through_talker_ir else signal(samples)
            self._levels[id(samples)] = active_level_db(heard)
        room.say(samples, room.end_frame, dbfs - self._levels[id(samples)], through_talker_ir=through_talker_ir)

    def _is_in(self, *states: State) -> bool:
        return self._scene.service.state in states

    async def _until_rest(self) -> None:
        if not await self._scene.until(lambda: self._is_in(*_RESTING), _OVER_S):
            raise TimeoutError(f"it is still {self._scene.service.state} after {_OVER_S:g} s")
