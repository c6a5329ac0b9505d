"""The button and the light, on the pins that gpiozero has for tests: the library's threads and all."""

import asyncio
import logging
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import gpiozero
import pytest
from gpiozero.pins.mock import MockFactory, MockPWMPin

from satellite import gpio
from satellite.config.sound import Gpio
from satellite.core.hardware import Condition, Device, Half
from satellite.core.sensitivity import Sensitivity
from satellite.core.state import State, Why
from satellite.core.units import Millis
from satellite.errors import ConfigError, SatelliteError
from satellite.gpio import LOOKS, NO_SOUND, GpioPanel, Pattern
from satellite.observer import Key, Setting
from tests.peer.house import SOON_S, warnings

BUTTON, LED, RGB = 17, 27, (5, 6, 13)

ALL = Gpio(button=BUTTON, led=LED, rgb=RGB)


class Pin(MockPWMPin):
    """Tells everybody when it changes."""

    changed = threading.Condition()

    def _change_state(self, value: float) -> bool:
        with self.changed:
            has_changed: bool = super()._change_state(value)
            self.changed.notify_all()
        return has_changed


class Grounded(Pin):
    """A pull-up does not reach the level of a pin that is wired to ground."""

    def _set_pull(self, value: str) -> None:
        self._pull = value


class Satellite:
    """Writes down what it is asked for."""

    def __init__(self) -> None:
        self.state = State.IDLE
        self.volume = 100
        self.is_muted = False
        self.is_barge_in_on = True
        self.sensitivity = Sensitivity.QUIET
        self.wake_threshold: float | None = None
        self.refuses = False
        self.asked: asyncio.Queue[str] = asyncio.Queue()
        self._loop = asyncio.get_running_loop()

    def listen(self) -> None:
        self._ask("listen")

    def hush(self) -> None:
        self._ask("hush")

    def mute(self, is_muted: bool) -> None:
        self._ask(f"mute {is_muted}")
        self.is_muted = is_muted

    def set_volume(self, volume: int) -> None:
        raise AssertionError("nobody wanted that")

    def set_barge_in(self, is_on: bool) -> None:
        raise AssertionError("nobody wanted that")

    def set_sensitivity(self, sensitivity: Sensitivity) -> None:
        raise AssertionError("nobody wanted that")

    def set_wake_threshold(self, threshold: float) -> None:
        raise AssertionError("nobody wanted that")

    def say_text(self, text: str, *, then_listen: bool = False, is_announcement: bool = False) -> None:
        raise AssertionError("nobody wanted that")

    def _ask(self, what: str) -> None:
        assert asyncio.get_running_loop() is self._loop
        self.asked.put_nowait(what)
        if self.refuses:
            raise SatelliteError("nobody would hear it")


@pytest.fixture
def pins(monkeypatch: pytest.MonkeyPatch) -> Iterator[MockFactory]:
    """A Raspberry Pi."""
    factory = MockFactory(pin_class=Pin)
    monkeypatch.setattr(gpiozero.Device, "pin_factory", factory)
    yield factory
    assert not any(pin() for pins in factory._reservations.values() for pin in pins), "a pin was not given back"
    factory.reset()


@asynccontextmanager
async def panel(config: Gpio = ALL) -> AsyncIterator[tuple[GpioPanel, Satellite]]:
    satellite = Satellite()
    opened = GpioPanel(config, satellite)
    async with asyncio.timeout(SOON_S):
        await opened.start()
        try:
            yield opened, satellite
        finally:
            await opened.stop()


def colour(pins: MockFactory) -> tuple[float, ...]:
    return tuple(pins.pin(number).state for number in RGB)


async def until(pins: MockFactory, reached: Callable[[], bool]) -> None:
    """Some pin's change has brought it about."""

    def wait() -> bool:
        deadline_s = time.monotonic() + SOON_S
        with Pin.changed:
            return Pin.changed.wait_for(reached, deadline_s - time.monotonic())

    assert await asyncio.to_thread(wait)


def press(pins: MockFactory) -> None:
    pins.pin(BUTTON).drive_low()


