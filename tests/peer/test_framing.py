"""The bounded decoder and the encoder, against the wyoming library's own reader and writer."""

import asyncio
import itertools
import json
import tracemalloc
from collections.abc import Iterable
from typing import Any, cast

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from wyoming.event import Event, async_read_event, async_write_event

from satellite.errors import PeerError
from satellite.peer.framing import Decoder, Limits, encode

# a busy machine is not a defect
calm = settings(deadline=None)

SMALL = Limits(header=200, data=100, payload=1000)

texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=8,
)
events = st.builds(
    Event, type=texts, data=st.dictionaries(texts, values, max_size=4), payload=st.none() | st.binary(min_size=1, max_size=300)
)


def cut(stream: bytes, places: Iterable[int]) -> list[bytes]:
    """The stream in pieces that end at the given places."""
    edges = [0, *sorted({place % (len(stream) + 1) for place in places}), len(stream)]
    return [stream[begin:end] for begin, end in itertools.pairwise(edges)]


def decode(pieces: Iterable[bytes], limits: Limits | None = None) -> list[Event]:
    """All events of a stream that comes in pieces."""
    decoder = Decoder(limits)
    return [event for piece in pieces for event in decoder.feed(piece)]


def line(**fields: Any) -> bytes:
    """A header line."""
    return json.dumps(fields).encode() + b"\n"


class Written:
    """What the library wants of a StreamWriter."""

    def __init__(self) -> None:
        self.stream = b""

    def write(self, data: bytes) -> None:
        self.stream += data

    def writelines(self, lines: Iterable[bytes]) -> None:
        self.stream += b"".join(lines)

    async def drain(self) -> None:
        pass


def written_by_library(event: Event) -> bytes:
    """The bytes that the library sends."""
    writer = Written()
    asyncio.run(async_write_event(event, cast(asyncio.StreamWriter, writer)))
    return writer.stream


def read_by_library(stream: bytes) -> list[Event]:
    """The events that the library understands."""

    async def read() -> list[Event]:
        reader = asyncio.StreamReader()
        reader.feed_data(stream)
        reader.feed_eof()
        found = []
        while (event := await async_read_event(reader)) is not None:
            found.append(event)
        return found

    return asyncio.run(read())


@calm
@given(st.lists(events, max_size=5), st.lists(st.integers(0, 10_000), max_size=12))
def test_any_split_decodes_to_the_same_events(sent: list[Event], places: list[int]) -> None:
    """Where the network cuts the stream makes no difference."""
    stream = b"".join(map(encode, sent))
    assert decode(cut(stream, places)) == sent
    assert decode(bytes([byte]) for byte in stream) == sent


@calm
@given(events)
def test_encodes_byte_for_byte_as_the_library(event: Event) -> None:
    """Nobody can tell our bytes from the library's."""
    assert encode(event) == written_by_library(event)


@calm
@given(st.lists(events, max_size=4))
def test_library_reads_what_we_write(sent: list[Event]) -> None:
    """Peers built on the library get every event whole."""
    assert read_by_library(b"".join(map(encode, sent))) == sent


@calm
@given(st.lists(events, max_size=4))
def test_reads_what_the_library_writes(sent: list[Event]) -> None:
    """We get every event of peers built on the library whole."""
    assert decode([b"".join(map(written_by_library, sent))]) == sent


@calm
@given(st.binary(max_size=400) | st.builds(lambda head, rest: json.dumps(head).encode() + b"\n" + rest, values, st.binary()))
def test_any_garbage_is_a_peer_error_or_waits_for_more(garbage: bytes) -> None:
    """No bytes bring the decoder down in another way."""
    try:
        decode([garbage], SMALL)
    except PeerError as error:
        assert len(str(error)) < 400


lengths = values | st.integers(-5, 1200)
headers = st.fixed_dictionaries({"type": texts}, optional={"data": values, "data_length": lengths, "payload_length": lengths})


@calm
@given(headers, st.binary(max_size=50))
def test_any_header_is_taken_or_is_a_peer_error(header: dict[str, Any], rest: bytes) -> None:
    """Whatever stands where a length or data should be, events have the right types."""
    try:
        found = decode([line(**header), rest], SMALL)
    except PeerError:
        return
    for event in found:
        assert isinstance(event.type, str)
        assert isinstance(event.data, dict)
        assert event.payload is None or event.payload


@pytest.mark.parametrize(
    ("stream", "says"),
    [
        (b"garbage\n", "not JSON"),
        (b"\n", "not JSON"),
        (b'{"type": "\xff"}\n', "not JSON.*utf-8"),
        (b'{"type": "\xed\xa0\x80"}\n', "not JSON.*utf-8"),
        ('{"type": "ping"}'.encode("utf-16-be") + b"\n", "not JSON"),
        (b"[]\n", "is list, not an object"),
        (b"{}\n", "type is NoneType, not a string"),
        (line(type=5), "type is int, not a string"),
        (line(type="a", data=5), "'a': data is int, not an object"),
        (line(type="a", data_length=True), "data_length is True, not a count"),
        (line(type="a", data_length="5"), "data_length is '5', not a count"),
        (line(type="a", data_length=2.0), "data_length is 2.0, not a count"),
        (line(type="a", data_length=-1), "data_length is -1, not a count"),
        (line(type="a", payload_length=-1), "payload_length is -1, not a count"),
        (line(type="a", payload_length=[[[[[[[[1]]]]]]]]), r"payload_length is \[.*\.\.\..*\], not a count"),
        (line(type="a", data_length=101), "data_length is 101; at most 100 bytes are taken"),
        (line(type="a", payload_length=10**10), "payload_length is 10000000000; at most 1000 bytes are taken"),
        (line(type="a", data_length=2) + b"[]", "'a': data that is list, not an object"),
        (line(type="a", data_length=2) + b"{x", "'a': data that is not JSON"),
        (line(type="a" * 400), "a header line of more than 200 bytes"),
        (b"{" * 201, "a header line of more than 200 bytes"),
    ],
)
def test_names_what_is_wrong(stream: bytes, says: str) -> None:
    """The operator reads what the peer did wrong, and how much too much it was."""
    with pytest.raises(PeerError, match=says):
        decode([stream], SMALL)


