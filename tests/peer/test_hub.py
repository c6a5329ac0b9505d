"""Which speech is heard: a hub's events on one side, the conversation on the other, and what is played of it between them."""

from dataclasses import dataclass, field

import pytest
from wyoming.event import Event as WireEvent

from satellite.core import actions as act
from satellite.core import events as ev
from satellite.core.actions import Action
from satellite.core.state import State
from satellite.core.units import Millis
from satellite.errors import PeerError
from satellite.peer.hub import HubPeer
from tests.core.driver import Driver

RATE_HZ = 22_050
CHUNK_FRAMES = 1024


@dataclass
class Sink:
    """One reply, as far as it has come."""

    turn: int
    rate_hz: int = RATE_HZ
    pcm: bytes = b""
    is_complete: bool = False

    @property
    def frames(self) -> int:
        return len(self.pcm) // 2

    def feed(self, pcm: bytes, rate_hz: int, width: int, channels: int) -> None:
        self.pcm += pcm

    def finish(self) -> None:
        self.is_complete = True

    def reopen(self) -> None:
        self.is_complete = False


@dataclass
class Wire:
    """What the hub is sent."""

    sent: list[str] = field(default_factory=list)

    def send(self, event: WireEvent) -> bool:
        self.sent.append(event.type)
        return True


class Desk:
    """A satellite without sound: the hub's shell, the conversation behind it, and what it plays."""

    def __init__(self) -> None:
        self.driver = Driver()
        self.wire = Wire()
        self.replies: dict[int, Sink] = {}
        self.played: list[Sink] = []
        self.hub = HubPeer("test", None, (), self.emit, self._open_reply, lambda: Millis(self.driver.at))
        self.hub._server = self.wire  # type: ignore[assignment]
        self.hub.session_opened("test")
        self.says("error", code="validation-error")

    def emit(self, event: ev.Event) -> None:
        self._do(self.driver.give(event))

    def _do(self, actions: tuple[Action, ...]) -> None:
        for action in actions:
            match action:
                case act.BeginTurn(turn, owed):
                    self.hub.begin_turn(turn, owed)
                case act.ExpectAnswer():
                    self.hub.expect_answer()
                case act.AcceptAnswer():
                    self.hub.accept_answer()
                case act.ContinueReply():
                    self.hub.continue_reply()
                case act.SendAbort():
                    self.hub.abort()
                case act.SendRun():
                    self.hub.run()
                case act.Play(turn):
                    self.played.append(self.replies[turn])

    def _open_reply(self, turn: int) -> Sink:
        self.replies[turn] = Sink(turn)
        return self.replies[turn]

    @property
    def state(self) -> State:
        return self.driver.state

    def wakes(self) -> None:
        self._do(self.driver.wake())

    def expires(self) -> None:
        """What is waited for does not come."""
        self._do(self.driver.expire())

    def says(self, kind: str, payload: bytes | None = None, **data: object) -> None:
        """The hub does."""
        self.hub.session_event(WireEvent(kind, data, payload))

    def asked(self) -> None:
        """The user asks, and is understood."""
        self.wakes()
        if self.driver.conversation.deadline is ev.Deadline.ABORT_ACK:
            self.says("error", code="validation-error")
        self.says("transcribe")
        self.says("transcript", text="what is the news")

    def speech(self, value: int, chunks: int = 3, is_announcement: bool = False, since: int = 0) -> bytes:
        """One stream from beginning to end, which begins at this time."""
        pcm = bytes([value]) * 2 * CHUNK_FRAMES
        self.says("audio-start", rate=RATE_HZ, width=2, channels=1, timestamp=since)
        for n in range(chunks):
            self.says("audio-chunk", pcm, rate=RATE_HZ, width=2, channels=1, timestamp=since + 46 * n)
        self.says("audio-stop", timestamp=None if is_announcement else since + 46 * chunks)
        return pcm * chunks

    def answers(self, text: str = "nothing new") -> None:
        """A whole question, up to the text of its answer."""
        self.asked()
        self.says("synthesize", text=text)

    def later(self, clock: pytest.MonkeyPatch, seconds: float) -> None:
        """Time passes for the gate, whose clock is the machine's."""
        now_s = self.hub._gate._now_s()
        clock.setattr(self.hub._gate, "_now_s", lambda: now_s + seconds)


