"""What may leave, decided by what happened in the room and not by what the satellite thinks: and whether it was all that left.

A turn is opened by a wake word, a button or a program, an answer that asks, or words over an answer that the server was told of
as confirmed. From that comes which samples of the microphone it may send: none from before a known place or after its end.
"""

from collections import Counter, deque
from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import islice

from wyoming.event import Event

from satellite.audio.commands import Ducked
from satellite.core import actions as act
from satellite.core import events as ev
from satellite.core.actions import Action
from satellite.core.interrupt import Phase, Reason
from satellite.core.state import State, Why
from satellite.core.units import Frames, frames, millis
from satellite.mqtt.messages import Told
from satellite.observer import Observer

# README: a turn opened by a voice begins so long before its onset; and that is known to one window of the voice detector
PREROLL_MS = 300
_WINDOW_FRAMES = frames(32)
# README: a wake word is known so long after its end, at most
_BACKTRACK_FRAMES = frames(200)

# as much as is ever kept to be sent
_KEPT_FRAMES = frames(35_000)

# periods within which a live one leaves
_NEWEST = 10

# what needs no turn, with what it may say
_HOUSEKEEPING: dict[str, set[str]] = {
    "info": {"asr", "tts", "handle", "intent", "wake", "mic", "snd", "satellite"},
    "describe": set(),
    "ping": {"text"},
    "pong": {"text"},
    "played": set(),
    "detection": {"name", "timestamp"},
    "run-pipeline": {"start_stage", "end_stage", "restart_on_end"},
    "audio-stop": {"timestamp"},
    "interrupt": {
        *("id", "response_id", "turn", "phase", "reason", "state", "timestamp", "speech_started", "speech_probability"),
        *("played_ms", "heard_ms", "received_ms", "total_ms", "complete", "text", "text_offset", "context"),
    },
}

# what servers are asked within a turn
_ASKING = ("transcribe", "transcript", "audio-start")
_SPEAKING = ("synthesize", "synthesize-start", "synthesize-chunk", "synthesize-stop")


@dataclass
class Licence:
    """From which frame to which the microphone may be sent; without an end while the turn lasts."""

    why: str
    first: int
    end: int | None = None
    sent: int = 0
    lead_ms: int | None = None
    """How long before its opening the first sample was that left."""
    opened_at: int = 0


