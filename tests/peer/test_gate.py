"""Which turn a piece of audio belongs to, when the hub gives it no name."""

import random
from dataclasses import dataclass, field

import pytest

from satellite.peer.gate import Stream, StreamGate

# what Home Assistant sends, always
RATE_HZ = 22_050
CHUNK_FRAMES = 1024
CHUNK_MS = 46


@dataclass
class Clock:
    """A clock that is turned by hand."""

    now_s: float = 100.0

    def __call__(self) -> float:
        return self.now_s


@dataclass
class HubStream:
    """One answer as Home Assistant sends it: whole milliseconds from 0, rounded down at every chunk."""

    gate: StreamGate
    stream: Stream = field(init=False)
    at_ms: int = 0

    def __post_init__(self) -> None:
        self.stream = self.gate.start(0)

    def chunk(self, frames: int = CHUNK_FRAMES) -> Stream | None:
        at, self.at_ms = self.at_ms, self.at_ms + frames * 1000 // RATE_HZ
        return self.gate.chunk(at, frames, RATE_HZ)

    def chunks(self, count: int) -> list[Stream | None]:
        return [self.chunk() for _ in range(count)]

    def stop(self) -> Stream | None:
        return self.gate.stop(self.at_ms)

    @property
    def is_wanted(self) -> bool:
        return self.gate.is_wanted(self.stream)


def answering(turn: int, gate: StreamGate | None = None, owed: bool = False) -> StreamGate:
    """A gate in a turn that has been understood and answered."""
    gate = gate or StreamGate()
    gate.begin_turn(turn, owed)
    gate.expect_answer()
    return gate


def test_an_answer_from_its_first_chunk_to_its_end() -> None:
    """The plain case: one turn, one stream, all of it wanted."""
    gate = answering(1)
    hub = HubStream(gate)
    assert hub.stream.turn == 1
    assert hub.chunks(100) == [hub.stream] * 100
    assert hub.stop() is hub.stream
    assert gate.stale == 0


@pytest.mark.parametrize("seed", range(20))
def test_interleaved_streams_are_told_apart(seed: int) -> None:
    """The old answer goes on in bursts between the new one's: every chunk finds its own stream."""
    rng = random.Random(seed)
    gate = answering(1)
    old = HubStream(gate)
    old.chunks(rng.randrange(1, 40))
    answering(2, gate)
    old.chunks(rng.randrange(1, 40))
    before = gate.stale
    new = HubStream(gate)
    sender, left = new, {id(old): 300, id(new): 300}
    while any(left.values()):
        # at the very same time the two are one to the gate: there it takes a burst to go on
        if old.at_ms != new.at_ms or not left[id(sender)]:
            sender = rng.choice([s for s in (old, new) if left[id(s)]])
        left[id(sender)] -= 1
        assert sender.chunk() is (new.stream if sender is new else None)
    assert gate.stale - before == 300
    assert old.stop() is old.stream
    assert new.stop() is new.stream


def test_odd_chunk_lengths_keep_the_streams_apart() -> None:
    """The first and last chunks of a stream are shorter; the sum follows the hub's rounding, not the exact time."""
    gate = answering(1)
    old = HubStream(gate)
    old.chunk(517)
    old.chunks(3)
    answering(2, gate)
    new = HubStream(gate)
    for _ in range(200):
        assert new.chunk() is new.stream
        assert old.chunk() is None
    assert old.at_ms != round((517 + 203 * CHUNK_FRAMES) * 1000 / RATE_HZ)


def test_a_new_turn_makes_the_stream_that_runs_stale() -> None:
    """From the interruption on not one chunk of the old answer is wanted."""
    gate = answering(1)
    hub = HubStream(gate)
    hub.chunks(10)
    gate.begin_turn(2, owed=False)
    assert hub.chunks(10) == [None] * 10
    assert gate.stale == 10
    assert not gate.is_wanted(hub.stream)


def test_an_owed_answer_comes_before_the_present_one() -> None:
    """An answer whose speech was slow when it was given up is set aside when it comes, and stale when the next one does."""
    gate = answering(1)
    answering(2, gate, owed=True)
    late = HubStream(gate)
    assert gate.is_in_doubt(late.stream)
    assert late.chunks(5) == [late.stream] * 5
    new = HubStream(gate)
    assert (gate.is_in_doubt(new.stream), new.is_wanted, late.is_wanted) == (False, True, False)
    assert new.chunk() is new.stream
    assert late.chunk() is None