def test_an_answer_is_played() -> None:
    """The plain case."""
    desk = Desk()
    desk.asked()
    desk.says("synthesize", text="nothing new")
    pcm = desk.speech(1)
    assert desk.played == [Sink(1, pcm=pcm, is_complete=True)]


def test_a_question_after_a_failed_synthesis_is_answered_at_once() -> None:
    """The time limit has passed: what has not come is not coming, and takes nobody's place."""
    desk = Desk()
    desk.asked()
    desk.says("synthesize", text="this is never spoken")
    desk.expires()
    assert desk.state is State.IDLE
    desk.asked()
    desk.says("synthesize", text="but this is")
    pcm = desk.speech(2)
    assert desk.played == [Sink(3, pcm=pcm, is_complete=True)]


def test_an_impatient_question_after_a_failed_synthesis_is_answered() -> None:
    """Asked before the limit: the answer waits, in case it is the earlier one, and is then heard from its first sample."""
    desk = Desk()
    desk.asked()
    desk.says("synthesize", text="this is never spoken")
    desk.asked()
    desk.says("synthesize", text="but this is")
    pcm = desk.speech(2)
    assert desk.played == []
    desk.expires()
    assert desk.played == [Sink(2, pcm=pcm, is_complete=True)]
    assert desk.driver.reply.complete


def test_an_impatient_question_after_a_slow_synthesis_is_answered_by_its_own_answer() -> None:
    """The earlier answer comes first, and not a sample of it is heard; nor is it kept."""
    desk = Desk()
    desk.asked()
    desk.says("synthesize", text="the earlier one")
    desk.asked()
    desk.speech(1)
    desk.says("synthesize", text="the present one")
    pcm = desk.speech(2)
    assert desk.played == [Sink(2, pcm=pcm, is_complete=True)]
    assert list(desk.replies) == [2]


def test_what_a_cancelled_run_had_begun_to_say_is_not_heard() -> None:
    """Its speech comes after the hub has acknowledged the abort; the user goes on speaking, and is answered."""
    desk = Desk()
    desk.asked()
    desk.wakes()
    desk.says("error", code="validation-error")
    desk.says("audio-start", rate=RATE_HZ, width=2, channels=1, timestamp=0)
    desk.says("audio-chunk", bytes(2 * CHUNK_FRAMES), rate=RATE_HZ, width=2, channels=1, timestamp=0)
    assert (desk.state, desk.played) == (State.LISTENING, [])
    desk.says("transcribe")
    desk.says("transcript", text="what is the weather")
    desk.says("synthesize", text="rain")
    pcm = desk.speech(2)
    assert desk.played == [Sink(2, pcm=pcm, is_complete=True)]


def test_an_announcement_that_is_taken_for_a_cancelled_runs_speech_is_released() -> None:
    """The hub waits for its end; the next one is spoken."""
    desk = Desk()
    desk.asked()
    desk.wakes()
    desk.says("error", code="validation-error")
    before = desk.wire.sent.count("played")
    desk.speech(3, is_announcement=True)
    assert (desk.wire.sent.count("played") - before, desk.played) == (1, [])
    pcm = desk.speech(4, is_announcement=True)
    assert desk.played == [Sink(3, pcm=pcm, is_complete=True)]


def test_an_announcement_right_after_the_hub_connected_is_spoken() -> None:
    """The abort with which we learn whether it acknowledges them has cancelled nothing that could speak."""
    desk = Desk()
    pcm = desk.speech(1, is_announcement=True)
    assert desk.played == [Sink(1, pcm=pcm, is_complete=True)]


