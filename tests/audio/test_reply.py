"""One reply as samples, from bytes of any size."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from satellite.audio.card import Samples
from satellite.audio.reply import Reply
from satellite.errors import PeerError

RATE_HZ = 16_000


def _sound(frames: int, channels: int = 1) -> Samples:
    wave = np.sin(np.arange(frames * channels) / 7.0)
    samples: Samples = (9000 * wave).astype(np.int16)
    return samples


def _fed(pieces: list[bytes], rate_hz: int = RATE_HZ, channels: int = 1) -> Samples:
    reply = Reply(1, RATE_HZ)
    for piece in pieces:
        reply.feed(piece, rate_hz, 2, channels)
    reply.finish()
    assert reply.is_complete
    return reply.read(0, reply.frames)


def _are_same(some: Samples, others: Samples) -> bool:
    """But for the dither of two resamplings: a bit each."""
    return len(some) == len(others) and bool((np.abs(some.astype(int) - others.astype(int)) <= 2).all())


def _cut(pcm: bytes, places: list[int]) -> list[bytes]:
    ends = sorted(place % (len(pcm) + 1) for place in places)
    return [pcm[begin:end] for begin, end in zip([0, *ends], [*ends, len(pcm)], strict=True)]


@pytest.mark.parametrize("channels", [1, 2, 3])
@pytest.mark.parametrize("rate_hz", [RATE_HZ, 22_050])
@given(places=st.lists(st.integers(0, 10_000), max_size=20))
def test_chunks_may_end_anywhere_in_a_sample(rate_hz: int, channels: int, places: list[int]) -> None:
    """Half a sample waits for its other half in the next chunk: not one is lost, doubled, or put together wrongly."""
    pcm = _sound(1500, channels).tobytes()
    assert _are_same(_fed(_cut(pcm, places), rate_hz, channels), _fed([pcm], rate_hz, channels))


@pytest.mark.parametrize("rate_hz", [RATE_HZ, 22_050])
def test_half_a_sample_at_the_end_is_dropped(rate_hz: int) -> None:
    """Nothing can be made of it."""
    pcm = _sound(1500).tobytes()
    assert _are_same(_fed([pcm, b"\x7f"], rate_hz), _fed([pcm], rate_hz))


@pytest.mark.parametrize("pieces", [[], [b""], [b"\x01"]])
def test_a_reply_of_no_sample_is_empty(pieces: list[bytes]) -> None:
    """A stream may end before it has begun."""
    assert len(_fed(pieces, 22_050)) == 0


@pytest.mark.parametrize("rest_hz", [RATE_HZ, 22_050])
def test_a_reply_may_go_on_after_its_end(rest_hz: int) -> None:
    """With a stream of its own: half a sample of the first is not put before it, nor is its rate."""
    first, second = _sound(1501), _sound(800)
    reply = Reply(1, RATE_HZ)
    reply.feed(first.tobytes() + b"\x7f", 22_050, 2, 1)
    reply.finish()
    frames = reply.frames
    reply.reopen()
    assert not reply.is_complete
    reply.feed(second.tobytes(), rest_hz, 2, 1)
    reply.finish()
    reply.finish()
    rest = reply.read(frames, reply.frames)
    assert _are_same(rest, _fed([second.tobytes()], rest_hz))


@pytest.mark.parametrize(("rate_hz", "width", "channels"), [(22_050, 1, 1), (22_050, 4, 1), (100, 2, 1), (22_050, 2, 9)])
def test_other_formats_are_the_peers_fault(rate_hz: int, width: int, channels: int) -> None:
    """Rather than noise."""
    with pytest.raises(PeerError, match="16-bit"):
        Reply(1, RATE_HZ).feed(b"\0" * 16, rate_hz, width, channels)


def test_a_rate_that_changes_midway_is_the_peers_fault() -> None:
    """Nobody means that."""
    reply = Reply(1, RATE_HZ)
    reply.feed(b"\0" * 16, 22_050, 2, 1)
    with pytest.raises(PeerError, match="changed"):
        reply.feed(b"\0" * 16, 16_000, 2, 1)
