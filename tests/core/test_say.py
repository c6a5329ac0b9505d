"""The say handle: the ways an utterance can go."""

import itertools

import pytest

from satellite.core.say import NOWHERE, Allow, Say, SayState
from satellite.core.units import Millis
from satellite.errors import ProtocolMisuse
from tests.core.driver import position

ALLOWED = {
    (SayState.QUEUED, SayState.PLAYING),
    (SayState.QUEUED, SayState.CANCELLED),
    (SayState.PLAYING, SayState.PLAYED),
    (SayState.PLAYING, SayState.INTERRUPTED),
    (SayState.PLAYING, SayState.CANCELLED),
    # a commit that was answered by no words is taken back
    (SayState.INTERRUPTED, SayState.PLAYING),
}


@pytest.mark.parametrize(("old", "new"), [*itertools.product(SayState, SayState)], ids=str)
def test_every_way_is_allowed_or_our_mistake(old: SayState, new: SayState) -> None:
    """The whole table, pinned."""
    say = Say(1, state=old)
    if (old, new) in ALLOWED:
        assert say.become(new).state is new
    else:
        with pytest.raises(ProtocolMisuse, match=f"{old} cannot become {new}"):
            say.become(new)


def test_a_position_is_kept_unless_a_new_one_is_told() -> None:
    """An interruption keeps the place where it was held."""
    say = Say(1, state=SayState.PLAYING, position=position(100, 200))
    assert say.become(SayState.INTERRUPTED).position == position(100, 200)
    assert say.become(SayState.PLAYED, position(200, 200)).position == position(200, 200)


def test_all_of_it_has_come() -> None:
    """Then its length is known, and what was played of it stays."""
    say = Say(1, state=SayState.PLAYING, position=position(100, 200)).received_all(Millis(900))
    assert (say.complete, say.position) == (True, position(100, 900, 900))


def test_it_begins_queued_and_nowhere() -> None:
    """Not a sample has come."""
    assert (Say(1).state, Say(1).position, Say(1).complete) == (SayState.QUEUED, NOWHERE, False)


def test_what_may_interrupt_is_ordered() -> None:
    """Each level lets in what the levels below it do, and its own; nothing lets in nothing."""
    lets_in = {level.value: [what.value for what in Allow if level.lets_in(what)] for level in Allow}
    assert lets_in == {
        "speech": ["speech", "wake-word", "stop-word"],
        "wake-word": ["wake-word", "stop-word"],
        "stop-word": ["stop-word"],
        "none": [],
    }