def test_words_of_a_run_that_is_being_cancelled_let_nothing_be_the_answer() -> None:
    """Its transcript was on the wire: what begins before the new one's is no answer to it."""
    desk = Desk()
    desk.wakes()
    desk.says("transcribe")
    desk.driver.voice(640)
    desk.driver.silence(704)
    desk.wakes()
    desk.says("transcript", text="of the run before")
    desk.says("error", code="validation-error")
    pcm = desk.speech(1, is_announcement=True)
    assert desk.played == [Sink(3, pcm=pcm, is_complete=True)]
    assert desk.driver.reply.is_announcement


def test_speech_that_was_interrupted_is_not_kept() -> None:
    """Its stream may never end, and its audio must not pile up."""
    desk = Desk()
    for _ in range(3):
        desk.asked()
        desk.says("audio-start", rate=RATE_HZ, width=2, channels=1, timestamp=0)
        assert len(desk.hub._sinks) == 1
        desk.wakes()
        assert (desk.state, desk.hub._sinks) == (State.LISTENING, {})


# ---- an answer in several streams


def _sentences(desk: Desk, *sinces: int) -> bytes:
    return b"".join(desk.speech(n, since=since) for n, since in enumerate(sinces, start=1))


@pytest.mark.parametrize("sinces", [(0, 0, 0), (0, 138, 276)], ids=["each from zero", "on one clock"])
def test_an_answer_in_several_streams_is_one_reply(sinces: tuple[int, ...]) -> None:
    """A hub that ends the stream in the middle of an answer, and goes on, has not ended the answer."""
    desk = Desk()
    desk.answers()
    pcm = _sentences(desk, *sinces)
    assert desk.played == [Sink(1, pcm=pcm, is_complete=True)]
    assert (desk.state, desk.driver.reply.complete) == (State.SPEAKING, True)
    assert desk.driver.reply.position.total == len(pcm) // 2 * 1000 // RATE_HZ


def test_a_hub_that_speaks_sentence_by_sentence_while_it_thinks_has_all_the_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """As long as the answer's text is not told, what begins while it plays is more of it."""
    desk = Desk()
    desk.asked()
    pcm = desk.speech(1)
    desk.later(monkeypatch, 4.0)
    pcm += desk.speech(2)
    assert desk.played == [Sink(1, pcm=pcm, is_complete=True)]


def test_a_reply_that_goes_on_has_as_long_as_all_of_it_needs() -> None:
    """The limit that the first stream's end set is for the first stream."""
    desk = Desk()
    desk.answers()
    desk.speech(1)
    desk.says("audio-start", rate=RATE_HZ, width=2, channels=1, timestamp=0)
    desk.driver.wait(60_000)
    assert desk.driver.is_in(State.SPEAKING) and not desk.driver.reply.complete


def test_the_rest_of_an_answer_that_has_ended_is_still_heard() -> None:
    """It is spoken as what nobody asked for."""
    desk = Desk()
    desk.answers()
    desk.speech(1)
    desk._do(desk.driver.end())
    pcm = desk.speech(2)
    assert desk.played[1:] == [Sink(2, pcm=pcm, is_complete=True)]


def test_the_rest_of_an_answer_that_was_interrupted_is_stale() -> None:
    """Not a sample of it is heard."""
    desk = Desk()
    desk.answers()
    first = desk.speech(1)
    desk.driver.hold()
    desk._do(desk.driver.voice(512))
    desk.says("transcribe")
    desk.speech(2)
    assert desk.played[0].pcm == first


class KeepingDesk(Desk):
    """One that also keeps announcements which have to wait."""

    def _do(self, actions: tuple[Action, ...]) -> None:
        for action in actions:
            if isinstance(action, act.KeepAnnouncement):
                self.hub.keep_announcement(action.id)
        super()._do(actions)

    def begins_announcement_over_answer(self, clock: pytest.MonkeyPatch) -> None:
        """It has to wait, and its stream is not at its end."""
        self.answers()
        self.speech(1)
        self.later(clock, 1.5)
        self.says("audio-start", rate=RATE_HZ, width=2, channels=1, timestamp=0)
        assert len(self.hub._kept) == 1


