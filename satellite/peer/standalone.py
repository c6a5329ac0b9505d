"""A conversation without a hub: speech-to-text, dialog and text-to-speech servers are asked here, one after the other.

To the conversation this is a hub that is always there, acknowledges every abort, and never takes one answer for another: an
earlier turn's requests are closed when a new one begins.
"""

import asyncio
import uuid
from collections.abc import Callable
from dataclasses import dataclass

from satellite.core import events as ev
from satellite.core.guards import ABORT_ACK_CODE, NOTHING_UNDERSTOOD_CODE, SERVER_LOST_CODE, SPEECH_LOST_CODE
from satellite.core.interrupt import Interrupt, spoken_offset
from satellite.core.preemptive import STABLE_MS, Preemptive, is_used
from satellite.core.units import Millis
from satellite.errors import PeerError
from satellite.peer import services
from satellite.peer.dialog import DialogListener, Question
from satellite.peer.notes import Notes
from satellite.peer.providers import Providers
from satellite.peer.stt import Hearing, SttListener
from satellite.peer.tts import Speech, SpeechListener, SpeechSink

# after a sound that began no command: the next one opens another connection, so a television opens six a minute
_WARM_S = 10.0

# a user who hesitates as often has said it all again
_MOST_EARLY = 5


class StandalonePeer:
    """A `Link` to servers. `emit` gives the conversation an event; `open_reply` makes the place where a reply is kept.

    `played` says how much of a reply has left the loudspeaker.
    """

    def __init__(
        self,
        providers: Providers,
        emit: Callable[[ev.Event], None],
        open_reply: Callable[[int], SpeechSink],
        played: Callable[[SpeechSink], Millis],
        now: Callable[[], Millis],
    ) -> None:
        self._providers = providers
        self._emit, self._open_reply, self._played, self._now = emit, open_reply, played, now
        self._turn = 0
        self._tried: list[str] = []
        self._silent: set[str] = set()
        """Servers that have not said in time what they understood of this turn: they are not waited for twice."""
        self._aborted: Hearing | None = None
        """What was being understood when the conversation gave up waiting."""
        self._hearing: Hearing | None = None
        self._warm: Hearing | None = None
        self._cooling: asyncio.TimerHandle | None = None
        self._early: Question | None = None
        self._early_count = 0
        self._so_far, self._is_paused = "", False
        self._stable: asyncio.TimerHandle | None = None
        self._question: Question | None = None
        self._answer: _Answer | None = None
        self._conversation_id, self._talked_at = uuid.uuid4().hex, Millis(0)
        self._notes = Notes(providers.request)

    # ---- lifecycle

    async def start(self) -> None:
        """Begins to look after the servers; the conversation may begin, whether they are there or not."""
        for servers in self._providers.all:
            servers.start()
        asyncio.get_running_loop().call_soon(self._emit, ev.HubOpened(self._now()))

    async def stop(self) -> None:
        """Ends all requests."""
        self._forget_turn()
        self._cool()
        for servers in self._providers.all:
            await servers.stop()
        await self._notes.stop()

    # ---- what the conversation wants

    def begin_turn(self, turn: int, owed: bool) -> None:
        """Nothing that was asked for an earlier turn is waited for."""
        self._forget_turn()
        self._turn, self._tried, self._early_count = turn, [], 0
        self._so_far, self._is_paused = "", False
        self._silent.clear()
        self._aborted = None

    def expect_answer(self) -> None:
        """An answer is nobody else's here."""

    def accept_answer(self) -> None:
        """Nor in doubt."""

    def continue_reply(self) -> None:
        """Nor in two streams."""

    def keep_announcement(self, id: int) -> None:
        """Nobody announces anything."""

    def woken_by(self, name: str) -> None:
        """All words lead to the same servers."""

    def detection(self, name: str) -> None:
        """Nobody else wants to know."""

    def wake_run(self) -> None:
        """No server waits for a wake word here."""

    def onset(self) -> None:
        """Somebody speaks: have a connection ready, and send nothing."""
        if self._hearing is not None:
            return
        if self._warm is None or not self._warm.is_usable:
            try:
                self._warm = Hearing(self._providers.stt.pick(), self._providers.request)
            except PeerError:
                return
        self._keep_warm()

    def run(self) -> None:
        """A command comes: speech-to-text gets it as it is spoken."""
        stt = self._providers.stt
        if self._aborted is not None:
            # the same turn once more: had the user changed his mind, another would have begun
            self._silent.add(self._aborted.server.uri)
            stt.failed(self._aborted.server, "it has not answered in time")
            self._aborted = None
        try:
            hearing = self._taken_warm() or self._new_hearing()
        except PeerError as error:
            self._soon(ev.HubError(self._now(), SERVER_LOST_CODE, str(error)))
            return
        stt.failovers += len(self._tried) > 0
        self._tried.append(hearing.server.uri)
        self._hearing = hearing
        listener = SttListener(
            ready=lambda: self._emit(ev.HubReady(self._now())),
            partial=self._on_partial,
            understood=self._on_understood,
            failed=lambda error: self._on_deaf(hearing, error),
        )
        hearing.begin(listener, self._providers.language, self._providers.model)

    def abort(self) -> None:
        """All requests of the present turn are closed, which needs no acknowledgement but the conversation's."""
        self._aborted = self._hearing
        self._forget_turn()
        self._soon(ev.HubError(self._now(), ABORT_ACK_CODE, ""))

    def audio(self, pcm: bytes, at: Millis) -> None:
        """A piece of the command."""
        if self._hearing is not None:
            self._hearing.audio(pcm, at)

    def audio_stop(self) -> None:
        """That was all of it."""
        if self._hearing is not None:
            self._hearing.end(self._now())

    def played(self) -> None:
        """The reply has ended, and with it whatever makes it longer."""
        if self._answer is not None:
            self._answer.speech.abandon()
        if self._question is not None:
            self._question.abandon()
        self._talked_at = self._now()

    def interrupt(self, interrupt: Interrupt) -> None:
        """The servers that answer and speak are told, whether they listen or not."""
        asked = self._question
        event = services.interrupt(interrupt, self._heard(interrupt), self._conversation_id)
        if self._answer is not None:
            self._answer.speech.tell(event)
        if asked is not None and not asked.tell(event) and asked.server is not None:
            self._notes.send(asked.server, event)

    def _heard(self, interrupt: Interrupt) -> str:
        """The words of a reply that the user has heard."""
        answer, position = self._answer, interrupt.position
        if answer is not None and answer.turn == interrupt.turn:
            return answer.speech.script.heard(position.played, position.received, position.total is not None)
        return interrupt.text[: spoken_offset(interrupt.text, position) or 0]

    # ---- understanding

    def _new_hearing(self) -> Hearing:
        server = self._providers.stt.pick(self._tried)
        if server.uri in self._silent:
            raise PeerError("no other server understands speech")
        times = self._tried.count(server.uri)
        after_s = self._providers.retry_s * 2 ** (times - 1) if times else 0.0
        return Hearing(server, self._providers.request, after_s)

    def _taken_warm(self) -> Hearing | None:
        """The connection that was opened when the user began to speak, if it is any good."""
        warm, self._warm = self._warm, None
        self._stop_cooling()
        if warm is None or (warm.is_usable and warm.server.uri not in self._tried):
            return warm
        if warm.error is not None:
            self._providers.stt.failed(warm.server, warm.error)
            self._tried.append(warm.server.uri)
        warm.abandon()
        return None

    def _keep_warm(self) -> None:
        self._stop_cooling()
        self._cooling = asyncio.get_running_loop().call_later(_WARM_S, self._cool)

    def _cool(self) -> None:
        self._stop_cooling()
        if self._warm is not None:
            self._warm.abandon()
            self._warm = None

    def _stop_cooling(self) -> None:
        if self._cooling is not None:
            self._cooling.cancel()
            self._cooling = None

    def _on_deaf(self, hearing: Hearing, error: PeerError) -> None:
        if hearing is not self._hearing:
            return
        self._hearing = None
        self._providers.stt.failed(hearing.server, error)
        self._emit(ev.HubError(self._now(), SERVER_LOST_CODE, str(error)))

    def pause(self, is_paused: bool) -> None:
        """What has been understood by then may be all, if nothing is added to it for a moment."""
        self._is_paused = is_paused
        self._wait_for_more()

    def _on_partial(self, text: str) -> None:
        self._so_far = text
        self._wait_for_more()

    def _wait_for_more(self) -> None:
        self._stop_waiting_for_more()
        if self._is_paused and self._so_far.strip() and self._providers.preemptive is not Preemptive.NEVER:
            self._stable = asyncio.get_running_loop().call_later(STABLE_MS / 1000, self._ask_early, self._so_far)

    def _stop_waiting_for_more(self) -> None:
        if self._stable is not None:
            self._stable.cancel()
            self._stable = None

    def _on_understood(self, words: str) -> None:
        assert self._hearing is not None
        text = words.strip()
        self._providers.stt.worked(self._hearing.server)
        self._hearing = None
        self._stop_waiting_for_more()
        if not text:
            self._drop_early()
            self._emit(ev.HubError(self._now(), NOTHING_UNDERSTOOD_CODE, ""))
            return
        turn = self._turn
        self._emit(ev.Transcript(self._now(), text))
        if self._turn == turn:
            self._answer_to(text)

    # ---- answering

    def _ask(self, text: str) -> Question:
        providers, now = self._providers, self._now()
        if now - self._talked_at > providers.conversation_s * 1000:
            self._conversation_id = uuid.uuid4().hex
        self._talked_at = now
        asked = (text, providers.language, self._conversation_id)
        return Question(providers.dialog, providers.intent, *asked, providers.dialog_rule)

    def _ask_early(self, text: str) -> None:
        if (self._early is not None and self._early.text == text) or self._early_count >= _MOST_EARLY:
            return
        self._drop_early()
        self._early_count += 1
        self._early = self._ask(text)

    def _drop_early(self) -> None:
        if self._early is not None:
            self._early.abandon(services.superseded(self._conversation_id))
            self._early = None

    def _answer_to(self, text: str) -> None:
        """Asks, unless that has been done already with words that are as good; what comes is spoken as it comes."""
        if self._early is not None and is_used(self._providers.preemptive, self._early.text, text):
            self._question, self._early = self._early, None
        else:
            self._drop_early()
            self._question = self._ask(text)
        self._answer = None
        self._question.listen(DialogListener(self._on_piece, self._on_answered, self._on_unanswered))

    def _on_piece(self, text: str) -> None:
        if self._answer is None:
            self._answer = self._new_answer()
        self._answer.text += text
        self._answer.speech.add(text)

    def _on_answered(self) -> None:
        assert self._question is not None
        self._conversation_id = self._question.conversation_id
        if self._answer is None or not self._answer.text.strip():
            self._emit(ev.NothingToSay(self._now()))
            return
        self._answer.speech.end()
        self._emit(ev.Answered(self._now(), self._answer.text.strip()))

    def _on_unanswered(self, error: PeerError) -> None:
        """There is no answer; or no more of it, and the user hears that after what there is."""
        if self._answer is None:
            self._emit(ev.HubError(self._now(), "dialog-failed", str(error)))
            return
        self._answer.is_cut = True
        self._answer.speech.end()

    # ---- speaking

    def _new_answer(self) -> "_Answer":
        providers = self._providers
        listener = SpeechListener(self._on_speech, self._on_spoken, self._on_speechless)
        sink = self._open_reply(self._turn)
        speech = Speech(providers.tts, providers.voice, sink, self._played, listener, providers.tts_rule)
        return _Answer(self._turn, speech)

    def _on_speech(self) -> None:
        self._emit(ev.AnswerAudio(self._now()))

    def _on_spoken(self, total: Millis) -> None:
        assert self._answer is not None
        if total == 0:
            self._on_speechless(PeerError("it made no sound of the answer"))
            return
        if self._answer.is_cut:
            self._emit(ev.HubError(self._now(), SPEECH_LOST_CODE, "the answer broke off"))
        self._emit(ev.AnswerComplete(self._now(), total))

    def _on_speechless(self, error: PeerError) -> None:
        assert self._answer is not None
        code = SPEECH_LOST_CODE if self._answer.speech.sink.frames else "tts-failed"
        self._emit(ev.HubError(self._now(), code, str(error)))

    # ---- the end of a turn

    def _forget_turn(self) -> None:
        self._stop_waiting_for_more()
        self._drop_early()
        if self._hearing is not None:
            self._hearing.abandon()
        if self._question is not None:
            self._question.abandon()
        if self._answer is not None:
            self._answer.speech.abandon()
        self._hearing = None

    def _soon(self, event: ev.Event) -> None:
        """Not within the call of the conversation that it answers."""
        asyncio.get_running_loop().call_soon(self._emit, event)


@dataclass(slots=True, eq=False)
class _Answer:
    """What is said to the user in a turn."""

    turn: int
    speech: Speech
    text: str = ""
    is_cut: bool = False
    """Whether the dialog server broke off."""
