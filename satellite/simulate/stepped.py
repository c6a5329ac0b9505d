"""The work of the service's threads, done on the event loop: for virtual time, in which a thread would never know when it is."""

import asyncio
from collections.abc import Callable

from satellite.audio.thread import STEP_TIMEOUT_S, AudioRunner
from satellite.audio.watch import WatchedMicrophone
from satellite.core.units import PERIOD_MS
from satellite.detect.wake import STOP_TIMEOUT_S, WakeWords
from satellite.errors import DeviceError
from satellite.simulate.microphone import SimulatedMicrophone


class SteppedAudio(AudioRunner):
    """Takes its turn the moment that the microphone has a period, as the thread does, and no time passes in it."""

    _timer: asyncio.TimerHandle | None = None

    def start(self) -> None:
        self._timer = asyncio.get_running_loop().call_later(0.0, self._go)

    def stop(self) -> None:
        assert self._timer is not None
        self._timer.cancel()
        self.close()

    def _go(self) -> None:
        self.turn(timeout_s=0.0)
        loop = asyncio.get_running_loop()
        self._timer = loop.call_at(self._due_s(loop.time()), self._go)

    def _due_s(self, now_s: float) -> float:
        """When the thread would return from `Card.wait`."""
        microphone = self._card.microphone
        if isinstance(microphone, WatchedMicrophone):
            microphone = microphone.watched
        if not isinstance(microphone, SimulatedMicrophone):
            return now_s + PERIOD_MS / 1000
        try:
            return min(microphone.due_s(), now_s + STEP_TIMEOUT_S)
        except DeviceError:
            return now_s


class InlineWakeWords(WakeWords):
    """Does each piece of work as it comes."""

    def start(self) -> None:
        pass

    def stop(self, timeout_s: float = STOP_TIMEOUT_S) -> bool:
        return True

    def submit(self, job: Callable[[], None]) -> bool:
        job()
        return True