def test_an_answer_is_not_taken_for_one_whose_speech_failed() -> None:
    """Nothing comes of the owed one: the present one was only set aside, and none of it is missing when it is accepted."""
    gate = answering(1)
    answering(2, gate, owed=True)
    hub = HubStream(gate)
    assert hub.chunks(5) == [hub.stream] * 5
    gate.accept_answer()
    assert (hub.chunk(), hub.stop(), gate.stale) == (hub.stream, hub.stream, 0)
    assert not gate.is_in_doubt(hub.stream)
    assert HubStream(gate).stream.is_announcement


def test_an_owed_answer_before_the_present_transcript_is_stale() -> None:
    """What begins while the user still speaks is no answer to him, and no announcement either."""
    gate = answering(1)
    gate.begin_turn(2, owed=True)
    assert HubStream(gate).chunk() is None
    gate.expect_answer()
    hub = HubStream(gate)
    assert hub.chunk() is not None and not gate.is_in_doubt(hub.stream)


def test_every_cancelled_answer_is_counted() -> None:
    """Three answers given up in a row are three streams to set aside; the fourth is certain."""
    gate = answering(1)
    for turn in (2, 3, 4):
        answering(turn, gate, owed=True)
    hubs = []
    for is_in_doubt in (True, True, True, False):
        hubs.append(HubStream(gate))
        assert gate.is_in_doubt(hubs[-1].stream) is is_in_doubt
        assert [hub.is_wanted for hub in hubs] == [False] * (len(hubs) - 1) + [True]


def test_a_debt_is_forgotten_when_it_is_old() -> None:
    """When speech synthesis fails nothing comes, and the conversation would not have waited longer."""
    clock = Clock()
    gate = answering(1, StreamGate(clock))
    clock.now_s += 4
    gate.begin_turn(2, owed=True)
    clock.now_s += 6
    gate.expect_answer()
    assert not gate.is_in_doubt(HubStream(gate).stream)


def test_a_debt_lasts_as_long_as_speech_may_take() -> None:
    """A slow synthesis that was given up is still stale when it comes at last."""
    clock = Clock()
    gate = answering(1, StreamGate(clock))
    clock.now_s += 4
    gate.begin_turn(2, owed=True)
    clock.now_s += 5.9
    assert HubStream(gate).chunk() is None


def test_speech_that_answers_nothing_is_an_announcement() -> None:
    """A stream that begins while no answer is due and none is owed is an announcement, and is wanted."""
    gate = StreamGate()
    gate.begin_turn(3, owed=False)
    hub = HubStream(gate)
    assert (hub.stream.turn, hub.stream.is_announcement) == (None, True)
    assert hub.chunk() is hub.stream
    assert gate.stop(None) is hub.stream


def test_an_announcement_during_an_old_answer() -> None:
    """The announcement's end has no time, and yet does not end the stale stream that is fed between."""
    gate = answering(1)
    old = HubStream(gate)
    old.chunks(5)
    gate.begin_turn(2, owed=False)
    announcement = HubStream(gate)
    announcement.chunk()
    old.chunk()
    assert gate.stop(None) is announcement.stream
    assert old.chunk() is None


def test_an_announcement_becomes_stale_with_its_turn() -> None:
    """An announcement that was given a turn is interrupted like an answer."""
    gate = StreamGate()
    hub = HubStream(gate)
    hub.stream.turn = 1
    gate.begin_turn(1, owed=False)
    assert hub.chunk() is hub.stream
    gate.begin_turn(2, owed=False)
    assert hub.chunk() is None


def test_one_answer_a_turn() -> None:
    """What begins after the answer has begun is an announcement."""
    gate = answering(1)
    assert HubStream(gate).stream.turn == 1
    assert HubStream(gate).stream.is_announcement


def test_what_a_dead_run_still_says_is_stale() -> None:
    """A turn that was given up while the hub thought may leave one stream behind, before the next turn is understood."""
    clock = Clock()
    gate = answering(1, StreamGate(clock))
    gate.begin_turn(2, owed=False)
    clock.now_s += 4.9
    assert HubStream(gate).chunk() is None
    assert HubStream(gate).stream.is_announcement
    gate.expect_answer()
    assert HubStream(gate).stream.turn == 2


