"""A voice session for Python programs: say something that can be talked over, and hear what the user says.

It is the daemon in a program's own event loop, with the same audio thread, conversation and servers. Everything here is for that
loop, except `process_audio`, which any thread may call.
"""

import asyncio
import inspect
import logging
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import partial
from pathlib import Path
from typing import Any, Self, TypeAlias

import msgspec
import numpy as np

from satellite.audio.card import Card, Samples
from satellite.audio.fed import FedMicrophone, GivenSpeaker
from satellite.audio.pair import PairedCard
from satellite.audio.parts import Devices, OpenCard
from satellite.config import DISCOVER, Config, Mode
from satellite.core import events as ev
from satellite.core.actions import Action
from satellite.core.say import Allow
from satellite.core.script import MOST_CHARACTERS
from satellite.core.state import State, Why
from satellite.errors import ConfigError
from satellite.handle import Handles, SayHandle
from satellite.observer import Audience, Observer
from satellite.peer.services import Voice
from satellite.sayer import Manner
from satellite.service import Service

_log = logging.getLogger(__name__)


class SessionState(StrEnum):
    """What a session does, as a program sees it."""

    IDLE = "idle"
    """Nothing: the initial state, in which a wake word, `listen` or `say` is waited for."""
    LISTENING = "listening"
    PROCESSING = "processing"
    SPEAKING = "speaking"


@dataclass(frozen=True, slots=True)
class Vad:
    """The voice detector of a session: Silero, and what of it is speech. What interrupts is decided by more than that."""

    threshold: float = 0.5
    """Speech probability from 0.2 to 0.95 at which a window of 32 ms counts as speech of a command."""
    min_speech_ms: int = 200
    """Less speech than that, from 30 to 1000, is no command."""
    max_silence_ms: int = 700
    """So much silence, from 200 to 3000, ends it."""
    model: str | Path | None = None
    """A Silero model file (ONNX, version 5 or 6); None: the one that comes with the package."""

    def keys(self, follow_up: str) -> dict[str, Any]:
        """As the configuration has it."""
        return {
            "vad": {"model": None if self.model is None else str(self.model), "threshold": self.threshold},
            "listening": {"speech_ms": self.min_speech_ms, "silence_ms": self.max_silence_ms, "follow_up": follow_up},
        }


StateCallback: TypeAlias = Callable[[SessionState, SessionState, Why], Awaitable[None] | None]
TextCallback: TypeAlias = Callable[[str], Awaitable[None] | None]
AudioCallback: TypeAlias = Callable[[Samples], None]

_NO_SPEED = (
    "speed: Wyoming has no field for the speed of speech; set it at the server (wyoming-piper: --length-scale), "
    "or choose a voice that speaks so"
)


