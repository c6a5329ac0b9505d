"""A sound card in a simulated room: implements `satellite.audio.card.Card` in process, without a thread of its own.

The room is computed inside the calls of the thread that serves the card. Every position is a function of the clock, so
it makes no difference how often or how late that thread calls, but for the xruns that a real card would have too.
"""

from collections.abc import Callable
from typing import Literal

from satellite.audio.card import Samples
from satellite.errors import DeviceError
from satellite.simulate.air import Air
from satellite.simulate.clock import Clock
from satellite.simulate.jitter import Jitter
from satellite.simulate.microphone import SimulatedMicrophone
from satellite.simulate.room import Room
from satellite.simulate.speaker import SimulatedSpeaker


class SimulatedCard:
    """One microphone and one speaker in a room. Faults may be injected from any thread, all else is for one."""

    def __init__(
        self,
        room: Room,
        clock: Clock,
        capture_rate_hz: int = 16_000,
        playback_rate_hz: int = 16_000,
        queue_ms: int = 30,
        out_latency_ms: float = 1.0,
        in_latency_ms: float = 6.0,
        ppm: float = 0.0,
        jitter_ms: float = 0.0,
        seed: int = 0,
    ) -> None:
        """The playback crystal runs faster than the capture crystal by so many ppm; the rates are 16 or 48 kHz.

        Each captured period can be read up to `jitter_ms` later than `in_latency_ms` after its last frame, drawn from the seed.
        """
        self._air = Air(room, clock)
        self._speaker = SimulatedSpeaker(self._air, playback_rate_hz, queue_ms, out_latency_ms, ppm)
        jitter = Jitter(jitter_ms, seed)
        self._microphone = SimulatedMicrophone(self._air, self._speaker, capture_rate_hz, in_latency_ms, jitter)
        self._plugged = True
        self._open = True

    @property
    def microphone(self) -> SimulatedMicrophone:
        return self._microphone

    @property
    def speaker(self) -> SimulatedSpeaker:
        return self._speaker

    def wait(self, timeout_s: float) -> bool:
        """Sleeps until a period can be read, at most so long; says whether one can. DeviceError if it is gone."""
        clock = self._air.clock
        clock.sleep_until(min(self._microphone.due_s(), clock.now_s() + timeout_s))
        return self._microphone.ready()

    def close(self) -> None:
        """Gives both devices back without playing out what is queued. May be called twice."""
        with self._air.lock:
            self._open = False
            self._connect_if_usable()

    def reopen(self) -> None:
        """Makes a closed card usable again, in the same room. DeviceError while it is unplugged."""
        with self._air.lock:
            if not self._plugged:
                raise DeviceError("the simulated card is not plugged in")
            self._open = True
            self._connect_if_usable()

    def unplug(self) -> None:
        """Every call fails from now on; what is queued or unread is lost."""
        with self._air.lock:
            self._plugged = False
            self._connect_if_usable()

    def plug(self) -> None:
        """Ends `unplug`: the card works again, its speaker stopped."""
        with self._air.lock:
            self._plugged = True
            self._connect_if_usable()

    def stall(self, ms: float) -> None:
        """The microphone delivers nothing for so long, and then what its buffer still holds."""
        with self._air.lock:
            self._microphone.stall(ms)

    def convert(self, converter: Callable[[Samples], Samples] | None) -> None:
        """What a faulty converter makes of each period of the microphone from now on; None: nothing."""
        with self._air.lock:
            self._microphone.converter = converter

    def inject_xrun(self, half: Literal["mic", "speaker"]) -> None:
        """An xrun as drivers report it after an error: what is queued or unread is lost. A stopped speaker has none."""
        with self._air.lock:
            if half == "mic":
                self._microphone.inject_xrun()
            else:
                self._speaker.inject_xrun()

    def air_frame(self, t_s: float) -> int:
        """The frame of the room at a time of the clock."""
        return self._air.frame(t_s)

    def time_of(self, air_frame: int) -> float:
        """The time of the clock when a frame of the room begins."""
        return self._air.time_of(air_frame)

    def _connect_if_usable(self) -> None:
        if self._open and self._plugged:
            self._speaker.connect()
            self._microphone.connect()
        else:
            self._speaker.disconnect()
            self._microphone.disconnect()