def test_an_announcement_of_a_hub_that_chooses_us_again_is_cut_short_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """It had muted us, and comes back over the same connection: the session goes on, and can end."""
    desk = KeepingDesk()
    desk.begins_announcement_over_answer(monkeypatch)
    desk.says("pause-satellite")
    desk.hub.session_opened("test")
    assert desk.hub._kept == {}
    desk.hub.session_closed("it is gone")
    assert not desk.driver.conversation.is_linked


def test_announcements_without_an_end_do_not_pile_up(monkeypatch: pytest.MonkeyPatch) -> None:
    """More than the gate follows at once are at their end: nothing more can come of them."""
    desk = KeepingDesk()
    desk.begins_announcement_over_answer(monkeypatch)
    for _ in range(30):
        desk.says("audio-start", rate=RATE_HZ, width=2, channels=1, timestamp=0)
    assert len(desk.hub._kept) <= len(desk.hub._sinks) <= 8


def test_an_announcement_over_an_answer_is_released_and_does_not_lengthen_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """One voice at a time; the hub does not wait for what will not be played."""
    desk = Desk()
    desk.answers()
    pcm = desk.speech(1)
    desk.later(monkeypatch, 1.5)
    assert "played" not in desk.wire.sent
    desk.speech(2, is_announcement=True)
    assert desk.wire.sent.count("played") == 1
    assert desk.played == [Sink(1, pcm=pcm, is_complete=True)]


# ---- times in seconds, as Home Assistant sent them up to 2025.5


def _speech_in_seconds(desk: Desk, value: int, chunks: range) -> bytes:
    pcm = bytes([value]) * 2 * CHUNK_FRAMES
    for n in chunks:
        at = sum([CHUNK_FRAMES / RATE_HZ] * n)
        desk.says("audio-chunk", pcm, rate=RATE_HZ, width=2, channels=1, timestamp=at if n else 0)
    return pcm * len(chunks)


def test_streams_with_times_in_seconds_are_told_apart() -> None:
    """An old answer goes on between the new one's chunks."""
    desk = Desk()
    desk.answers()
    desk.says("audio-start", rate=RATE_HZ, width=2, channels=1, timestamp=0)
    _speech_in_seconds(desk, 1, range(100))
    desk.answers()
    desk.says("audio-start", rate=RATE_HZ, width=2, channels=1, timestamp=0)
    pcm = _speech_in_seconds(desk, 2, range(3))
    _speech_in_seconds(desk, 1, range(100, 110))
    pcm += _speech_in_seconds(desk, 2, range(3, 50))
    _speech_in_seconds(desk, 1, range(110, 120))
    pcm += _speech_in_seconds(desk, 2, range(50, 60))
    desk.says("audio-stop", timestamp=sum([CHUNK_FRAMES / RATE_HZ] * 120))
    assert not desk.played[-1].is_complete
    desk.says("audio-stop", timestamp=sum([CHUNK_FRAMES / RATE_HZ] * 60))
    assert desk.played[-1] == Sink(2, pcm=pcm, is_complete=True)
    # the end of a stale stream is not that of an announcement
    assert desk.wire.sent.count("played") == 0


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -0.1, 1e300, "0", True, -1])
@pytest.mark.parametrize("kind", ["audio-start", "audio-chunk", "audio-stop"])
def test_a_time_that_is_none_is_the_peers_fault(kind: str, value: object) -> None:
    """It ends the connection, and nothing else."""
    desk = Desk()
    with pytest.raises(PeerError, match="timestamp"):
        desk.says(kind, timestamp=value)


@pytest.mark.parametrize("key", ["rate", "width", "channels", "timestamp"])
@pytest.mark.parametrize("value", [10**4299, "x" * 100_000], ids=["most digits that are read", "text"])
def test_a_number_that_is_none_is_the_peers_fault_and_told_in_a_line(key: str, value: object) -> None:
    """Python reads numbers that it cannot show any more once they are multiplied; and nobody fills the log."""
    desk = Desk()
    desk.answers()
    desk.says("audio-start")
    with pytest.raises(PeerError, match=f"{key} is .*, not a count") as caught:
        desk.says("audio-chunk", b"1234", **{key: value})
    assert len(str(caught.value)) < 200
