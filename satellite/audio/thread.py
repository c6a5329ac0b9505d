"""The audio thread: steps the engine, and opens again what is lost of the card.

It never logs and touches no file or socket but the card's own: what is worth saying goes to the event loop as a report.
"""

import threading
import time
from collections.abc import Callable

from satellite.audio import commands as cmd
from satellite.audio.engine import AudioEngine
from satellite.audio.parts import Devices, OpenCard, Part, PartedCard, due, parts_of
from satellite.audio.priority import take_precedence
from satellite.audio.watch import HalfLost
from satellite.core import events as ev
from satellite.core.hardware import Condition, Half
from satellite.core.pulse import Pulse
from satellite.core.units import Millis
from satellite.errors import DeviceError

# two periods: a card that gives none is noticed, and whoever wants us to stop does not wait
STEP_TIMEOUT_S = 0.02
# a step takes no longer, and whoever waits for one that hangs in its card keeps the hub's goodbye waiting
STOP_TIMEOUT_S = 0.5
# in the first of them a reply is told to stop, and in the others its 8 ms of fading are heard
_LAST_TURNS = 3

_SILENT = "nothing but zeros comes from it: is it switched off, or muted in a sound server?"
_CLIPPING = "it is too loud for its converter: lower its gain, with `alsamixer` or at the device"


class AudioRunner:
    """Runs an engine on devices, turn by turn; `notify` is called after every turn that left reports.

    Whoever has the time to do so calls `turn`, and `close` in the end.
    """

    def __init__(
        self,
        engine: AudioEngine,
        devices: OpenCard | Devices,
        notify: Callable[[], None],
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        """`devices`: what opens both as one card, or each by itself. `sleep` is used while there is no microphone."""
        self._engine, self._notify = engine, notify
        self._parts = parts_of(devices, engine.clock)
        self._card = PartedCard(self._parts, engine.clock, engine.queue_ms, sleep)
        self.turns = 0
        """How many have been begun. May be read from any thread: one that stands still hangs in the hardware, or in us."""

    @property
    def is_lost(self) -> bool:
        """Whether a device is known to be missing, and is tried again. May be asked from any thread."""
        return any(part.condition.is_lost for part in self._parts)

    @property
    def pulse(self) -> Pulse:
        """Whether we live. May be asked from any thread."""
        is_deaf = any(part.condition.is_lost for part in self._parts if Half.MICROPHONE in part.halves)
        return Pulse(self._engine.frame, self.turns, is_deaf)

    def start(self) -> None:
        """Begins; the devices are opened by the first turn, and tried again for as long as it takes."""
        raise NotImplementedError

    def stop(self) -> None:
        """Ends it and gives the devices back."""
        raise NotImplementedError

    def turn(self, timeout_s: float = STEP_TIMEOUT_S) -> None:
        """Opens what is due to be, and takes a step of the engine."""
        self.turns += 1
        if self.turns == 1:
            self._engine.attach(self._card, has_speaker=False)
        for part in due(self._parts, self._engine.now()):
            self._open(part)
        try:
            self._engine.step(timeout_s)
        except DeviceError as error:
            self._lose(self._part_of(error), error)
        for part in self._parts:
            self._look(part)
        if self._engine.reports:
            self._notify()

    def close(self) -> None:
        """Gives the devices back."""
        self._card.close()

    # ---- what comes and goes

    def _open(self, part: Part) -> None:
        try:
            part.open()
        except DeviceError as error:
            now = self._engine.now()
            rest_s = part.back_off.failed(now)
            # one that stands still and is now away is missing
            self._tell(part, Condition.MISSING, str(error))
            self._trouble(part, error, f"; trying again in {rest_s:.1f} s")
            return
        part.back_off.opened(self._engine.now())
        self._attach(part)

    def _lose(self, part: Part, error: DeviceError) -> None:
        now = self._engine.now()
        if part.back_off.lost(now):
            part.known_trouble = ""
        is_stalled = isinstance(error, HalfLost) and error.is_stalled
        self._card.lose(part)
        self._attach(part)
        part.is_tried = False
        self._tell(part, Condition.STALLED if is_stalled else Condition.MISSING, str(error))
        self._trouble(part, error)
        self._engine.reports.append(self._loss(part, now))

    def _loss(self, part: Part, now: Millis) -> ev.Event:
        if not any(self._card.has(half) for half in Half):
            return ev.AudioLost(now)
        return ev.MicrophoneLost(now) if Half.MICROPHONE in part.halves else ev.SpeakerLost(now)

    def _attach(self, part: Part) -> None:
        if Half.SPEAKER in part.halves:
            self._engine.take_speaker(self._card.has(Half.SPEAKER))
        if Half.MICROPHONE in part.halves:
            self._engine.take_microphone(self._card.has(Half.MICROPHONE))

    def _look(self, part: Part) -> None:
        """What has become of one that is open."""
        if not part.is_proven or (present := part.present) is part.condition:
            return
        self._tell(part, present, {Condition.SILENT: _SILENT, Condition.CLIPPING: _CLIPPING}.get(present, ""))
        if present is not Condition.SILENT:
            part.is_tried = False
        elif not part.is_tried:
            # many are heard again after that
            part.is_tried = True
            self._card.lose(part)
            self._attach(part)
            self._open(part)
            if part.opened is None:
                self._engine.reports.append(self._loss(part, self._engine.now()))

    # ---- what is told

    def _tell(self, part: Part, condition: Condition, why: str) -> None:
        if (condition, why) == (part.condition, part.why):
            return
        part.condition, part.why = condition, why
        now = self._engine.now()
        for half in part.halves:
            rate_hz = 0 if part.opened is None else part.rate_hz(half)
            self._engine.reports.append(cmd.DeviceIs(now, half, condition, why, rate_hz))

    def _trouble(self, part: Part, error: DeviceError, what_now: str = "") -> None:
        is_news, part.known_trouble = str(error) != part.known_trouble, str(error)
        self._engine.reports.append(cmd.DeviceTrouble(f"{error}{what_now}", is_news))

    def _part_of(self, error: DeviceError) -> Part:
        half = error.half if isinstance(error, HalfLost) else self._parts[0].halves[0]
        return next(part for part in self._parts if half in part.halves)


class AudioThread(AudioRunner):
    """Does so in a thread of its own."""

    def __init__(
        self,
        engine: AudioEngine,
        devices: OpenCard | Devices,
        notify: Callable[[], None],
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        super().__init__(engine, devices, notify, sleep)
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="audio", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._stopping.set()
        if self._thread.is_alive():
            self._thread.join(STOP_TIMEOUT_S)

    def _run(self) -> None:
        self._engine.reports.append(cmd.Scheduled(take_precedence()))
        try:
            while not self._stopping.is_set():
                self.turn()
            for _ in range(_LAST_TURNS):
                self.turn()
        # whatever it was: deaf and mute is worse than started again
        except Exception as error:
            self._engine.reports.append(cmd.Failed(error))
            self._notify()
        finally:
            self.close()
