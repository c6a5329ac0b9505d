"""The house of the service's tests, with a network between the hub and the satellite that may be lost, in every state."""

import asyncio
import gc
import logging
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

import msgspec
import pytest
from wyoming.timer import TimerFinished

from satellite.config import Config, Sounds, Timers
from satellite.core import events as ev
from satellite.core.state import State
from satellite.core.units import RATE_HZ
from satellite.mock.agent import keyword_agent, slow
from satellite.mock.hub import HubRule
from tests.network.relay import Relay
from tests.service.house import REPLY_TEXT, WARM_FRAMES, House, house, quiet_config, run_virtually

# whatever happens: the hub looks for us again after 3 s, or after 5 in which nobody answered, and then a turn takes its time
STORY_S = 300.0
PATIENCE_S = 240.0


class Doing(StrEnum):
    """What goes on when the network is lost."""

    IDLE = "idle"
    LISTENING = "listening"
    PROCESSING = "processing"
    SPEAKING = "speaking"
    HELD = "held"
    MUTED = "muted"
    RINGING = "ringing"


STATE = {doing: State(doing.value) for doing in Doing if doing is not Doing.RINGING} | {Doing.RINGING: State.SPEAKING}


@dataclass
class Far:
    """A satellite whose hub is at the other end of a network."""

    place: House
    relay: Relay

    async def come_to(self, doing: Doing) -> None:
        """Until that goes on."""
        place = self.place
        match doing:
            case Doing.LISTENING:
                place.wake()
                await place.journal.wait_for("transcribe", direction="sent")
                place.say("tts_stop_joe")
            case Doing.PROCESSING:
                await place.command()
                await place.until_understood(1)
            case Doing.SPEAKING:
                await place.answer(into_s=0.3)
            case Doing.HELD:
                await place.answer(into_s=0.4)
                place.say("tts_lights_heart")
                await place.until_state(State.HELD)
            case Doing.MUTED:
                await place.hub.pause()
                await place.until_state(State.MUTED)
            case Doing.RINGING:
                await place.hub.send(TimerFinished("1").event())
                await place.until_state(State.SPEAKING)
                await place.until_played(0.5)
        assert place.service.state is STATE[doing]

    async def pass_time(self, seconds: float) -> None:
        """Waits, in the time of the story."""
        frame = self.place.room.end_frame + int(seconds * RATE_HZ)
        await self.place.until(lambda: self.place.room.end_frame >= frame, STORY_S)

    async def until_back(self, doing: Doing, sessions: int) -> None:
        """Ends a ring, or that we are muted; waits until a hub has chosen us so often, and nothing is going on."""
        place = self.place
        if doing is Doing.MUTED:
            place.hub.unpause()
        if doing is Doing.RINGING:
            place.service.hush()
        await place.until(lambda: len(place.seen.told(ev.HubOpened)) >= sessions and place.service.state is State.IDLE, STORY_S)
        await place.until_recorded()

    def is_told_at_most_twice(self) -> bool:
        """Whether the hub heard of each interruption once, and once more after it had been away."""
        interrupts = self.place.interrupts()
        return all(interrupts.count(one) <= 2 for one in interrupts)

    @property
    def connections(self) -> int:
        """That the satellite has now."""
        return len(self.place.service._link._server._connections)  # type: ignore[attr-defined]


@asynccontextmanager
async def far_house(config: Config | None = None, reconnect_s: float = 3.0, answer_s: float = 0.3) -> AsyncIterator[Far]:
    """As `house`; the hub finds the satellite through a relay, and takes as long as Home Assistant to look for it again."""
    agent = slow(keyword_agent({}, REPLY_TEXT), answer_s)
    # that there is no way is told in other words than that nobody listens, and Home Assistant waits as after a loss
    rule = HubRule(reconnect_s=reconnect_s, refused_s=reconnect_s, describe_s=None)
    async with house(agent, hub_rule=rule, config=config or ringing(), stay_away=True) as place, Relay(place.port) as relay:
        place.hub._port = relay.port
        await place.hub.start()
        await place.until_ready()
        await place.until_frame(WARM_FRAMES)
        place.begin = place.room.end_frame
        yield Far(place, relay)
        await place.hub.stop()


def ringing() -> Config:
    """A timer rings for as long as a minute, and no chime is in the way."""
    return msgspec.structs.replace(quiet_config(), sounds=Sounds(awake=None), timers=Timers(times=100))


def open_files() -> int:
    """Of this process."""
    gc.collect()
    return len([*Path("/proc/self/fd").iterdir()])


def play(story: Callable[[], Coroutine[None, None, None]]) -> None:
    """Runs a story twice as long as others; nothing that it began is left, neither a task nor an open file."""
    before = open_files()

    async def all_of_it() -> None:
        await story()
        # connections that were closed in this instant
        for _ in range(10):
            done = asyncio.get_running_loop().create_future()
            asyncio.get_running_loop().call_soon(done.set_result, None)
            await done
        assert asyncio.all_tasks() == {asyncio.current_task()}

    run_virtually(all_of_it(), STORY_S, PATIENCE_S)
    assert open_files() == before


def told(caplog: pytest.LogCaptureFixture, level: int, words: str = "") -> list[str]:
    """What the operator reads at a level."""
    return [
        r.getMessage()
        for r in caplog.records
        if r.levelno == level and r.name.startswith("satellite") and words in r.getMessage()
    ]


def is_quiet(caplog: pytest.LogCaptureFixture) -> bool:
    """Whether little is said but what the conversation does: that the hub is lost and back, twice, and what the start says."""
    lines = [line for line in told(caplog, logging.INFO) if not line.startswith("= ")]
    return len(told(caplog, logging.WARNING)) <= 3 and len(lines) <= 8