def test_rubbish_takes_nothing_along_that_came_before_it() -> None:
    """What was complete is given out, whether or not the rubbish came in the same packet."""
    decoder, found = Decoder(), []
    with pytest.raises(PeerError):
        found += decoder.feed(line(type="ping") + b"rubbish\n")
    assert found == [Event("ping")]


def test_an_error_does_not_depend_on_the_packets() -> None:
    """A header without an end is refused in the same words whether its end has come or not."""
    stream = line(type="a" * 400)
    says = []
    for pieces in ([stream], [stream[:300], stream[300:]]):
        with pytest.raises(PeerError) as caught:
            decode(pieces, SMALL)
        says.append(str(caught.value))
    assert says[0] == says[1]


@pytest.mark.parametrize("stream", [b"[" * 60_000 + b"\n", line(type="a", data_length=90_000) + b'{"a":' * 18_000])
def test_deep_nesting_is_a_peer_error(stream: bytes) -> None:
    """A small message that nests without end does not bring the reader down."""
    with pytest.raises(PeerError, match="nested too deep"):
        decode([stream])


def test_what_is_nested_too_deep_to_be_passed_on_is_a_peer_error() -> None:
    """It was read with more of the stack left than there is where it is written."""
    nested: Any = {}
    for _ in range(100_000):
        nested = {"a": nested}
    with pytest.raises(PeerError, match="nested too deep"):
        encode(Event("intent", nested))
    # taken apart by hand: freeing it at once would take as deep a stack
    while nested:
        nested = nested.pop("a")


def test_messages_are_one_short_line() -> None:
    """A peer can neither forge log lines nor fill the log."""
    with pytest.raises(PeerError) as caught:
        decode([line(type="a\nforged" + "x" * 60_000, payload_length="\x1b[2J" * 1000)])
    assert len(str(caught.value)) < 200
    assert str(caught.value).isprintable()


def test_exactly_the_limits_are_taken() -> None:
    """The bounds are the last good lengths."""
    header = line(type="a", data_length=100, payload_length=1000)
    header = header[:-2] + b" " * (201 - len(header)) + b"}\n"
    assert len(header) == 201
    data = b"{" + b" " * 98 + b"}"
    assert decode([header, data, bytes(1000)], SMALL) == [Event("a", {}, bytes(1000))]


def test_inline_data_is_updated_by_the_data_block() -> None:
    """Hand-written peers put data into the header; both are one."""
    block = b'{"b": 3, "c": 4}'
    stream = line(type="a", data={"a": 1, "b": 2}, data_length=len(block)) + block
    assert decode([stream]) == read_by_library(stream) == [Event("a", {"a": 1, "b": 3, "c": 4})]


@pytest.mark.parametrize("fields", [{}, {"data": None}, {"data_length": None, "payload_length": None}, {"payload_length": 0}])
def test_what_is_absent_is_empty(fields: dict[str, Any]) -> None:
    """Nobody who gets an event has to ask whether it has data."""
    assert decode([line(type="ping", **fields)]) == [Event("ping", {}, None)]


def test_two_events_without_data_share_none() -> None:
    """What one reader adds to an event does not turn up in another."""
    first, second = decode([line(type="a") * 2])
    first.data["x"] = 1
    assert second.data == {}


def test_half_a_character_does_not_break_the_encoder() -> None:
    """Text that a peer escaped wrongly can be sent back."""
    (event,) = decode([rb'{"type": "ping", "data": {"text": "\ud800"}}' + b"\n"])
    assert decode([encode(event)]) == [Event("ping", {"text": "?"})]


def test_an_announced_payload_takes_no_memory() -> None:
    """Only what has come is held, not what was promised."""
    decoder = Decoder()
    tracemalloc.start()
    try:
        assert list(decoder.feed(line(type="audio-chunk", payload_length=16 * 1024 * 1024) + bytes(1000))) == []
        assert tracemalloc.get_traced_memory()[1] < 100_000
    finally:
        tracemalloc.stop()
    assert decoder.held_bytes == 1000


def test_a_large_payload_in_pieces_is_not_copied_over_and_over() -> None:
    """A whole answer as one chunk costs its size twice at the most: what is held, and the event."""
    size = 16 * 1024 * 1024
    decoder, piece = Decoder(), bytes(64 * 1024)
    assert list(decoder.feed(line(type="audio-chunk", payload_length=size))) == []
    tracemalloc.start()
    try:
        found = [event for _ in range(size // len(piece)) for event in decoder.feed(piece)]
        assert tracemalloc.get_traced_memory()[1] < 2.2 * size
    finally:
        tracemalloc.stop()
    assert [len(event.payload or b"") for event in found] == [size]
    assert decoder.is_between_events


def test_knows_whether_the_stream_may_end() -> None:
    """A connection that is cut inside an event can be told from one that was closed."""
    decoder = Decoder()
    states = [decoder.is_between_events]
    for piece in (b'{"type": "a", "payload', b'_length": 2}\n', b"x", b"y"):
        list(decoder.feed(piece))
        states.append(decoder.is_between_events)
    assert states == [True, False, False, False, True]
