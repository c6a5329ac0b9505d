"""What the fuzzers have found so far, through the same targets; and that these can find anything."""

import pytest

from satellite.peer.framing import Decoder
from tests.fuzz import hub, reader, seeds
from tests.fuzz.engine import CORPUS
from tests.fuzz.mutate import mutated


def _inputs(name: str) -> list[bytes]:
    found = [path.read_bytes() for path in sorted((CORPUS / name).iterdir())]
    assert len(found) > 20, "the corpus has gone"
    return found


def test_the_readers_corpus_passes() -> None:
    """Bytes of every kind."""
    for stream in [*_inputs("reader"), *seeds.GARBAGE.values()]:
        reader.check(stream)


def test_the_hubs_corpus_passes() -> None:
    """Conversations of every kind."""
    for stream in [*_inputs("hub"), *seeds.GARBAGE.values()]:
        hub.check(stream)


def test_garbage_is_refused() -> None:
    """What must not pass does not, and is not what the target counts as a finding."""
    refused = {name for name, stream in seeds.GARBAGE.items() if reader.decoded([stream])[1]}
    assert refused >= {"not-json", "list", "no-type", "ten-gigabytes", "length-is-true", "header-without-end", "utf-16"}


def test_the_reader_target_finds_a_broken_reader(monkeypatch: pytest.MonkeyPatch) -> None:
    """One that loses a byte wherever the stream is cut."""
    feed = Decoder.feed
    monkeypatch.setattr(Decoder, "feed", lambda self, received: feed(self, received[:-1]))
    with pytest.raises(AssertionError):
        for stream in _inputs("reader"):
            reader.check(stream)


def test_the_hub_target_finds_what_escapes(monkeypatch: pytest.MonkeyPatch) -> None:
    """As it found that a hub which chose us anew could not be lost any more."""
    monkeypatch.setattr("satellite.peer.hub.HubPeer._finish_kept_of", lambda self, is_over: self._kept["lost"])
    with pytest.raises(KeyError, match="lost"):
        for stream in _inputs("hub"):
            hub.check(stream)


def test_mutations_can_be_repeated() -> None:
    """The same seed makes the same stream, which is not the one that it was made of."""
    stream = _inputs("hub")[-1]
    made = [mutated(stream, 10_000, seed, lambda data, most: data[::-1]) for seed in range(20)]
    assert made == [mutated(stream, 10_000, seed, lambda data, most: data[::-1]) for seed in range(20)]
    assert len(set(made) - {stream}) > 10
