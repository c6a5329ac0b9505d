"""The audio thread: steps the engine, and opens the card again when it is lost.

It never logs and touches no file or socket but the card's own: what is worth saying goes to the event loop as a report.
"""

import threading
from collections.abc import Callable

from satellite.audio import commands as cmd
from satellite.audio.card import Card
from satellite.audio.engine import AudioEngine
from satellite.core import events as ev
from satellite.core.units import Millis
from satellite.errors import DeviceError

# two periods: a card that gives none is noticed, and whoever wants us to stop does not wait
STEP_TIMEOUT_S = 0.02
# a USB device is back within this time
FIRST_RETRY_S = 0.2
# longer, and its owner has plugged it in again and waits
LONGEST_RETRY_S = 5.0
# an unlucky step of the engine takes no longer
STOP_TIMEOUT_S = 2.0

OpenCard = Callable[[], Card]


class AudioRunner:
    """Runs an engine on cards that `open_card` opens, turn by turn; `notify` is called after every turn that left reports.

    Whoever has the time to do so calls `turn`, and `close` in the end.
    """

    def __init__(self, engine: AudioEngine, open_card: OpenCard, notify: Callable[[], None]) -> None:
        self._engine, self._open_card, self._notify = engine, open_card, notify
        self._card: Card | None = None
        self._retry_s = FIRST_RETRY_S
        self._opened_at = Millis(0)
        self._lost_at: Millis | None = None
        self._known = ""
        self.turns = 0
        """How many have been begun. May be read from any thread: one that stands still hangs in the hardware, or in us."""

    @property
    def is_lost(self) -> bool:
        """Whether the card is known to be missing, and is tried again. May be asked from any thread."""
        return self._lost_at is not None

    def start(self) -> None:
        """Begins; the card is opened by the first turn, and tried again for as long as it takes."""
        raise NotImplementedError

    def stop(self) -> None:
        """Ends it and gives the card back."""
        raise NotImplementedError

    def turn(self, timeout_s: float = STEP_TIMEOUT_S) -> float:
        """A step of the engine, or an attempt to open the card for it. How many seconds to wait before the next turn."""
        self.turns += 1
        if self._card is None:
            return self._open()
        rest_s = 0.0
        try:
            self._engine.step(timeout_s)
        except DeviceError as error:
            rest_s = self._lose(self._card, error)
        if self._engine.reports:
            self._notify()
        return rest_s

    def close(self) -> None:
        """Gives the card back."""
        if self._card is not None:
            self._card.close()
            self._card = None

    def _open(self) -> float:
        now = self._engine.now()
        try:
            card = self._open_card()
        except DeviceError as error:
            self._lost_at = now if self._lost_at is None else self._lost_at
            self._engine.obey_without_card()
            rest_s = self._back_off()
            self._report(self._trouble(error, f"; trying again in {rest_s:.1f} s"))
            return rest_s
        self._opened_at = self._engine.now()
        away_s = 0.0 if self._lost_at is None else (self._opened_at - self._lost_at) / 1000
        self._card, self._lost_at = card, None
        self._engine.attach(card)
        self._report(cmd.DeviceReady(card.speaker.rate_hz, away_s))
        return 0.0

    def _lose(self, card: Card, error: DeviceError) -> float:
        now = self._engine.now()
        # one that opens and fails at once is no better than one that does not open
        if has_worked := (now - self._opened_at) / 1000 >= LONGEST_RETRY_S:
            self._retry_s, self._known = FIRST_RETRY_S, ""
        self._lost_at, self._card = now, None
        self._engine.detach()
        self._report(self._trouble(error), ev.AudioLost(now))
        card.close()
        return 0.0 if has_worked else self._back_off()

    def _back_off(self) -> float:
        rest_s, self._retry_s = self._retry_s, min(self._retry_s * 2, LONGEST_RETRY_S)
        return rest_s

    def _trouble(self, error: DeviceError, what_now: str = "") -> cmd.DeviceTrouble:
        is_news, self._known = str(error) != self._known, str(error)
        return cmd.DeviceTrouble(f"{error}{what_now}", is_news)

    def _report(self, *reports: cmd.Report) -> None:
        self._engine.reports.extend(reports)
        self._notify()


class AudioThread(AudioRunner):
    """Does so in a thread of its own."""

    def __init__(self, engine: AudioEngine, open_card: OpenCard, notify: Callable[[], None]) -> None:
        super().__init__(engine, open_card, notify)
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="audio", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._stopping.set()
        if self._thread.is_alive():
            self._thread.join(STOP_TIMEOUT_S)

    def _run(self) -> None:
        try:
            while not self._stopping.is_set():
                if rest_s := self.turn():
                    self._stopping.wait(rest_s)
        # whatever it was: deaf and mute is worse than started again
        except Exception as error:
            self._report(cmd.Failed(error))
        finally:
            self.close()
