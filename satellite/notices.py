"""What programs of others are told of us: the events that wyoming-satellite tells its event service, and some of our own.

They are made of what the conversation was told and of what it had done, so they are the same with a hub and without one.
What a run that we have cancelled still says is told to nobody: nothing comes of it here either.
"""

from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import Enum, auto
from typing import Any

from satellite.core import actions as act
from satellite.core import events as ev
from satellite.core.events import Deadline
from satellite.core.guards import ABORT_ACK_CODE
from satellite.core.hardware import Condition, Device, Half
from satellite.core.interrupt import Interrupt, Phase
from satellite.core.state import State, Why
from satellite.core.timers import Timer, TimerChange
from satellite.core.units import Millis
from satellite.observer import Key, Observer, Setting

# a hub that is there again is told anew what the last one may have missed; a conversation keeps fewer than these for it
_TOLD_BEFORE = 16


@dataclass(frozen=True, slots=True)
class Notice:
    """One thing that has happened. `kind` is the type of a Wyoming event, or one of ours; `data` is what JSON can hold."""

    kind: str
    data: Mapping[str, Any] = field(default_factory=dict)


class _Run(Enum):
    """How far the hub's run has come, as far as it tells whether what it says is of the present one."""

    NONE = auto()
    ASKED = auto()
    HEARD = auto()