def let_go(pins: MockFactory) -> None:
    pins.pin(BUTTON).drive_high()


# ---- the button


@pytest.mark.parametrize(
    ("state", "asked"),
    [
        (State.IDLE, "listen"),
        (State.OFFLINE, "listen"),
        (State.MUTED, "listen"),
        (State.LISTENING, "hush"),
        (State.PROCESSING, "hush"),
        (State.SPEAKING, "hush"),
        (State.HELD, "hush"),
    ],
)
def test_a_press_ends_what_is_going_on_or_opens_a_turn(pins: MockFactory, state: State, asked: str) -> None:
    """When the button is let go: it might have been held."""

    async def play() -> None:
        async with panel() as (_, satellite):
            satellite.state = state
            press(pins)
            assert satellite.asked.empty()
            let_go(pins)
            assert await satellite.asked.get() == asked
            assert satellite.asked.empty()

    asyncio.run(play())


@pytest.mark.parametrize("is_muted", [False, True])
def test_holding_switches_the_microphone_and_is_no_press(pins: MockFactory, is_muted: bool) -> None:
    """Once, however long; the next press is one again."""

    async def play() -> None:
        async with panel(Gpio(button=BUTTON, hold_s=0.2)) as (_, satellite):
            satellite.is_muted = is_muted
            press(pins)
            assert await satellite.asked.get() == f"mute {not is_muted}"
            let_go(pins)
            press(pins)
            let_go(pins)
            assert await satellite.asked.get() == "listen"

    asyncio.run(play())


def test_a_hold_that_comes_after_the_end_is_none(pins: MockFactory) -> None:
    """The library's two threads may meet at the last moment; one thing is asked for, not two."""

    async def play() -> None:
        async with panel() as (opened, satellite):
            press(pins)
            let_go(pins)
            opened._button.when_held()
            assert await satellite.asked.get() == "listen"
            press(pins)
            let_go(pins)
            assert await satellite.asked.get() == "listen"

    asyncio.run(play())


def test_the_button_closes_to_ground_and_may_bounce(pins: MockFactory) -> None:
    """The pin is pulled up, and debounced by those who see every edge: the kernel, or its library."""

    async def play() -> None:
        async with panel(Gpio(button=BUTTON, hold_s=2.5)) as (opened, _):
            pin = pins.pin(BUTTON)
            assert (pin.pull, pin.bounce, opened._button.hold_time) == ("up", 0.05, 2.5)

    asyncio.run(play())


def test_a_button_that_is_down_at_the_start_asks_for_nothing(pins: MockFactory) -> None:
    """It is stuck, or wired to something else."""

    async def play() -> None:
        pins.pin(BUTTON, pin_class=Grounded)
        async with panel(Gpio(button=BUTTON, hold_s=0.2)) as (_, satellite):
            let_go(pins)
            satellite.state = State.SPEAKING
            press(pins)
            let_go(pins)
            assert await satellite.asked.get() == "hush"
            assert satellite.asked.empty()

    asyncio.run(play())


def test_what_is_refused_is_told_by_red_blinks(pins: MockFactory, caplog: pytest.LogCaptureFixture) -> None:
    """Twice; then the light is what it was."""
    caplog.set_level(logging.INFO)

    async def play() -> None:
        async with panel() as (opened, satellite):
            opened.on_state_changed(State.IDLE, State.SPEAKING, Why.ANSWER)
            satellite.refuses = True
            pins.pin(RGB[0]).clear_states()
            press(pins)
            let_go(pins)
            await until(pins, lambda: len(pins.pin(RGB[0]).states) == 5 and colour(pins) == (0.0, 1.0, 0.0))
            pins.pin(RGB[0]).assert_states([0.0, 1.0, 0.0, 1.0, 0.0])

    asyncio.run(play())
    assert "the button: nobody would hear it" in caplog.messages
    assert warnings(caplog) == []


# ---- the light


