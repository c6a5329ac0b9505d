"""The audio thread with hardware that fails: what it reports, and that it neither gives up nor spins."""

import threading
from collections import deque
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any, cast

import pytest

from satellite.audio import commands as cmd
from satellite.audio.card import Card
from satellite.audio.engine import AudioEngine
from satellite.audio.thread import FIRST_RETRY_S, AudioThread
from satellite.core import events as ev
from satellite.core.units import Millis
from satellite.errors import DeviceError

# nothing that is waited for takes longer, on a busy machine either
SOON_S = 10.0


class FakeEngine:
    """Fails in its first step on any card."""

    def __init__(self) -> None:
        self.reports: deque[cmd.Report] = deque()

    def attach(self, card: Card) -> None:
        pass

    def detach(self) -> None:
        pass

    def step(self) -> None:
        raise DeviceError("the cable is loose")

    def now(self) -> Millis:
        return Millis(0)


def card() -> Card:
    return cast(Card, SimpleNamespace(speaker=SimpleNamespace(rate_hz=16_000), close=lambda: None))


def no_card() -> Card:
    raise DeviceError("there is no card")


def served(open_card: Callable[[], Card], reports: int) -> list[Any]:
    """The first so many reports of a thread."""
    engine, there = FakeEngine(), threading.Event()

    def notify() -> None:
        if len(engine.reports) >= reports:
            there.set()

    thread = AudioThread(cast(AudioEngine, engine), open_card, notify)
    thread.start()
    assert there.wait(SOON_S)
    thread.stop()
    return list(engine.reports)[:reports]


def test_a_device_that_does_not_open_is_news_once() -> None:
    """The first failure is for the log, its repetitions are not; each says when it is tried again."""
    first, second, third = served(no_card, 3)
    assert [first.is_news, second.is_news, third.is_news] == [True, False, False]
    assert first.message == f"there is no card; trying again in {FIRST_RETRY_S} s"
    assert third.message == f"there is no card; trying again in {4 * FIRST_RETRY_S} s"


def test_a_device_that_fails_as_soon_as_it_is_open_is_tried_ever_more_seldom(monkeypatch: pytest.MonkeyPatch) -> None:
    """Opening is no proof that it works, so the waits grow as if it had not opened, and it is news once."""
    waits: list[float] = []
    wait = AudioThread._wait

    def noted(self: AudioThread, retry_s: float) -> float:
        waits.append(retry_s)
        return wait(self, retry_s)

    monkeypatch.setattr(AudioThread, "_wait", noted)
    reports = served(card, 9)
    troubles = [report for report in reports if isinstance(report, cmd.DeviceTrouble)]
    assert [trouble.is_news for trouble in troubles] == [True, False, False]
    assert waits[:2] == [FIRST_RETRY_S, 2 * FIRST_RETRY_S]
    assert sum(isinstance(report, ev.AudioLost) for report in reports) == 3


def test_another_reason_is_news_again() -> None:
    """Busy, and then missing, are two things to know."""
    reasons = iter(["busy", "busy", "missing", "missing", "missing"])

    def open_card() -> Card:
        raise DeviceError(next(reasons, "missing"))

    assert [report.is_news for report in served(open_card, 4)] == [True, False, True, False]