class VoiceSession:
    """A conversation with Wyoming servers. As an asynchronous context manager it starts when entered, and ends when left.

    `stt`, `dialog` and `tts` are `tcp://HOST:PORT` or `tls://HOST:PORT`, or several in the order in which they are asked, or
    `discover` (by mDNS); their certificates are judged by `ca_file` or `pins`.
    `intent` is a server that hears a command before `dialog` does.
    `microphone` and `speaker` are ALSA names; None: the program feeds the one (`process_audio`), and gets what is to be played
    from the other (`on_audio`).
    `allow_interruptions`: what may interrupt an utterance unless that says otherwise: True (speech), False (nothing), `wake-word`
    or `stop-word`.
    After `session_timeout_s` of silence it is another conversation. Servers are looked at every `keep_alive_s`, and a request
    that fails is repeated `retries` times in a turn, with growing pauses where there is only one server.
    The others are as the keys of the same name in the configuration file. ConfigError, if they cannot be.
    """

    def __init__(
        self,
        *,
        stt: str | Sequence[str] = DISCOVER,
        dialog: str | Sequence[str] = DISCOVER,
        tts: str | Sequence[str] = DISCOVER,
        intent: str | None = None,
        language: str | None = None,
        voice: str | None = None,
        microphone: str | None = "default",
        speaker: str | None = "default",
        wake_words: Sequence[str] = (),
        vad: Vad | None = None,
        allow_interruptions: bool | str = True,
        follow_up: str = "question",
        preemptive: str = "never",
        session_timeout_s: int = 300,
        keep_alive_s: int = 60,
        retries: int = 1,
        ca_file: str | Path | None = None,
        pins: Sequence[str] = (),
    ) -> None:
        keys = (vad or Vad()).keys(follow_up) | {
            "mode": Mode.STANDALONE,
            "stt": {"uri": stt, "language": language},
            "dialog": {"uri": dialog, "intent": intent, "preemptive": preemptive, "forget_after_s": session_timeout_s},
            "tts": {"uri": tts, "voice": voice},
            "servers": {"retries": retries, "keep_alive_s": keep_alive_s, "ca_file": ca_file and str(ca_file), "pins": pins},
            "audio": {"microphone": microphone or "none", "speaker": speaker or "none"},
            "wake": {"words": list(wake_words)},
            "barge_in": {"allow": _allow(allow_interruptions)},
        }
        try:
            config = msgspec.convert(keys, Config)
        except msgspec.ValidationError as error:
            raise ConfigError(str(error)) from None
        if microphone is not None and speaker is None:
            raise ConfigError("speaker is None, and microphone is a device: who gets what is played has to feed the microphone")
        self._fed = FedMicrophone() if microphone is None else None
        self._set_up(config, partial(_open_card, config, self._fed, None if speaker else self._give))

    @classmethod
    def from_config(
        cls, config: Config, open_card: OpenCard | Devices | None = None, observer: Observer | None = None, **runtime: Any
    ) -> Self:
        """A session by a whole configuration, in hub mode, too: what a hub answers has handles and states as well.

        There `say` speaks by the servers under `tts`. `open_card` opens the sound devices, the configured ones by default;
        `observer` watches more closely than callbacks do; `runtime` is passed on to the service.
        """
        session = cls.__new__(cls)
        session._fed = None
        session._set_up(config, open_card or _configured(config), observer, **runtime)
        return session

    def _set_up(self, config: Config, open_card: OpenCard | Devices, observer: Observer | None = None, **runtime: Any) -> None:
        self._own_voice = config.tts
        self._state = SessionState.IDLE
        self._on_audio: list[AudioCallback] = []
        self._on_state: list[StateCallback] = []
        self._on_transcript: list[TextCallback] = []
        self._tasks: set[asyncio.Task[None]] = set()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._handles = Handles(self._cancel)
        self._language = config.tts.language or config.stt.language
        self.service = Service(config, open_card, Audience(_Follower(self), observer or Observer()), **runtime)

    # ---- sound

    def _give(self, samples: Samples) -> None:
        """In the audio thread."""
        if self._loop is not None and self._on_audio:
            self._loop.call_soon_threadsafe(self._call_audio, samples.copy())

    def _call_audio(self, samples: Samples) -> None:
        for callback in self._on_audio:
            callback(samples)

    def process_audio(self, frames: Samples | bytes) -> None:
        """Feeds the microphone: 16-bit mono at 16 kHz, an array of shape (n,) or its bytes, of any length, as it is spoken.

        Needs `microphone=None`. ValueError if it is something else; BufferError, and nothing is taken, if more than 5 s wait.
        """
        if self._fed is None:
            raise ValueError("process_audio: this session has a microphone; audio is fed to one with microphone=None")
        samples = np.frombuffer(frames, "<i2") if isinstance(frames, bytes | bytearray | memoryview) else np.asarray(frames)
        if samples.dtype != np.int16 or samples.ndim != 1:
            raise ValueError(f"process_audio: {samples.dtype} of shape {samples.shape}; it has to be int16 of shape (n,)")
        self._fed.feed(samples)

    def on_audio(self, callback: AudioCallback) -> None:
        """Has what is played given to a program, in pieces of 16-bit mono at 16 kHz as they are due. Needs `speaker=None`."""
        self._on_audio.append(callback)

    # ---- lifecycle

    async def start(self) -> None:
        """Starts it. ConfigError or DeviceError if that cannot be; a server that is away is no obstacle."""
        self._loop = asyncio.get_running_loop()
        await self.service.start()

    async def stop(self) -> None:
        """Ends what is being said, and gives everything back; whoever waits for an utterance is told."""
        await self.service.stop()
        self._loop = None
        for task in self._tasks:
            task.cancel()

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(self, *exc: object) -> None:
        await self.stop()

    # ---- what it can do

    async def say(
        self,
        text: str,
        *,
        allow_interruptions: bool | str | None = None,
        voice: str | None = None,
        volume: float = 1.0,
        speed: float | None = None,
        announcement: bool = False,
    ) -> SayHandle:
        """Has something said as soon as nothing else goes on, and returns at once with what it can be followed and stopped by.

        Several wait in their order, announcements before the others. `allow_interruptions`: as in the constructor; None: what is
        said there. `voice`: by the server's name for it; `volume`: a factor from 0 to 1. ValueError for what cannot be said;
        SatelliteError if 50 utterances wait already.
        """
        if speed is not None:
            raise ValueError(_NO_SPEED)
        if not text.strip() or len(text) > MOST_CHARACTERS:
            raise ValueError(f"text: of {len(text)} characters; it has to be 1 to {MOST_CHARACTERS}, and not only spaces")
        if not 0.0 <= volume <= 1.0:
            raise ValueError(f"volume is {volume}; it has to be from 0 to 1")
        own = self._own_voice
        manner = Manner(Voice(voice or own.voice, None if voice else own.speaker, self._language), volume)
        handle = self._handles.new(self.service.next_say_id, text)
        self.service.say(text, manner, None if allow_interruptions is None else _allow(allow_interruptions), announcement)
        return handle

    def listen(self) -> None:
        """Opens a turn, as a wake word or a button does; an utterance that plays is interrupted."""
        self.service.listen()

    @property
    def state(self) -> SessionState:
        """What it does now."""
        return self._state

    @property
    def speaking(self) -> SayHandle | None:
        """What is being said now: by `say`, or an answer, or what a hub announces; None in silence."""
        return self._handles.playing()

    def on_state_changed(self, callback: StateCallback) -> Callable[[], None]:
        """Has a function called with the old state, the new one, and why, after each change; returns what ends that.

        It may be a coroutine function, and may use the session. What it raises is logged, and nobody else's problem.
        """
        self._on_state.append(callback)
        return partial(self._on_state.remove, callback)

    def on_transcript(self, callback: TextCallback) -> Callable[[], None]:
        """The same for the text of each command, as it was understood."""
        self._on_transcript.append(callback)
        return partial(self._on_transcript.remove, callback)

    def _cancel(self, handle: SayHandle) -> None:
        if handle.turn is not None:
            self.service.cancel_reply(handle.turn)
        elif handle.id is not None:
            self.service.withdraw(handle.id)

    # ---- what the service tells

    def _acted(self, action: Action) -> None:
        self._handles.follow(action, self.service.reply_text)

    def _understood(self, text: str) -> None:
        for callback in self._on_transcript:
            self._call(callback, text)

    def _became(self, state: SessionState, why: Why) -> None:
        old, self._state = self._state, state
        if state is not old:
            for callback in self._on_state:
                self._call(callback, old, state, why)

    def _call(self, callback: Callable[..., Awaitable[None] | None], *arguments: object) -> None:
        """Not now, in the middle of what the service does, but right after it."""
        if self._loop is not None:
            task = self._loop.create_task(_guarded(callback, *arguments))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)


