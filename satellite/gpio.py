"""The button and the light at the pins of a Raspberry Pi, by gpiozero.

A satellite without its light is still one: whatever the pins do wrong is warned of, and the rest goes on.
"""

import asyncio
import importlib
import logging
import os
import warnings
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from satellite.config.sound import Gpio
from satellite.controls import Controls
from satellite.core.hardware import Device, Half
from satellite.core.state import State, Why
from satellite.errors import ConfigError, SatelliteError
from satellite.observer import Key, Observer, Setting

_log = logging.getLogger(__name__)

# contacts of small buttons bounce for up to 10 ms, old ones for longer; nobody presses twice in so short a time
BOUNCE_S = 0.05

_NO_PINS = """\
gpio: there are no pins here that can be used, so button and light are off. On a Raspberry Pi: install python3-lgpio (apt; the \
satellite's virtual environment needs --system-site-packages) or lgpio (pip), and add its user to the group gpio"""

Colour = tuple[float, float, float]

OFF: Colour = (0.0, 0.0, 0.0)
RED: Colour = (1.0, 0.0, 0.0)
GREEN: Colour = (0.0, 1.0, 0.0)
DIM_GREEN: Colour = (0.0, 0.15, 0.0)
BLUE: Colour = (0.0, 0.0, 1.0)
AMBER: Colour = (1.0, 0.4, 0.0)


@dataclass(frozen=True, slots=True)
class Pattern:
    """How long a light is on, and off, again and again; and how long it takes from one to the other."""

    on_s: float
    off_s: float
    fade_s: float = 0.0


STEADY = None
PULSE = Pattern(0.0, 0.0, fade_s=0.6)
SLOW = Pattern(1.0, 1.0)
QUICK = Pattern(0.25, 0.25)
# a light that is on all the time would say that we listen
FLASH = Pattern(0.1, 2.9)


@dataclass(frozen=True, slots=True)
class Look:
    """Of the light with colours, and of the one without."""

    colour: Colour
    pattern: Pattern | None
    plain: Pattern | None
    """Without colours, and if there is one at all."""


LOOKS: Mapping[State, Look] = {
    State.IDLE: Look(OFF, STEADY, STEADY),
    State.LISTENING: Look(BLUE, STEADY, STEADY),
    State.PROCESSING: Look(BLUE, PULSE, QUICK),
    State.SPEAKING: Look(GREEN, STEADY, STEADY),
    State.HELD: Look(DIM_GREEN, STEADY, STEADY),
    State.MUTED: Look(RED, STEADY, FLASH),
    State.OFFLINE: Look(RED, SLOW, SLOW),
}

# whatever the conversation does, nobody hears it
NO_SOUND = Look(AMBER, QUICK, QUICK)

# a microphone that we have switched off ourselves leaves the conversation in these
_RESTING = (State.IDLE, State.OFFLINE)

_GOING_ON = (State.LISTENING, State.PROCESSING, State.SPEAKING, State.HELD)

_REFUSAL, _REFUSALS = Pattern(0.1, 0.1), 2


