"""Nothing leaves before a wake word, a button, an answer that asks or words over an answer; if it did, it would be noticed."""

import socket
from dataclasses import replace
from functools import cache

import pytest

from satellite.config import Mode
from satellite.core import actions as act
from satellite.core.actions import Action
from satellite.core.interrupt import Phase
from satellite.core.units import Frames, frames
from satellite.service import Service
from tests.privacy import sounds
from tests.privacy.life import Life, Plan
from tests.privacy.run import lived
from tests.privacy.witness import PREROLL_MS, Witness

_SEED = 5

# somebody asks, and talks over the answer, and coughs over the next; people talk; and a button, or a program that asks
_EVENINGS = {
    Mode.HUB: Plan(("ask", "chat", "press"), ("words", "a_cough")),
    Mode.STANDALONE: Plan(("ask", "be_asked"), ("others_talk", "words")),
}
_QUESTION = Plan(("ask",), ("words",))

# longer than any of these
_LONG_S = 200.0


@cache
def _evening(mode: Mode) -> tuple[Witness, Life]:
    return lived(sounds.package(), mode, _LONG_S, _SEED, plan=_EVENINGS[mode])


@pytest.mark.parametrize("mode", Mode)
def test_nothing_leaves_outside_of_turns(mode: Mode) -> None:
    """Not a sample and not a word, on any way out."""
    witness, life = _evening(mode)
    assert witness.breaches == []
    assert witness.count["bytes of audio outside turns"] == 0
    assert life.spoken_s > 5.0 and witness.count["messages to mqtt"] > 0 and witness.count["events to the event service"] > 0


def test_all_that_could_leak_has_happened() -> None:
    """Ducks, holds, provisional interrupts that were taken back and such that were not; and audio did leave within turns."""
    witness, life = _evening(Mode.HUB)
    assert life.did["chat"] and witness.count["ducks"] and witness.count["holds"]
    assert witness.count["interrupts: confirmed"] and witness.count["interrupts: cancelled"]
    assert witness.count["provisional interrupts on the wire"] > 1
    turns = {why: (sent_ms, lead_ms) for why, _, sent_ms, lead_ms in witness.turns()}
    assert turns["wake word"][0] > 1000 and turns["words over an answer"][0] > 500
    assert turns["words over an answer"][1] <= PREROLL_MS + 32


class _Leaks(Service):
    """Does something else than the conversation wants."""

    def _carry_out(self, action: Action) -> None:
        for instead in self._instead(action):
            super()._carry_out(instead)

    def _instead(self, action: Action) -> tuple[Action, ...]:
        raise NotImplementedError


class _StreamsAtHold(_Leaks):
    """Sends the microphone as soon as the reply is held."""

    def _instead(self, action: Action) -> tuple[Action, ...]:
        is_hold = isinstance(action, act.SendInterrupt) and action.interrupt.phase is Phase.PROVISIONAL
        return (action, act.StreamMic(self.engine.frame)) if is_hold else (action,)


class _NeverEnds(_Leaks):
    """Goes on when the user has ended."""

    def _instead(self, action: Action) -> tuple[Action, ...]:
        return () if isinstance(action, act.StopMic) else (action,)


class _BeginsEarlyAndQuotes(_Leaks):
    """Sends half a second more of what was before, and the user's last words as those of the answer."""

    def _instead(self, action: Action) -> tuple[Action, ...]:
        if isinstance(action, act.StreamMic):
            return (act.StreamMic(Frames(action.first - frames(500))),)
        if isinstance(action, act.SendInterrupt):
            words = self.observer._observers[0].words  # type: ignore[attr-defined]
            return (replace(action, interrupt=replace(action.interrupt, text=next(iter(words), "the user"))),)
        return (action,)


@cache
def _leaked(leaky: type[Service]) -> list[str]:
    return lived(sounds.package(), Mode.HUB, _LONG_S, _SEED, leaky, _QUESTION)[0].breaches


@pytest.mark.parametrize(
    ("leaky", "seen"),
    [
        (_StreamsAtHold, ("in no turn", "held")),
        (_NeverEnds, ("in no turn", "speaking")),
        (_BeginsEarlyAndQuotes, ("in no turn", "listening")),
        (_BeginsEarlyAndQuotes, ("secret",)),
    ],
)
def test_a_leak_is_seen(leaky: type[Service], seen: tuple[str, ...]) -> None:
    """A test that cannot fail is none."""
    breaches = _leaked(leaky)
    assert any(all(word in breach for word in seen) for breach in breaches), breaches


def test_another_way_out_is_seen() -> None:
    """Whoever opens one, and wherever to."""

    class Calls(Service):
        async def start(self) -> int:
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
                sock.sendto(b"", ("127.0.0.1", 9))
            return await super().start()

    witness, _ = lived(sounds.package(), Mode.HUB, 0.1, _SEED, Calls)
    assert any("a datagram" in breach for breach in witness.breaches), witness.breaches
