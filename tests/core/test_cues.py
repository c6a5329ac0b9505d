"""Which sound goes with what happens; driven through whole conversations."""

from collections.abc import Callable

import pytest

from satellite.core import actions as act
from satellite.core import events as ev
from satellite.core.cues import Cue, cue
from satellite.core.units import frames
from tests.core.driver import SPEECH_OVER_SPEECH, Driver
from tests.core.situations import asking, held, nearly_finished, opened, processing, speaking

_LISTEN: Callable[[Driver], object] = lambda d: d.tell(ev.ListenAsked, end=frames(d.at))  # noqa: E731


def _told(driver: Driver, deed: Callable[[Driver], object]) -> list[Cue]:
    heard: list[Cue] = []
    give = driver.give

    def listening(event: ev.Event) -> tuple[act.Action, ...]:
        actions = give(event)
        heard.extend(c for a in actions if isinstance(a, act.Become) and (c := cue(a, event)) is not None)
        return actions

    driver.give = listening  # type: ignore[method-assign]
    deed(driver)
    return heard


@pytest.mark.parametrize(
    ("build", "deed", "sounds"),
    [
        (opened, Driver.wake, [Cue.AWAKE]),
        (opened, _LISTEN, [Cue.AWAKE]),
        (speaking, Driver.wake, [Cue.AWAKE]),
        (speaking, _LISTEN, [Cue.AWAKE]),
        (processing, Driver.wake, [Cue.AWAKE]),
        (held, lambda d: d.voice(SPEECH_OVER_SPEECH), [Cue.INTERRUPTED]),
        (nearly_finished, lambda d: d.silence(64), [Cue.DONE]),
        (asking, Driver.end, []),
        (speaking, Driver.end, []),
        (speaking, Driver.hold, []),
        (held, lambda d: d.silence(500), []),
    ],
)
def test_what_is_heard(build: Callable[[], Driver], deed: Callable[[Driver], object], sounds: list[Cue]) -> None:
    """Each once."""
    assert _told(build(), deed) == sounds
