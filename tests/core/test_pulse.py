"""What is alive, and what has to be started again."""

import pytest

from satellite.core.pulse import Pulse
from satellite.core.units import Frames

BEFORE = Pulse(Frames(1600), turns=10, is_lost=False)


@pytest.mark.parametrize(
    ("now", "is_alive", "why"),
    [
        (Pulse(Frames(1760), 11, False), True, "it hears"),
        (Pulse(Frames(1760), 11, True), True, "it has heard, and has just lost its device"),
        (Pulse(Frames(1600), 11, True), True, "its device is away, and it tries to open it"),
        (Pulse(Frames(1600), 10, True), False, "it hangs in the attempt"),
        (Pulse(Frames(1600), 10, False), False, "it stands still"),
        (Pulse(Frames(1600), 500, False), False, "it turns and hears nothing, and has not noticed"),
    ],
)
def test_a_thread_is_alive_that_hears_or_does_something_about_it(now: Pulse, is_alive: bool, why: str) -> None:
    """Whatever else it is busy with."""
    assert now.is_alive_since(BEFORE) is is_alive, why