def test_a_text_that_comes_before_the_user_was_understood_is_of_a_dead_run() -> None:
    """Over a slow network: the hub had sent it before it heard that the run was given up, and its speech, too."""
    gate = StreamGate()
    for turn in (1, 2):
        gate.begin_turn(turn, owed=False)
    gate.text_is_known()
    assert HubStream(gate).chunk() is None
    gate.expect_answer()
    hub = HubStream(gate)
    assert hub.chunk() is not None and not gate.is_in_doubt(hub.stream)


def test_a_text_of_a_stream_that_has_begun_promises_no_other() -> None:
    """A hub that speaks while it thinks tells the whole text in the end, by which time the stream may be stale."""
    gate = answering(1)
    old = HubStream(gate)
    gate.begin_turn(2, owed=False)
    gate.text_is_known()
    assert old.chunk() is None
    assert HubStream(gate).stream.is_announcement


@pytest.mark.parametrize("is_remnant", [False, True])
def test_what_is_owed_may_wait_behind_stale_sound_for_as_long_as_that_takes(is_remnant: bool) -> None:
    """A network that is slower than speech: what a hub has sent at once comes after a minute."""
    clock = Clock()
    gate = answering(1, StreamGate(clock))
    old = HubStream(gate)
    answering(2, gate)
    gate.begin_turn(3, owed=not is_remnant)
    for _ in range(60):
        clock.now_s += 1
        assert old.chunk() is None
    clock.now_s += 4.9
    assert HubStream(gate).chunk() is None
    assert HubStream(gate).stream.is_announcement


@pytest.mark.parametrize("was_understood", [False, True])
def test_a_dead_run_says_nothing_after_a_while_or_if_it_had_not_thought(was_understood: bool) -> None:
    """An announcement is not lost to a run that cannot speak."""
    clock = Clock()
    gate = StreamGate(clock)
    gate.begin_turn(1, owed=False)
    if was_understood:
        gate.expect_answer()
    gate.begin_turn(2, owed=False)
    clock.now_s += 5.0 if was_understood else 0.0
    assert HubStream(gate).stream.is_announcement


def test_a_stream_that_died_does_not_catch_the_answer_that_passes_it() -> None:
    """A stale stream that broke off after the answer began waits at a time which the answer reaches."""
    gate = answering(1)
    answering(2, gate)
    new = HubStream(gate)
    new.chunks(3)
    dead = HubStream(gate)
    dead.stream.turn = 0
    dead.chunks(10)
    assert new.chunks(50) == [new.stream] * 50


def test_peers_without_timestamps_feed_the_newest_stream() -> None:
    """Start, chunks and end without any time are one answer after the other."""
    gate = answering(1)
    first = gate.start(None)
    assert gate.chunk(None, 320, 16_000) is first
    answering(2, gate)
    assert gate.chunk(None, 320, 16_000) is None
    second = gate.start(None)
    assert [gate.chunk(None, 320, 16_000) for _ in range(3)] == [second] * 3
    assert gate.stop(None) is second


def test_timestamps_of_another_kind_feed_the_newest_stream() -> None:
    """A peer that rounds in its own way, or counts from elsewhere, is heard all the same."""
    gate = answering(1)
    stream = gate.start(None)
    times = [981_234 + round(n * 1000 * CHUNK_FRAMES / RATE_HZ) for n in range(50)]
    assert [gate.chunk(at, CHUNK_FRAMES, RATE_HZ) for at in times] == [stream] * 50
    assert gate.stop(times[-1] + 47) is stream


def test_audio_of_no_stream_is_stale() -> None:
    """Chunks and ends without a beginning belong to nobody."""
    gate = answering(1)
    assert gate.chunk(0, CHUNK_FRAMES, RATE_HZ) is None
    assert gate.stop(0) is None
    assert gate.stale == 1
    hub = HubStream(gate)
    hub.stop()
    assert hub.chunk() is None
    assert gate.stale == 2


def test_streams_that_never_end_are_forgotten_and_the_live_one_is_not() -> None:
    """Home Assistant never ends the speech of a model it cancelled; a hundred of those do no harm."""
    gate = answering(1)
    live = HubStream(gate)
    for _ in range(100):
        HubStream(gate).chunk()
        assert live.chunks(2) == [live.stream] * 2
    assert live.stop() is live.stream
