"""A simulated card in virtual time, for tests."""

import numpy as np

from satellite.audio.card import Samples
from satellite.simulate.card import SimulatedCard
from satellite.simulate.clock import VirtualClock
from satellite.simulate.room import Room
from tests.simulate.recordings import SILENCE, impulse

# of the machine's clock, which does not begin at zero
START_S = 98_765.4321

OUT_LATENCY_FRAMES = 16
IR_FRAMES = 44


def quiet_room() -> Room:
    return Room(impulse(IR_FRAMES), impulse(), SILENCE)


def opened(**settings: int | float) -> tuple[Room, VirtualClock, SimulatedCard]:
    room, clock = quiet_room(), VirtualClock(START_S)
    return room, clock, SimulatedCard(room, clock, **settings)  # type: ignore[arg-type]


def let_pass(clock: VirtualClock, ms: float) -> None:
    clock.sleep_until(clock.now_s() + ms / 1000)


def read_all(card: SimulatedCard) -> list[Samples]:
    periods = []
    while (period := card.microphone.read()) is not None:
        periods.append(period)
    return periods


def loud(frames: int, seed: int = 1) -> Samples:
    """Random samples, none of them silent."""
    return np.random.default_rng(seed).integers(1, 30_000, frames).astype(np.int16)
