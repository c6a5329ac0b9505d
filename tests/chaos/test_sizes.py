"""Whatever grows is found, without being named."""

from collections import deque
from dataclasses import dataclass, field

import numpy as np

from satellite.audio.reply import Reply
from satellite.chaos.sizes import sizes_of
from satellite.core.preroll import Preroll
from satellite.core.units import RATE_HZ, Frames


@dataclass(slots=True)
class _Holder:
    """Of something of ours."""

    held: object
    others: list[object] = field(default_factory=list)


# only what is the satellite's is looked into
_Holder.__module__ = "satellite.tests"


def test_bytes_and_arrays_are_counted_where_they_are() -> None:
    """In attributes, slots and containers, and each once."""
    samples = np.zeros(1000, np.int16)
    sizes = sizes_of(_Holder({"a": samples}, [samples, bytearray(500)]))
    assert (sizes.bytes_held, sizes.most_items) == (2500, 2)


def test_the_longest_is_named() -> None:
    """By the way to it."""
    sizes = sizes_of(_Holder(_Holder(deque(range(5000)))))
    assert (sizes.most_items, sizes.where) == (5000, "_Holder.held.held")


def test_what_a_service_keeps_of_sound_is_found() -> None:
    """The microphone's past and a reply, as they are."""
    preroll = Preroll(Frames(RATE_HZ), Frames(RATE_HZ))
    preroll.append(Frames(0), bytes(320))
    reply = Reply(1, RATE_HZ)
    reply.feed(bytes(32_000), RATE_HZ, width=2, channels=1)
    assert sizes_of(preroll).bytes_held == 320
    assert sizes_of(reply).bytes_held >= 32_000


def test_the_library_s_and_others_objects_are_not_looked_into() -> None:
    """They are not ours to bound."""

    class Foreign:
        held = [0] * 5000

    assert sizes_of(_Holder(Foreign())).most_items == 0
