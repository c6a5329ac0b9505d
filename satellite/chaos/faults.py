"""Everything that goes wrong, and everything that a user does meanwhile: a table of data. Each with how it is undone."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from enum import StrEnum

from satellite.audio.back_off import LONGEST_RETRY_S
from satellite.chaos.cable import Way
from satellite.chaos.world import World
from satellite.config import BargeIn
from satellite.core.sensitivity import Sensitivity
from satellite.errors import SatelliteError
from satellite.links import LONGEST_LISTEN_RETRY_S
from satellite.mock.hub import HubRule


class Kind(StrEnum):
    """Whose fault it is."""

    DEVICE = "device"
    NETWORK = "network"
    USER = "user"


Deed = Callable[[World], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Fault:
    """One of them. `lasts_s`: from when it begins to when it is undone; `deadline_s`: from there to when a wake word is heard."""

    name: str
    kind: Kind
    begin: Deed
    heal: Deed
    lasts_s: tuple[float, float]
    deadline_s: float


# two periods of a step, and the window in which periods are seen to come
_AT_ONCE_S = 0.2
# a card is looked for so often at most, and opened
_CARD_S = LONGEST_RETRY_S + 0.5
# the hub takes us for dead, waits, connects, and chooses us
_HUB = HubRule()
_BACK_S = _HUB.reconnect_s + 0.5
_FOUND_DEAD_S = _HUB.dead_s + _BACK_S
# the port is looked at so often at most, and the hub has to come
_PORT_S = LONGEST_LISTEN_RETRY_S + _BACK_S

# slower than the microphone's 32 kB/s, and than a reply is played
_SLOW_BYTES_PER_S = 12_000.0

# what strangers send, and hubs never do
GARBAGE = (
    b"GET / HTTP/1.1\r\nHost: satellite\r\n\r\n",
    b'{"type": "describe"',
    b'{"type": "audio-chunk", "payload_length": 999999999999}\n',
    b'{"type": "transcript", "data": ' + b"[" * 5000 + b"\n",
    b"\x00" * 100_000,
    b"null\n" * 100,
    b'{"type": "run-satellite", "data": {"\\ud800": 1}}',
)


def _now(do: Callable[[World], object]) -> Deed:
    async def deed(world: World) -> None:
        # what a satellite in this state refuses is no fault
        with suppress(SatelliteError):
            do(world)

    return deed


_nothing = _now(lambda world: None)


# ---- devices


def _another_rate(world: World) -> None:
    world.socket.unplug()


def _xruns(world: World) -> None:
    with suppress(SatelliteError):
        world.socket.card.inject_xrun(world.rng.choice(("mic", "speaker")))


def _busy(world: World) -> None:
    world.socket.is_busy = True
    world.socket.unplug()
    world.socket.plug()


def _free(world: World) -> None:
    world.socket.is_busy = False


# ---- the network


async def _hub_goes(world: World) -> None:
    world.reasons_away += 1
    await world.hub.stop()


async def _hub_dies(world: World) -> None:
    world.hub.vanish()
    await _hub_goes(world)


async def _hub_comes(world: World) -> None:
    world.reasons_away -= 1
    if not world.reasons_away:
        await world.hub.start()


async def _second_hub_comes(world: World) -> None:
    await world.second_hub.start()


async def _second_hub_goes(world: World) -> None:
    world.second_hub.vanish()
    await world.second_hub.stop()


def _slow(way: Way) -> Deed:
    def begin(world: World) -> None:
        world.cable.bytes_per_s[way] = _SLOW_BYTES_PER_S

    return _now(begin)


def _fast(way: Way) -> Deed:
    def heal(world: World) -> None:
        world.cable.bytes_per_s[way] = None

    return _now(heal)


async def _stranger(world: World) -> None:
    with suppress(OSError):
        _, writer = await asyncio.open_connection("127.0.0.1", world.port)
        writer.write(world.rng.choice(GARBAGE))
        await asyncio.sleep(world.rng.choice((0.0, 0.5, 5.0)))
        writer.transport.abort()


async def _restart(world: World) -> None:
    """While another program takes the port."""
    await world.service.stop()
    world.squatter = await asyncio.start_server(lambda _, writer: writer.close(), "127.0.0.1", world.port)
    world.make_service()
    world.starting = asyncio.create_task(world.service.start())


async def _port_is_free(world: World) -> None:
    assert world.squatter is not None
    world.squatter.close()


# ---- what is done


def _change(world: World) -> None:
    sensitivity = world.rng.choice(list(Sensitivity))
    world.desk.reconfigure(world.config(BargeIn(sensitivity=sensitivity)))


def _change_back(world: World) -> None:
    world.desk.reconfigure(world.config())


def _mute(world: World) -> None:
    world.desk.mute(True)


def _unmute(world: World) -> None:
    if world.desk.is_muted:
        world.desk.mute(False)


async def _announce(world: World) -> None:
    await world.announce()


async def _ring(world: World) -> None:
    await world.ring(world.rng.randrange(1000))


def _barge_in_off(world: World) -> None:
    world.desk.set_barge_in(False)


_D, _N, _U = Kind.DEVICE, Kind.NETWORK, Kind.USER
_SOON, _LONG = (0.1, 3.0), (0.5, 12.0)

FAULTS = (
    Fault("unplugged", _D, _now(lambda w: w.socket.unplug()), _now(lambda w: w.socket.plug()), _LONG, _CARD_S),
    Fault("busy at reopening", _D, _now(_busy), _now(_free), _LONG, _CARD_S),
    Fault("another rate", _D, _now(_another_rate), _now(lambda w: w.socket.plug(w.rng.choice((16_000, 48_000)))), _LONG, _CARD_S),
    Fault("silent zeros", _D, _now(lambda w: w.socket.deafen()), _now(lambda w: w.socket.hear_again()), _LONG, _CARD_S),
    Fault("clipping", _D, _now(lambda w: w.socket.clip()), _now(lambda w: w.socket.hear_again()), _LONG, _AT_ONCE_S),
    Fault("stalled clock", _D, _now(lambda w: w.socket.card.stall(w.rng.uniform(50, 4000))), _nothing, (4.0, 4.5), _CARD_S),
    Fault("xrun", _D, _now(_xruns), _nothing, (0.0, 0.1), _AT_ONCE_S),
    Fault("hub gone", _N, _hub_goes, _hub_comes, _LONG, _BACK_S),
    Fault("hub killed", _N, _hub_dies, _hub_comes, _LONG, _BACK_S),
    Fault("connection reset", _N, _now(lambda w: w.hub.vanish()), _nothing, (0.0, 0.1), _BACK_S),
    Fault("half-open", _N, _now(lambda w: w.cable.half_open()), _now(lambda w: w.cable.mend()), (1.0, 25.0), _BACK_S),
    Fault("loss", _N, _now(lambda w: w.cable.lose()), _now(lambda w: w.cable.deliver()), (1.0, 30.0), _FOUND_DEAD_S),
    Fault("slow reader", _N, _slow(Way.TO_HUB), _fast(Way.TO_HUB), (1.0, 20.0), _FOUND_DEAD_S),
    Fault("slow writer", _N, _slow(Way.TO_SATELLITE), _fast(Way.TO_SATELLITE), (1.0, 20.0), _FOUND_DEAD_S),
    Fault("two hubs", _N, _second_hub_comes, _second_hub_goes, (1.0, 15.0), _BACK_S),
    Fault("stranger", _N, _stranger, _nothing, (0.0, 0.1), _AT_ONCE_S),
    Fault("port in use", _N, _restart, _port_is_free, _LONG, _PORT_S),
    Fault("question", _U, _now(lambda w: w.ask()), _nothing, _SOON, _AT_ONCE_S),
    Fault("wake word", _U, _now(lambda w: w.wake()), _nothing, _SOON, _AT_ONCE_S),
    Fault("talk", _U, _now(lambda w: w.command()), _nothing, _SOON, _AT_ONCE_S),
    Fault("cough", _U, _now(lambda w: w.say("cough_synth_1")), _nothing, _SOON, _AT_ONCE_S),
    Fault("stop word", _U, _now(lambda w: w.stop_word()), _nothing, _SOON, _AT_ONCE_S),
    Fault("button", _U, _now(lambda w: w.desk.listen()), _nothing, _SOON, _AT_ONCE_S),
    Fault("hush", _U, _now(lambda w: w.desk.hush()), _nothing, _SOON, _AT_ONCE_S),
    Fault("mute", _U, _now(_mute), _now(_unmute), _SOON, _AT_ONCE_S),
    Fault("say", _U, _now(lambda w: w.desk.say_text(w.next_text())), _nothing, _SOON, _AT_ONCE_S),
    Fault("announcement", _U, _announce, _nothing, _SOON, _AT_ONCE_S),
    Fault("timer", _U, _ring, _nothing, _SOON, _AT_ONCE_S),
    Fault("volume", _U, _now(lambda w: w.desk.set_volume(30)), _now(lambda w: w.desk.set_volume(100)), _SOON, _AT_ONCE_S),
    Fault("reload", _U, _now(_change), _now(_change_back), _SOON, _AT_ONCE_S),
    Fault("no barge-in", _U, _now(_barge_in_off), _now(lambda w: w.desk.set_barge_in(True)), _SOON, _AT_ONCE_S),
)