class GpioPanel(Observer):
    """From `start` to `stop`, on one event loop: the button asks for things, the light tells the state.

    A press ends what is going on, or else opens a turn; it is over when the button is let go. Holding switches the microphone.
    """

    def __init__(self, config: Gpio, controls: Controls) -> None:
        self._config, self._controls = config, controls
        self._loop: asyncio.AbstractEventLoop | None = None
        self._lights = _Lights()
        self._button: Any = None
        self._is_down = False
        self._state = State.OFFLINE
        self._is_muted = False
        self._lost: frozenset[Half] = frozenset()
        self._refusal: asyncio.TimerHandle | None = None

    async def start(self) -> None:
        """Takes the pins, if there are any in the configuration. ConfigError if the library is not installed."""
        config = self._config
        if config.button is None and config.led is None and config.rgb is None:
            return
        self._loop = asyncio.get_running_loop()
        # the library takes up to a second on a small machine
        await asyncio.to_thread(self._open)
        self._state, self._is_muted = self._controls.state, self._controls.is_muted
        self._show()

    async def stop(self) -> None:
        """Gives the pins back, the light off. May be called twice, and without a start."""
        self._end_refusal()
        self._loop = None
        devices = [self._button, self._lights.rgb, self._lights.led]
        self._button, self._lights = None, _Lights()
        # waits for the library's threads
        await asyncio.to_thread(_close, devices)

    # ---- what the service tells

    def on_state_changed(self, old: State, new: State, why: Why) -> None:
        self._state = new
        self._show()

    def on_setting(self, setting: Setting) -> None:
        if setting.key is Key.MUTED:
            self._is_muted = bool(setting.value)
            self._show()

    def on_device(self, device: Device) -> None:
        self._lost = self._lost | {device.half} if device.condition.is_lost else self._lost - {device.half}
        self._show()

    # ---- the button, on the event loop

    def _pressed(self) -> None:
        self._is_down = True

    def _held(self) -> None:
        # let go in the same moment: that was a press
        if self._is_down:
            self._is_down = False
            self._ask(lambda: self._controls.mute(not self._controls.is_muted))

    def _released(self) -> None:
        if self._is_down:
            self._is_down = False
            self._ask(self._controls.hush if self._controls.state in _GOING_ON else self._controls.listen)

    def _ask(self, want: Callable[[], None]) -> None:
        try:
            want()
        except SatelliteError as error:
            _log.info("the button: %s", error)
            self._refuse()

    # ---- the light

    def _look(self) -> Look:
        if self._lost:
            return NO_SOUND
        return LOOKS[State.MUTED if self._is_muted and self._state in _RESTING else self._state]

    def _show(self) -> None:
        self._end_refusal()
        self._lights.show(self._look())

    def _refuse(self) -> None:
        """Blinks red, and then is what it was."""
        if self._lights.rgb is not None and self._loop is not None:
            self._end_refusal()
            self._lights.refuse()
            self._refusal = self._loop.call_later(_REFUSALS * (_REFUSAL.on_s + _REFUSAL.off_s), self._show)

    def _end_refusal(self) -> None:
        if self._refusal is not None:
            self._refusal.cancel()
            self._refusal = None

    # ---- the pins, in a thread

    def _open(self) -> None:
        library = _gpiozero()
        opening: dict[str, Callable[[], None]] = {
            "button": lambda: self._open_button(library),
            "led": lambda: self._open_led(library),
            "rgb": lambda: self._open_rgb(library),
        }
        for key, open_pins in opening.items():
            if getattr(self._config, key) is None:
                continue
            try:
                open_pins()
            except library.BadPinFactory:
                _log.warning(_NO_PINS)
                return
            # each kind of pin has errors of its own: taken, out of range, no dimming
            except Exception as error:
                _log.warning("gpio.%s is off: %s", key, _reason(error))

    def _open_button(self, library: Any) -> None:
        config = self._config
        button = library.Button(config.button, pull_up=True, bounce_time=BOUNCE_S, hold_time=config.hold_s)
        self._button = button
        button.when_pressed = lambda: self._hand_over(self._pressed)
        button.when_held = lambda: self._hand_over(self._held)
        button.when_released = lambda: self._hand_over(self._released)

    def _open_led(self, library: Any) -> None:
        self._lights.led = library.LED(self._config.led)

    def _open_rgb(self, library: Any) -> None:
        self._lights.rgb = library.RGBLED(*(self._config.rgb or ()))

    def _hand_over(self, what: Callable[[], None]) -> None:
        """In a thread of the library's."""
        loop = self._loop
        if loop is not None:
            with suppress(RuntimeError):  # closed: it is over
                loop.call_soon_threadsafe(what)


class _Lights:
    """The two, of which either may not be there."""

    def __init__(self) -> None:
        self.rgb: Any = None
        self.led: Any = None
        self._has_failed = False

    def show(self, look: Look) -> None:
        """Until something else is shown."""
        self._try(lambda: _light(self.rgb, look.colour, look.pattern))
        self._try(lambda: _light(self.led, 0 if look.colour == OFF else 1, look.plain))

    def refuse(self) -> None:
        """Without colours it would look like a state."""
        self._try(lambda: _light(self.rgb, RED, _REFUSAL, _REFUSALS))

    def _try(self, show: Callable[[], None]) -> None:
        try:
            show()
        # pin libraries fail in ways of their own, and the service that tells us of a state must not
        except Exception as error:
            _log.log(logging.DEBUG if self._has_failed else logging.WARNING, "gpio: the light: %s", _reason(error))
            self._has_failed = True


def _light(light: Any, value: Colour | int, pattern: Pattern | None, times: int | None = None) -> None:
    if light is None:
        return
    if pattern is None:
        light.value = value
    elif isinstance(value, tuple):
        light.blink(pattern.on_s, pattern.off_s, pattern.fade_s, pattern.fade_s, on_color=value, n=times)
    else:
        light.blink(pattern.on_s, pattern.off_s, n=times)


def _close(devices: list[Any]) -> None:
    for device in (device for device in devices if device is not None):
        try:
            if hasattr(device, "off"):
                device.off()
            device.close()
        # what cannot be given back goes with the process
        except Exception as error:
            _log.debug("gpio: a pin was not given back: %s", _reason(error))


def _reason(error: Exception) -> str:
    return str(error) or type(error).__name__


def _gpiozero() -> Any:
    """The library, which is an extra; it has no types."""
    try:
        library = importlib.import_module("gpiozero")
    except ImportError as error:
        raise ConfigError("gpio: needs the extra satellite[gpio]: pip install 'satellite[gpio]'") from error
    # of every library for pins that is not there; ours says what to do
    warnings.filterwarnings("ignore", category=library.PinFactoryFallback)
    _import_lgpio()
    return library


def _import_lgpio() -> None:
    """Where we may not write. It puts a pipe into the folder it is in, or goes to that of LG_WD for good; we come back."""
    before = Path.cwd()
    if "LG_WD" in os.environ or os.access(before, os.W_OK):
        return
    # gpiozero tries again, and knows others; a pipe that is open at both ends needs no name
    with suppress(ImportError, OSError), TemporaryDirectory(prefix="satellite-") as folder:
        os.environ["LG_WD"] = folder
        try:
            importlib.import_module("lgpio")
        finally:
            del os.environ["LG_WD"]
            os.chdir(before)