@pytest.fixture
def blinks(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, Any, Pattern]]:
    """What blinks now and then, of which light, in which colour and how; it really does."""
    seen: list[tuple[str, Any, Pattern]] = []

    def watched(kind: type[Any], name: str) -> None:
        real = kind.blink

        def blink(self: Any, on_s: float, off_s: float, fade_s: float = 0.0, *more: Any, **options: Any) -> None:
            seen.append((name, options.get("on_color"), Pattern(on_s, off_s, fade_s)))
            real(self, on_s, off_s, *((fade_s, *more) if more else ()), **options)

        monkeypatch.setattr(kind, "blink", blink)

    watched(gpiozero.RGBLED, "rgb")
    watched(gpiozero.LED, "led")
    return seen


@pytest.mark.parametrize("state", State)
def test_every_state_has_its_light(pins: MockFactory, blinks: list[tuple[str, Any, Pattern]], state: State) -> None:
    """As the table says, of both lights."""
    look = LOOKS[state]

    async def play() -> None:
        async with panel() as (opened, _):
            opened.on_state_changed(State.IDLE, State.PROCESSING, Why.LISTEN)
            blinks.clear()
            opened.on_state_changed(State.PROCESSING, state, Why.CANCELLED)
            if look.pattern is None:
                assert colour(pins) == look.colour
            if look.plain is None:
                assert pins.pin(LED).state == (look.colour != gpio.OFF)

    asyncio.run(play())
    expected = [("rgb", look.colour, look.pattern)] * bool(look.pattern) + [("led", None, look.plain)] * bool(look.plain)
    assert blinks == expected


def test_thinking_is_a_blue_that_comes_and_goes(pins: MockFactory) -> None:
    """By the pins themselves."""

    async def play() -> None:
        async with panel() as (opened, _):
            opened.on_state_changed(State.LISTENING, State.PROCESSING, Why.END_OF_SPEECH)
            await until(pins, lambda: 0.2 < colour(pins)[2] < 0.5)
            await until(pins, lambda: colour(pins)[2] > 0.7)
            await until(pins, lambda: colour(pins)[2] < 0.5)
            assert colour(pins)[:2] == (0.0, 0.0)

    asyncio.run(play())


def test_at_the_start_the_light_is_that_of_the_state(pins: MockFactory) -> None:
    """Nothing has changed yet."""

    async def play() -> None:
        satellite = Satellite()
        satellite.state = State.LISTENING
        opened = GpioPanel(ALL, satellite)
        await opened.start()
        assert (colour(pins), pins.pin(LED).state) == (gpio.BLUE, 1)
        await opened.stop()
        await opened.stop()
        assert (colour(pins), pins.pin(LED).state) == (gpio.OFF, 0)

    asyncio.run(play())


def test_a_microphone_that_is_off_shows_while_nothing_goes_on(pins: MockFactory) -> None:
    """Whoever has switched it; an announcement is still seen as one."""

    async def play() -> None:
        async with panel(Gpio(rgb=RGB)) as (opened, _):
            opened.on_setting(Setting(Key.MUTED, True))
            assert colour(pins) == gpio.RED
            opened.on_setting(Setting(Key.VOLUME, 0))
            opened.on_state_changed(State.IDLE, State.SPEAKING, Why.ANNOUNCEMENT)
            assert colour(pins) == gpio.GREEN
            opened.on_state_changed(State.SPEAKING, State.IDLE, Why.FINISHED)
            assert colour(pins) == gpio.RED
            opened.on_setting(Setting(Key.MUTED, False))
            assert colour(pins) == gpio.OFF

    asyncio.run(play())


def test_lost_devices_show_whatever_goes_on(pins: MockFactory, blinks: list[tuple[str, Any, Pattern]]) -> None:
    """Until they are back."""

    async def play() -> None:
        async with panel(Gpio(rgb=RGB)) as (opened, _):
            device = Device(Half.SPEAKER, "hw:CARD=Device")
            opened.on_device(device.become(Condition.MISSING, Millis(0)))
            opened.on_state_changed(State.IDLE, State.LISTENING, Why.LISTEN)
            assert blinks == [("rgb", NO_SOUND.colour, NO_SOUND.pattern)] * 2
            opened.on_device(device.become(Condition.WORKING, Millis(0)))
            assert colour(pins) == gpio.BLUE

    asyncio.run(play())