class Notices(Observer):
    """Watches a service and passes each notice to `tell` at once, which must not block."""

    def __init__(self, tell: Callable[[Notice], None]) -> None:
        self._tell_notice = tell
        self._state = State.OFFLINE
        self._event: ev.Event = ev.Event(Millis(0))
        self._run = _Run.NONE
        self._is_ack_owed = False
        self._is_streaming = False
        self._has_voice_started = self._has_voice_stopped = False
        self._is_audio_coming = False
        self._say_id: int | None = None
        self._interrupts: deque[tuple[str, Phase]] = deque(maxlen=_TOLD_BEFORE)
        self._is_muted = False
        self._lost: set[Half] = set()
        self._is_silent = False

    # ---- what the service tells

    def on_event(self, event: ev.Event) -> None:
        self._event = event
        match event:
            case ev.HubOpened():
                self._tell("satellite-connected")
            case ev.HubClosed():
                self._run, self._is_ack_owed = _Run.NONE, False
                self._tell("satellite-disconnected")
            case ev.HubPaused():
                self._tell("pause-satellite")
            case ev.HubError():
                self._hub_error(event)
            case ev.AnswerComplete():
                self._audio_stop()
            case ev.SayComplete(id=id) if id == self._say_id:
                self._audio_stop()
            case _:
                self._hub_word(event)

    def _hub_error(self, error: ev.HubError) -> None:
        if self._is_ack_owed and error.code == ABORT_ACK_CODE:
            self._is_ack_owed = False
        else:
            self._tell("error", text=error.text, code=error.code)

    def _hub_word(self, event: ev.Event) -> None:
        """What only a run says that is the present one."""
        if isinstance(event, ev.HubReady) and self._run is not _Run.NONE:
            self._run = _Run.HEARD
            self._tell("transcribe")
        if self._run is not _Run.HEARD:
            return
        if isinstance(event, ev.HubHeardEnd | ev.Transcript | ev.Answered) and self._state is State.LISTENING:
            self._voice_stopped()
        match event:
            case ev.Transcript(text=text):
                self._tell("transcript", text=text)
            case ev.Answered(text=text):
                self._tell("synthesize", text=text)

    def on_action(self, action: act.Action) -> None:
        match action:
            case act.BeginTurn():
                self._begin_turn()
            case act.SendRun():
                self._run = _Run.ASKED
                self._tell_run("asr")
            case act.SendWakeRun():
                self._run = _Run.ASKED
                self._tell_run("wake")
            case act.SendAbort():
                self._run, self._is_ack_owed = _Run.NONE, True
            case act.StreamMic():
                self._stream(True)
            case act.StopMic(tell=tell):
                if tell:
                    self._voice_stopped()
                self._stream(False)
            case act.SetDeadline(kind=Deadline.END_OF_SPEECH):
                self._voice_started()
            case act.SendInterrupt(interrupt=interrupt):
                self._interrupt(interrupt)
            case _:
                self._of_reply(action)

    def _of_reply(self, action: act.Action) -> None:
        match action:
            case act.TakeSpeech(id=id):
                self._say_id = id
            case act.Play() | act.ContinueReply():
                self._is_audio_coming = True
                self._tell("audio-start")
            case act.FinishReply() | act.StopReply():
                self._audio_stop()
            case act.SendPlayed():
                self._audio_stop()
                self._tell("played")

    def on_state_changed(self, old: State, new: State, why: Why) -> None:
        self._state = new
        if old is State.LISTENING and new is State.PROCESSING:
            self._voice_stopped()
        if old.public != new.public:
            self._tell("state-changed", old=old.public, new=new.public, why=why.value)
        if new is State.IDLE:
            self._tell("detect")

    def on_timer(self, timer: Timer) -> None:
        data: dict[str, Any] = {"id": timer.id}
        match timer.change:
            case TimerChange.STARTED:
                data |= {"total_seconds": timer.left_s} | ({"name": timer.name} if timer.name else {})
            case TimerChange.UPDATED:
                data |= {"is_active": timer.is_active, "total_seconds": timer.left_s}
        self._tell(f"timer-{timer.change.value}", **data)

    def on_setting(self, setting: Setting) -> None:
        if setting.key is Key.MUTED and setting.value is not self._is_muted:
            self._is_muted = bool(setting.value)
            self._tell("muted" if self._is_muted else "unmuted")

    def on_device(self, device: Device) -> None:
        if device.condition.is_lost and device.half not in self._lost:
            self._lost.add(device.half)
            self._tell("audio-lost", device=device.half.value, name=device.name, reason=device.why)
        elif not device.condition.is_lost and device.half in self._lost:
            self._lost.discard(device.half)
            # when the last one is: until then a light had better show it
            if not self._lost:
                self._tell("audio-back")
        is_silent = device.condition is Condition.SILENT
        if device.half is Half.MICROPHONE and is_silent is not self._is_silent:
            self._is_silent = is_silent
            self._tell("microphone-silent" if is_silent else "microphone-heard")

    # ---- what follows from it

    def _begin_turn(self) -> None:
        self._has_voice_started = self._has_voice_stopped = False
        self._say_id = None
        # turns also begin to make what comes of the last one stale
        if isinstance(self._event, ev.WakeHeard | ev.HubWoke):
            self._tell("detection", name=self._event.name, timestamp=self._event.at)

    def _tell_run(self, first_stage: str) -> None:
        self._tell("run-pipeline", start_stage=first_stage, end_stage="tts", restart_on_end=False)

    def _stream(self, is_streaming: bool) -> None:
        if is_streaming is not self._is_streaming:
            self._is_streaming = is_streaming
            self._tell("streaming-started" if is_streaming else "streaming-stopped")

    def _voice_started(self) -> None:
        if not self._has_voice_started:
            self._has_voice_started = True
            self._tell("voice-started", timestamp=self._event.at)

    def _voice_stopped(self) -> None:
        # a command may be over before the hub was ready for it
        self._voice_started()
        if not self._has_voice_stopped:
            self._has_voice_stopped = True
            self._tell("voice-stopped", timestamp=self._event.at)

    def _audio_stop(self) -> None:
        if self._is_audio_coming:
            self._is_audio_coming = False
            self._tell("audio-stop")

    def _interrupt(self, interrupt: Interrupt) -> None:
        if (key := (interrupt.id, interrupt.phase)) not in self._interrupts:
            self._interrupts.append(key)
            self._tell("interrupt", **interrupt.data())

    def _tell(self, kind: str, /, **data: Any) -> None:
        self._tell_notice(Notice(kind, data))
