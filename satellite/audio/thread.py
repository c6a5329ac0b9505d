"""The audio thread: steps the engine, and opens the card again when it is lost.

It never logs and never touches a file or a socket: what is worth saying goes to the event loop as a report.
"""

import threading
import time
from collections.abc import Callable

from satellite.audio import commands as cmd
from satellite.audio.card import Card
from satellite.audio.engine import AudioEngine
from satellite.core import events as ev
from satellite.errors import DeviceError

# a USB device is back within this time
FIRST_RETRY_S = 0.2
# longer, and its owner has plugged it in again and waits
LONGEST_RETRY_S = 5.0
# an unlucky step of the engine takes no longer
STOP_TIMEOUT_S = 2.0


class AudioThread:
    """Runs an engine on cards that `open_card` opens. `notify` is called after every step that left reports."""

    def __init__(self, engine: AudioEngine, open_card: Callable[[], Card], notify: Callable[[], None]) -> None:
        self._engine = engine
        self._open_card = open_card
        self._notify = notify
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="audio", daemon=True)

    def start(self) -> None:
        """Begins; the card is opened in the thread, and tried again for as long as it takes."""
        self._thread.start()

    def stop(self) -> None:
        """Ends it and gives the card back."""
        self._stopping.set()
        self._thread.join(STOP_TIMEOUT_S)

    def _run(self) -> None:
        retry_s, lost_at_s, known = FIRST_RETRY_S, None, ""
        while not self._stopping.is_set():
            try:
                card = self._open_card()
            except DeviceError as error:
                lost_at_s = lost_at_s or time.monotonic()
                self._report(cmd.DeviceTrouble(f"{error}; trying again in {retry_s:.1f} s", is_news=str(error) != known))
                known = str(error)
                retry_s = self._wait(retry_s)
                continue
            opened_s = time.monotonic()
            self._report(cmd.DeviceReady(card.speaker.rate_hz, opened_s - lost_at_s if lost_at_s else 0.0))
            has_worked = True
            try:
                self._serve(card)
            except DeviceError as error:
                lost_at_s = time.monotonic()
                has_worked = lost_at_s - opened_s >= LONGEST_RETRY_S
                self._engine.detach()
                self._report(cmd.DeviceTrouble(str(error), has_worked or str(error) != known), ev.AudioLost(self._engine.now()))
                known = str(error)
            finally:
                card.close()
            # one that opens and fails at once is no better than one that does not open
            retry_s = FIRST_RETRY_S if has_worked else self._wait(retry_s)

    def _wait(self, retry_s: float) -> float:
        """Until the next try; how long to wait for the one after."""
        self._stopping.wait(retry_s)
        return min(retry_s * 2, LONGEST_RETRY_S)

    def _serve(self, card: Card) -> None:
        engine = self._engine
        engine.attach(card)
        while not self._stopping.is_set():
            engine.step()
            if engine.reports:
                self._notify()

    def _report(self, *reports: cmd.Report) -> None:
        self._engine.reports.extend(reports)
        self._notify()