@dataclass
class Witness(Observer):
    """Watches the satellite from inside for what happened, and each way out for what left."""

    answers: set[str] = field(default_factory=set)
    """All that is ever said to the user."""
    words: set[str] = field(default_factory=set)
    """All that the user was ever understood to have said."""
    count: Counter[str] = field(default_factory=Counter)
    breaches: list[str] = field(default_factory=list)
    licences: list[Licence] = field(default_factory=list)
    state: State = State.OFFLINE
    frame: int = 0
    _event: ev.Event | None = None
    _onset: int = 0
    _thinks_since: int = 0
    _is_confirmed: bool = False
    _has_ended: bool = False
    _ring: deque[tuple[int, bytes]] = field(default_factory=deque)

    # ---- what happens

    def on_event(self, event: ev.Event) -> None:
        self._event, self._is_confirmed = event, False
        match event:
            case ev.WakeHeard():
                self.count["wake words heard"] += 1
            case ev.Held(onset=onset):
                self.count["holds"] += 1
                self._onset, self._has_ended = onset, False
            case ev.ReplyEnded(overlap=int(overlap)):
                self._onset, self._has_ended = overlap, True
            case ev.Transcript(text=text) if text:
                self.words.add(text)

    def on_action(self, action: Action) -> None:
        if isinstance(action, act.SendInterrupt):
            self.count[f"interrupts: {action.interrupt.phase}"] += 1
            self._is_confirmed = action.interrupt.phase is Phase.CONFIRMED

    def on_ducked(self, ducked: Ducked) -> None:
        self.count["ducks"] += ducked.is_ducked

    def on_heard(self, first: Frames, pcm: bytes) -> None:
        self.frame = first + len(pcm) // 2
        self._ring.append((first, pcm))
        while self._ring[0][0] < self.frame - _KEPT_FRAMES:
            self._ring.popleft()

    def on_state_changed(self, old: State, new: State, why: Why) -> None:
        if old is State.LISTENING:
            self.licences[-1].end = self.frame
        if new is State.PROCESSING:
            self._thinks_since = self.frame
        if new is State.LISTENING:
            self.licences.append(self._licence(old, why))
        self.state = new

    def _licence(self, old: State, why: Why) -> Licence:
        """The samples that whatever has just opened a turn makes the satellite's to send."""
        match self._event:
            case ev.WakeHeard(end=end):
                return Licence("wake word", end - _BACKTRACK_FRAMES, opened_at=end)
            case ev.ListenAsked(end=end):
                return Licence("button", end, opened_at=end)
            case ev.ReplyEnded(overlap=None) if why is Why.FOLLOW_UP:
                return Licence("question", self.frame - _WINDOW_FRAMES, opened_at=self.frame)
            case ev.ReplyEnded(overlap=int(overlap)) if why is Why.FOLLOW_UP:
                return self._from_onset("question", overlap)
        if old is State.PROCESSING:
            return self._from_onset("words to a thought", self._thinks_since)
        # of an answer that has ended by itself there is nothing to confirm
        if not self._is_confirmed and not self._has_ended:
            self.breaches.append(f"a turn was opened by {self._event}, and nobody was told of an interruption")
        return self._from_onset("words over an answer", self._onset)

    def _from_onset(self, why: str, onset: int) -> Licence:
        return Licence(why, onset - frames(PREROLL_MS) - _WINDOW_FRAMES, opened_at=onset)

    # ---- what leaves

    def hears(self, name: str, event: Event, data: bytes) -> None:
        """A recorder has read this."""
        self.count[f"bytes to {name}"] += len(event.payload or b"")
        if event.type == "audio-chunk":
            self._audio(name, event.payload or b"")
            return
        if event.payload:
            self._breach(f"{name} got a payload with {event.type}")
        if name == "events":
            self._notice(event)
        elif event.type in _HOUSEKEEPING:
            self._housekeeping(name, event)
        elif event.type in _SPEAKING:
            self._spoken(name, event)
        elif event.type in _ASKING:
            if not self._is_in_turn:
                self._breach(f"{name} got {event.type} {event.data} while {self.state}")
        else:
            self._breach(f"{name} got {event.type}, which is no event of ours")

    def published(self, told: Told) -> None:
        """To the broker."""
        self.count["messages to mqtt"] += 1
        self._has_no_words("mqtt", told.payload)

    @property
    def _is_in_turn(self) -> bool:
        return self.state in (State.LISTENING, State.PROCESSING)

    def _audio(self, name: str, pcm: bytes) -> None:
        self.count[f"chunks of audio to {name}"] += 1
        begin = self._place(pcm)
        if begin is None:
            self._breach(f"{name} got {len(pcm)} bytes of audio that the microphone has not heard, or too long ago")
            return
        at, end = begin, begin + len(pcm) // 2
        while at < end:
            # the newest first: an utterance may be sent again, and two may overlap in one pre-roll
            licence = next((one for one in reversed(self.licences) if one.first <= at < (one.end or end)), None)
            if licence is None:
                self.count["bytes of audio outside turns"] += 2 * (end - at)
                self._breach(
                    f"{name} got the microphone from {millis(Frames(at))} to {millis(Frames(end))} ms, which is in no turn"
                )
                return
            if licence.lead_ms is None:
                licence.lead_ms = millis(Frames(licence.opened_at - at))
            until = min(end, licence.end or end)
            licence.sent += until - at
            at = until

    def _place(self, pcm: bytes) -> int | None:
        """Where in what the microphone gave this is, which is nowhere silent enough to be twice the same."""
        live = (first for first, piece in islice(reversed(self._ring), _NEWEST) if piece == pcm)
        if (first := next(live, None)) is not None:
            return first
        found = b"".join(piece for _, piece in self._ring).rfind(pcm)
        return None if found < 0 or found % 2 else self._ring[0][0] + found // 2

    def _housekeeping(self, name: str, event: Event) -> None:
        unknown = {key for key, value in event.data.items() if value is not None} - _HOUSEKEEPING[event.type]
        if unknown:
            self._breach(f"{name} got {event.type} with {sorted(unknown)}")
        self._has_no_words(name, str(event.data))
        if event.type != "interrupt":
            return
        text = event.data["text"]
        if not any(text in answer for answer in self.answers) or event.data["reason"] not in list(Reason):
            self._breach(f"{name} got an interrupt with the text {text!r}, which is of no answer")
        if event.data["phase"] == Phase.PROVISIONAL:
            self.count["provisional interrupts on the wire"] += 1

    def _spoken(self, name: str, event: Event) -> None:
        text = " ".join(str(event.data.get("text", "")).split())
        if not any(text in answer for answer in self.answers):
            self._breach(f"{name} got {event.type} with {text!r}, which is of no answer")

    def _notice(self, event: Event) -> None:
        """The operator's event service is told what was understood, as it is; within the turn."""
        self.count["events to the event service"] += 1
        if event.type != "transcript":
            self._has_no_words("events", str(event.data))
        elif not self._is_in_turn:
            self._breach(f"events got {event.data} while {self.state}")

    def _has_no_words(self, name: str, text: str) -> None:
        if found := [words for words in self.words if words in text]:
            self._breach(f"{name} got the user's words: {found}")

    def _breach(self, what: str) -> None:
        self.breaches.append(f"{what} (frame {self.frame}, {self.state})")

    # ---- what came of it

    def turns(self) -> Iterable[tuple[str, int, int, int]]:
        """By what opened them: how many, how much was sent in them in ms, and the longest before what opened them in ms."""
        for why in sorted({licence.why for licence in self.licences}):
            of = [licence for licence in self.licences if licence.why == why]
            leads = [licence.lead_ms for licence in of if licence.lead_ms is not None]
            yield why, len(of), sum(millis(Frames(licence.sent)) for licence in of), max(leads, default=0)
