"""Prints what happens while it happens."""

import sys
import time

from satellite.audio.commands import Ducked
from satellite.core import actions as act
from satellite.core.actions import Action
from satellite.core.state import State, Why
from satellite.observer import Observer

_BOLD, _DIM, _PLAIN = "\033[1m", "\033[2m", "\033[0m"


class Timeline(Observer):
    """One line an event, with the seconds since the beginning. Silent for machines."""

    def __init__(self, is_silent: bool) -> None:
        self._is_silent = is_silent
        self.begin_s = time.monotonic()
        self._is_terminal = sys.stdout.isatty()

    def line(self, who: str, what: str, loud: bool = False) -> None:
        """Prints one."""
        if self._is_silent:
            return
        at_s = time.monotonic() - self.begin_s
        text = f"{at_s:6.2f} s  {who:<9} {what}"
        if self._is_terminal:
            text = f"{_BOLD if loud else ''}{_DIM if who == 'satellite' else ''}{text}{_PLAIN}"
        print(text, flush=True)

    def heading(self, text: str) -> None:
        """Begins an act."""
        if not self._is_silent:
            print(f"\n{text}", flush=True)

    def on_state_changed(self, old: State, new: State, why: Why) -> None:
        """The conversation is in another state."""
        self.line("satellite", f"{old} -> {new} ({why})")

    def on_ducked(self, ducked: Ducked) -> None:
        """The reply was lowered, or raised again."""
        self.line("reflex", "ducks the answer" if ducked.is_ducked else "raises it again: it was nothing")

    def on_action(self, action: Action) -> None:
        """Something was done."""
        match action:
            case act.SendInterrupt(interrupt):
                position = interrupt.position
                spoken = f"at {position.played} of {position.total} ms" if position.total else f"at {position.played} ms"
                self.line("wire", f"interrupt, {interrupt.phase}, {interrupt.reason}, {spoken}")
            case act.ResumeReply():
                self.line("reflex", "goes on with the answer, 0.2 s back")
            case _:
                pass