class _Follower(Observer):
    """Tells a session what its service does."""

    def __init__(self, session: VoiceSession) -> None:
        self._session = session

    def on_action(self, action: Action) -> None:
        self._session._acted(action)

    def on_event(self, event: ev.Event) -> None:
        if isinstance(event, ev.Transcript) and event.text.strip():
            self._session._understood(event.text)

    def on_state_changed(self, old: State, new: State, why: Why) -> None:
        at_rest = (State.OFFLINE, State.IDLE, State.MUTED)
        self._session._became(SessionState.IDLE if new in at_rest else SessionState(new.public), why)


async def _guarded(callback: Callable[..., Awaitable[None] | None], *arguments: object) -> None:
    try:
        result = callback(*arguments)
        if inspect.isawaitable(result):
            await result
    # a program's mistake is not to end its session
    except Exception:
        _log.exception("a callback of the session failed")


def _allow(allow: bool | str) -> Allow:
    if isinstance(allow, bool):
        return Allow.SPEECH if allow else Allow.NONE
    try:
        return Allow(allow)
    except ValueError:
        choices = ", ".join(choice.value for choice in Allow)
        raise ValueError(f"allow_interruptions is {allow!r}; it has to be True, False, or one of {choices}") from None


def _configured(config: Config) -> OpenCard | Devices:
    from satellite.external.card import devices_for

    return devices_for(config)


def _open_card(config: Config, fed: FedMicrophone | None, give: Callable[[Samples], None] | None) -> Card:
    from satellite.audio.alsa import open_card, open_speaker
    from satellite.external.card import alsa_settings

    if fed is not None and give is not None:
        return PairedCard(fed, GivenSpeaker(give, time.monotonic, config.audio.queue_ms))
    settings = alsa_settings(config.audio)
    if fed is None:
        return open_card(settings)
    speaker, close = open_speaker(settings)
    return PairedCard(fed, speaker, close)
