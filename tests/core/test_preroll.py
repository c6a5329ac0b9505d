"""The ring of the last seconds: what is read is what was heard, by sample number."""

import struct

from hypothesis import given
from hypothesis import strategies as st

from satellite.core.preroll import Preroll
from satellite.core.units import Frames


def _audio(first: int, count: int) -> bytes:
    """Every frame says which one it is, as far as 16 bits can."""
    return struct.pack(f"<{count}H", *((first + n) % 65536 for n in range(count)))


def _filled(keep: int, limit: int, *blocks: int) -> Preroll:
    ring, at = Preroll(Frames(keep), Frames(limit)), 0
    for count in blocks:
        ring.append(Frames(at), _audio(at, count))
        at += count
    return ring


def test_an_empty_ring_has_nothing() -> None:
    """It is asked before the first period at times."""
    ring = Preroll(Frames(100), Frames(200))
    assert ring.read(Frames(0)) == (0, b"")
    assert (ring.first, ring.end) == (0, 0)


def test_it_keeps_at_least_the_last_frames_and_hardly_more() -> None:
    """Whole blocks are let go, so at most one block too many stays."""
    ring = _filled(100, 200, *[30] * 20)
    assert ring.end == 600
    assert 100 <= ring.end - ring.first < 130


def test_what_is_pinned_stays_until_it_is_let_go() -> None:
    """An utterance may have to be sent again."""
    ring = _filled(100, 1000, *[30] * 10)
    ring.pin(Frames(250))
    for at in range(300, 900, 30):
        ring.append(Frames(at), _audio(at, 30))
    assert ring.read(Frames(250)) == (250, _audio(250, 650))
    ring.unpin()
    assert ring.end - ring.first < 130


def test_a_pin_holds_as_far_as_the_limit_allows() -> None:
    """Nothing here grows without a bound."""
    ring = _filled(100, 300, 30)
    ring.pin(Frames(0))
    for at in range(30, 3000, 30):
        ring.append(Frames(at), _audio(at, 30))
        assert ring.end - ring.first < 330
    assert ring.first > 0


def test_a_pin_in_the_future_forgets_nothing_that_is_recent() -> None:
    """The last frames are kept in any case."""
    ring = _filled(100, 300, *[50] * 4)
    ring.pin(Frames(10_000))
    ring.append(Frames(200), _audio(200, 50))
    assert ring.end - ring.first >= 100


def test_a_gap_in_the_count_empties_it() -> None:
    """What is before it joins nothing, and must not be sent as if it did."""
    ring = _filled(100, 300, 50, 50)
    ring.append(Frames(500), _audio(500, 50))
    assert (ring.first, ring.end) == (500, 550)
    assert ring.read(Frames(0)) == (500, _audio(500, 50))


def test_what_is_not_there_any_more_or_yet_is_left_out() -> None:
    """The answer says where it begins."""
    ring = _filled(100, 300, *[50] * 8)
    assert ring.read(Frames(0), Frames(320)) == (ring.first, _audio(ring.first, 320 - ring.first))
    assert ring.read(Frames(390), Frames(9999)) == (390, _audio(390, 10))
    assert ring.read(Frames(400)) == (400, b"")
    assert ring.read(Frames(350), Frames(340))[1] == b""


@given(
    blocks=st.lists(st.tuples(st.integers(1, 40), st.sampled_from([0, 0, 0, 0, 7])), min_size=1, max_size=30),
    pinned=st.one_of(st.none(), st.integers(0, 500)),
    asked=st.tuples(st.integers(0, 900), st.one_of(st.none(), st.integers(0, 900))),
)
def test_what_is_read_is_what_was_appended(
    blocks: list[tuple[int, int]], pinned: int | None, asked: tuple[int, int | None]
) -> None:
    """Frame by frame, against a plain record of everything since the last gap."""
    ring, at, whole_since = Preroll(Frames(100), Frames(300)), 0, 0
    if pinned is not None:
        ring.pin(Frames(pinned))
    for count, gap in blocks:
        if gap:
            at = whole_since = at + gap
        ring.append(Frames(at), _audio(at, count))
        at += count
    start, stop = asked
    begin, pcm = ring.read(Frames(start), None if stop is None else Frames(stop))
    assert pcm == _audio(begin, len(pcm) // 2)
    assert begin == max(start, ring.first)
    assert begin + len(pcm) // 2 == max(begin, min(at, at if stop is None else stop))
    assert ring.first >= whole_since and ring.end == at
    must_have = at - 100 if pinned is None else max(min(at - 100, pinned), at - 300)
    assert ring.first <= max(must_have, whole_since)
