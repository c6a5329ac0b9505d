"""What leaves while there is voice, and what stays."""

from satellite.core.units import PERIOD_FRAMES, Frames, Probability
from satellite.core.voice_gate import HANG_FRAMES, LEAD_FRAMES, VoiceGate


class Stream:
    """A gate, its input, and what came out; every period holds its own number."""

    def __init__(self) -> None:
        self.out: list[tuple[Frames, bytes]] = []
        self.gate = VoiceGate(lambda first, pcm: self.out.append((first, pcm)))
        self.at = 0

    def run(self, frames: int, voice: float = 0.0) -> None:
        for _ in range(frames // PERIOD_FRAMES):
            self.gate.voice(Frames(self.at), Probability(voice))
            self.gate.heard(Frames(self.at), _period(self.at))
            self.at += PERIOD_FRAMES

    def passed(self) -> list[int]:
        """The frames that came out; fails if one came twice, out of order, or changed."""
        frames: list[int] = []
        for first, pcm in self.out:
            assert pcm == b"".join(_period(first + i) for i in range(0, len(pcm) // 2, PERIOD_FRAMES))
            frames += range(first, first + len(pcm) // 2, PERIOD_FRAMES)
        assert frames == sorted(set(frames))
        return frames


def _period(at: int) -> bytes:
    return (at // PERIOD_FRAMES).to_bytes(2, "little") * PERIOD_FRAMES


def test_nothing_leaves_without_a_voice() -> None:
    """However long."""
    stream = Stream()
    stream.run(10 * LEAD_FRAMES, voice=0.49)
    assert stream.out == []


def test_a_voice_brings_what_was_before_and_after_it() -> None:
    """Two seconds of each, and nothing is missing between them."""
    stream = Stream()
    stream.run(2 * LEAD_FRAMES)
    onset = stream.at
    stream.run(8000, voice=0.9)
    end = stream.at
    stream.run(10 * HANG_FRAMES)
    passed = stream.passed()
    assert len(passed) == (passed[-1] - passed[0]) // PERIOD_FRAMES + 1
    assert passed[0] == onset + PERIOD_FRAMES - LEAD_FRAMES
    assert passed[-1] == end - 2 * PERIOD_FRAMES + HANG_FRAMES


def test_a_second_voice_repeats_nothing() -> None:
    """Also if it begins while what was heard before it has left already."""
    stream = Stream()
    for pause in (HANG_FRAMES // 2, HANG_FRAMES + 1600, 5 * HANG_FRAMES):
        stream.run(8000, voice=0.9)
        stream.run(pause)
    assert stream.passed()[0] == 0


def test_a_gap_in_the_stream_is_a_gap_in_what_leaves() -> None:
    """What was before it does not belong to what is after it."""
    stream = Stream()
    stream.run(LEAD_FRAMES)
    stream.at += 160_000
    after = stream.at
    stream.run(1600, voice=0.9)
    assert stream.passed()[0] == after