def test_a_light_that_fails_is_warned_of_once(
    pins: MockFactory, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The service that tells us of a state does not notice."""

    def fail(self: Any, value: float) -> None:
        raise OSError("the pin is gone")

    async def play() -> None:
        async with panel(Gpio(rgb=RGB)) as (opened, _):
            with monkeypatch.context() as broken:
                broken.setattr(Pin, "_set_state", fail)
                opened.on_state_changed(State.IDLE, State.LISTENING, Why.LISTEN)
                opened.on_state_changed(State.LISTENING, State.IDLE, Why.CANCELLED)
            opened.on_state_changed(State.IDLE, State.SPEAKING, Why.ANSWER)
            assert colour(pins) == gpio.GREEN

    asyncio.run(play())
    assert warnings(caplog) == ["gpio: the light: the pin is gone"]


# ---- what is not there


def test_without_pins_in_the_configuration_the_library_is_not_needed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Most satellites have none."""
    monkeypatch.setitem(sys.modules, "gpiozero", None)

    async def play() -> None:
        async with panel(Gpio()) as (opened, _):
            opened.on_state_changed(State.IDLE, State.LISTENING, Why.LISTEN)

    asyncio.run(play())


def test_without_the_library_the_operator_is_told_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is an extra."""
    monkeypatch.setitem(sys.modules, "gpiozero", None)

    async def play() -> None:
        with pytest.raises(ConfigError, match=r"^gpio: needs the extra satellite\[gpio\]: pip install"):
            await GpioPanel(ALL, Satellite()).start()

    asyncio.run(play())


def test_a_machine_without_pins_goes_on_without_them(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    """With one warning, which says what to do; the library's own are not shown."""
    monkeypatch.setattr(gpiozero.Device, "pin_factory", None)

    def none() -> None:
        raise gpiozero.BadPinFactory("Unable to load any default pin factory!")

    monkeypatch.setattr(gpiozero.Device, "_default_pin_factory", none)

    async def play() -> None:
        async with panel() as (opened, _):
            opened.on_state_changed(State.IDLE, State.LISTENING, Why.LISTEN)

    asyncio.run(play())
    assert len(warnings(caplog)) == 1
    assert "python3-lgpio" in warnings(caplog)[0]
    assert "group gpio" in warnings(caplog)[0]


def test_a_pin_that_is_taken_leaves_the_others(pins: MockFactory, caplog: pytest.LogCaptureFixture) -> None:
    """The button works without the light."""

    async def play() -> None:
        with gpiozero.LED(RGB[1]):
            async with panel() as (_, satellite):
                press(pins)
                let_go(pins)
                assert await satellite.asked.get() == "listen"

    asyncio.run(play())
    assert len(warnings(caplog)) == 1
    assert warnings(caplog)[0].startswith("gpio.rgb is off: ")


_LGPIO = """
import os
os.chdir(os.environ["LG_WD"])
os.mkfifo(".lgd-nfy0")
pipe = os.open(".lgd-nfy0", os.O_RDWR)
"""


def test_lgpio_has_its_pipe_where_it_may_write(
    pins: MockFactory, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """A service may not write to the folder it is in, and stays in it; nothing is left behind."""
    (tmp_path / "lgpio.py").write_text(_LGPIO)
    (tmp_path / "temporary").mkdir()
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "temporary"))
    monkeypatch.setattr(os, "access", lambda path, mode: False)
    before = Path.cwd()

    async def play() -> None:
        async with panel():
            pass

    asyncio.run(play())
    os.close(sys.modules.pop("lgpio").pipe)
    assert Path.cwd() == before
    assert "LG_WD" not in os.environ
    assert list((tmp_path / "temporary").iterdir()) == []
    assert warnings(caplog) == []


def test_the_library_is_not_imported_before_it_is_needed() -> None:
    """Most satellites have no pins, and all start sooner without it."""
    code = "import sys, satellite.gpio; sys.exit('gpiozero' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0
