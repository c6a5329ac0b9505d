"""The books of what has left the speaker, against books kept frame by frame."""

from hypothesis import given
from hypothesis import strategies as st

from satellite.core.ledger import Ledger


def test_what_the_card_still_holds_has_not_been_played() -> None:
    """Written is not heard."""
    ledger = Ledger()
    ledger.wrote(100, 0, audible=True)
    ledger.settle(100)
    assert (ledger.played, ledger.heard) == (0, 0)
    ledger.settle(30)
    assert (ledger.played, ledger.heard) == (70, 70)


def test_silence_is_not_part_of_the_reply() -> None:
    """Neither before nor between nor after it."""
    ledger = Ledger()
    ledger.wrote(50, None, audible=True)
    ledger.wrote(100, 0, audible=True)
    ledger.wrote(50, None, audible=True)
    ledger.settle(120)
    assert ledger.played == 30
    ledger.settle(0)
    assert ledger.played == 100


def test_what_was_ducked_was_played_and_not_heard() -> None:
    """Nobody followed it."""
    ledger = Ledger()
    ledger.wrote(100, 0, audible=True)
    ledger.wrote(100, 100, audible=False)
    ledger.settle(0)
    assert (ledger.played, ledger.heard) == (200, 100)


def test_what_is_repeated_after_a_rewind_counts_once() -> None:
    """A resume goes back 200 ms."""
    ledger = Ledger()
    ledger.wrote(100, 0, audible=True)
    ledger.wrote(100, 60, audible=True)
    ledger.settle(0)
    assert (ledger.played, ledger.heard) == (160, 160)


def test_what_was_ducked_and_is_heard_in_the_repeat_was_heard() -> None:
    """The rewind is there for that."""
    ledger = Ledger()
    ledger.wrote(100, 0, audible=True)
    ledger.wrote(40, 100, audible=False)
    ledger.wrote(100, 60, audible=True)
    ledger.settle(0)
    assert (ledger.played, ledger.heard) == (160, 160)


def test_what_was_dropped_was_never_played() -> None:
    """`drop()` throws away what the card holds."""
    ledger = Ledger()
    ledger.wrote(100, 0, audible=True)
    ledger.settle(40)
    ledger.discard()
    ledger.wrote(10, None, audible=True)
    ledger.settle(0)
    assert ledger.played == 60


_writes = st.tuples(st.just("wrote"), st.integers(1, 20), st.one_of(st.none(), st.integers(0, 40)), st.booleans(), st.just(0))
_settles = st.tuples(st.just("settle"), st.just(0), st.none(), st.just(False), st.integers(0, 60))
_discards = st.tuples(st.just("discard"), st.just(0), st.none(), st.just(False), st.just(0))


@given(st.lists(st.one_of(_writes, _settles, _writes, _settles, _discards), max_size=30))
def test_it_agrees_with_books_kept_frame_by_frame(deeds: list[tuple[str, int, int | None, bool, int]]) -> None:
    """Each frame of the speaker's queue by itself; and 0 <= heard <= played at every moment."""
    ledger = Ledger()
    queue: list[tuple[int | None, bool]] = []
    played = heard = heard_until = 0
    for deed, count, source, audible, queued in deeds:
        if deed == "wrote":
            ledger.wrote(count, source, audible)
            queue += [(None if source is None else source + n, audible) for n in range(count)]
        elif deed == "discard":
            ledger.discard()
            queue.clear()
        else:
            ledger.settle(queued)
            while len(queue) > queued:
                frame, is_audible = queue.pop(0)
                if frame is None:
                    continue
                played = max(played, frame + 1)
                if is_audible and frame >= heard_until:
                    heard, heard_until = heard + 1, frame + 1
        assert (ledger.played, ledger.heard) == (played, heard)
        assert 0 <= ledger.heard <= ledger.played
