"""The pipeline of the mock hub: speech-to-text, an agent, text-to-speech, with the ways of Home Assistant, good and bad.

- A run that is asked for while another is alive cancels that one. The end of the cancelled run then marks the new one as not
  running: it says `transcribe`, and drops every sample it is sent. That is the deaf turn.
- A run from speech to speech (`tts` to `tts`) fails its validation after it has cancelled the old run: the abort.
- A reply is sent as fast as it is made, and nothing stops it once it has begun.
- An empty answer, and a failed synthesis, end a run without a word.
"""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import soxr
from wyoming.asr import Transcribe, Transcript
from wyoming.audio import AudioChunk, AudioStart, AudioStop
from wyoming.error import Error
from wyoming.event import Event
from wyoming.tts import Synthesize, SynthesizeVoice
from wyoming.vad import VoiceStarted, VoiceStopped
from wyoming.wake import Detect, Detection

from satellite.detect.wake import WakeDetector
from satellite.detect.wake_engine import WakeWordSettings
from satellite.mock.agent import Agent
from satellite.mock.endpoint import LIMIT_S, CommandEndpoint
from satellite.mock.tts import VOICE_RATE_HZ
from satellite.mock.wire import connection, read, write

# Home Assistant's
_CHUNK_BYTES = 2048
_DUPLICATE_S = 2.0
_EARLY_SPEECH_CHARACTERS = 60
_MOST_RUNS = 100


@dataclass(slots=True)
class Run:
    """What is remembered of a run."""

    heard: bytearray = field(default_factory=bytearray)
    """The audio that reached speech-to-text."""
    first_audio_s: float | None = None
    transcript: str | None = None
    answer: str | None = None
    audio: asyncio.Queue[bytes | None] = field(default_factory=asyncio.Queue)


@dataclass(frozen=True, slots=True)
class PipelineRule:
    """Which Home Assistant this is."""

    # since 2026.4 an abort is acknowledged
    acks_abort: bool = True
    # until 2025.11 a cached answer came as one chunk
    one_chunk: bool = False
    # until 2025.5 the times of speech were seconds and their fractions
    counts_seconds: bool = False
    # 16 kHz until 2025.1
    speech_rate_hz: int = VOICE_RATE_HZ
    # until 2026.4 a run that is to end elsewhere than with speech dies without a word
    ends_anywhere: bool = True
    # in 2024 a new run left the old one alive, and an abort did nothing
    cancels: bool = True
    # since 2026.8 the microphone after a wake word starts a run
    starts_by_itself: bool = True
    # since 2025.7 speech begins before the answer is complete, if it is long
    early_speech: bool = False
    # what its own wake word engine listens for
    wake_word: str = "alexa"
    # engines with a detector of their own leave the end to the satellite
    finds_end: bool = True


class Pipeline:
    """Serves one satellite; `send` writes to it."""

    def __init__(
        self, stt_uri: str, tts_uri: str, agent: Agent, send: Callable[[Event], Awaitable[None]], rule: PipelineRule
    ) -> None:
        self._stt_uri, self._tts_uri, self._agent, self._send, self._rule = stt_uri, tts_uri, agent, send, rule
        self.runs: deque[Run] = deque(maxlen=_MOST_RUNS)
        self.is_running = False
        """Whether microphone audio is taken."""
        self._task: asyncio.Task[None] | None = None
        self._runs: set[asyncio.Task[None]] = set()
        self._speech: set[asyncio.Task[float]] = set()
        self._detected: dict[str, float] = {}
        self._word: str | None = None

    async def stop(self) -> None:
        """The satellite is gone."""
        tasks: list[asyncio.Task[Any]] = [*self._speech, *self._runs]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    # ---- from the satellite

    def detection(self, name: str) -> None:
        """A wake word was heard there."""
        self._word = name

    def run_pipeline(self, start_stage: str, end_stage: str = "tts") -> None:
        """A run is asked for."""
        run = Run()
        self.runs.append(run)
        self.is_running = True
        if end_stage != "tts" and not self._rule.ends_anywhere:
            return
        previous = self._task if self._rule.cancels else None
        self._task = asyncio.create_task(self._run(run, start_stage, self._word, previous))
        self._runs.add(self._task)
        self._task.add_done_callback(self._runs.discard)

    def audio(self, pcm: bytes) -> None:
        """Microphone. Dropped without a word unless a run is marked as running; after a wake word it starts one."""
        if not self.is_running and self._word is not None and self._rule.starts_by_itself:
            self.run_pipeline("asr")
        if self.is_running and self.runs:
            self.runs[-1].audio.put_nowait(pcm)

    def audio_stop(self) -> None:
        """The satellite found the end of the utterance."""
        if self.is_running and self.runs:
            self.runs[-1].audio.put_nowait(None)

    # ---- one run

    async def _run(self, run: Run, start_stage: str, word: str | None, previous: asyncio.Task[None] | None) -> None:
        try:
            is_cancelled = previous is not None and await _is_cancelled_before_the_end_of(previous)
            if start_stage == "tts":
                if self._rule.acks_abort:
                    await self._send(Error(text="tts_input is required", code="validation-error").event())
                return
            if is_cancelled:
                return
            if self._is_duplicate(word):
                await self._send(Error(text="woken by another", code="duplicate_wake_up_detected").event())
                return
            if start_stage == "wake" and not await self._wait_for_word(run):
                await self._send(Error(text="", code="wake_word_detection_aborted").event())
                return
            await self._converse(run)
        except OSError as error:
            await self._send(Error(text=str(error), code="stt-stream-failed").event())
        finally:
            # of whichever run this is, even if a newer one has begun: the deaf turn
            self.is_running = False
            if start_stage != "tts":
                self._word = None

    def _is_duplicate(self, word: str | None) -> bool:
        if word is None:
            return False
        now = asyncio.get_running_loop().time()
        last = self._detected.get(word)
        self._detected[word] = now
        return last is not None and now - last < _DUPLICATE_S

    async def _converse(self, run: Run) -> None:
        await self._send(Transcribe(language="en").event())
        run.transcript = await self._transcribe(run)
        if not run.transcript:
            await self._send(Error(text="No text recognized", code="stt-no-text-recognized").event())
            return
        await self._send(Transcript(text=run.transcript).event())
        texts: asyncio.Queue[str | None] | None = None
        answer = ""
        async for piece in self._agent(run.transcript):
            answer += piece
            if self._rule.early_speech and texts is None and len(answer) > _EARLY_SPEECH_CHARACTERS:
                texts = asyncio.Queue()
                self._begin_speech(texts)
                texts.put_nowait(answer)
            elif texts is not None:
                texts.put_nowait(piece)
        run.answer = answer
        if not answer.strip():
            return
        await self._send(Synthesize(text=answer, voice=SynthesizeVoice(name="recordings")).event())
        if texts is None:
            texts = asyncio.Queue()
            texts.put_nowait(answer)
            self._begin_speech(texts)
        texts.put_nowait(None)

    # ---- hearing

    async def _wait_for_word(self, run: Run) -> bool:
        """Listens to the microphone for the wake word; False if it ends first."""
        await self._send(Detect().event())
        detector, heard_ms = WakeDetector([WakeWordSettings(self._rule.wake_word)]), 0
        while (pcm := await run.audio.get()) is not None:
            heard_ms += len(pcm) // 32
            for heard in detector.process(np.frombuffer(pcm, "<i2")):
                await self._send(Detection(name=heard.name, timestamp=heard_ms).event())
                return True
        return False

    async def _transcribe(self, run: Run) -> str:
        async with connection(self._stt_uri) as (reader, writer):
            await write(writer, Transcribe(language="en").event())
            await write(writer, AudioStart(rate=16_000, width=2, channels=1).event())
            if not await self._stream(run, writer):
                return ""
            await write(writer, AudioStop().event())
            while (event := await read(reader)) is not None:
                if event.type == "transcript":
                    return Transcript.from_event(event).text
        return ""

    async def _stream(self, run: Run, writer: asyncio.StreamWriter) -> bool:
        """Passes the microphone on until the command has ended; False if there was none."""
        end = CommandEndpoint()
        while (pcm := await run.audio.get()) is not None:
            run.first_audio_s = run.first_audio_s or asyncio.get_running_loop().time()
            run.heard += pcm
            await write(writer, AudioChunk(rate=16_000, width=2, channels=1, audio=pcm).event())
            if not self._rule.finds_end:
                continue
            had_started = end.has_started
            end.feed(pcm)
            if end.has_started and not had_started:
                await self._send(VoiceStarted(timestamp=int(end.heard_s * 1000)).event())
            if end.has_ended:
                await self._send(VoiceStopped(timestamp=int(end.heard_s * 1000)).event())
                return True
            if end.heard_s >= LIMIT_S:
                return False
        return True

    # ---- speaking

    def _begin_speech(self, texts: "asyncio.Queue[str | None]") -> None:
        task = asyncio.create_task(self._speak(texts))
        self._speech.add(task)
        task.add_done_callback(self._speech.discard)

    async def announce(self, text: str) -> float:
        """Cancels the run that is alive and says something; how long it is, in seconds."""
        if self._task is not None and not self._task.done():
            self._task.cancel()
            await asyncio.wait([self._task])
        texts: asyncio.Queue[str | None] = asyncio.Queue()
        texts.put_nowait(text)
        texts.put_nowait(None)
        return await self._speak(texts, announcement=True)

    async def _speak(self, texts: "asyncio.Queue[str | None]", announcement: bool = False) -> float:
        stream = _SpeechStream(self._send, self._rule)
        with suppress(OSError):
            if announcement:
                # before there is any audio, and its end comes even if there is none
                await stream.start()
            while (text := await texts.get()) is not None:
                if not await self._synthesise(text, stream) and not announcement:
                    # a failed synthesis ends without a word
                    return stream.seconds
            await stream.stop(announcement)
        return stream.seconds

    async def _synthesise(self, text: str, stream: "_SpeechStream") -> bool:
        async with connection(self._tts_uri) as (reader, writer):
            await write(writer, Synthesize(text=text).event())
            while (event := await read(reader)) is not None:
                if event.type == "audio-chunk":
                    await stream.add(AudioChunk.from_event(event).audio)
                elif event.type == "audio-stop":
                    return True
        return False


async def _is_cancelled_before_the_end_of(previous: asyncio.Task[None]) -> bool:
    """Ends a run and waits for it: a stubborn agent takes its time, and so does the acknowledgement."""
    is_cancelled = False
    previous.cancel()
    while not previous.done():
        try:
            await asyncio.wait([previous])
        except asyncio.CancelledError:
            is_cancelled = True
    return is_cancelled


class _SpeechStream:
    """Cuts speech into the hub's chunks, with its timestamps: whole milliseconds, each rounded down, or seconds."""

    def __init__(self, send: Callable[[Event], Awaitable[None]], rule: PipelineRule) -> None:
        self._send, self._rule, self._rate_hz = send, rule, rule.speech_rate_hz
        self._resampler = None
        if self._rate_hz != VOICE_RATE_HZ:
            self._resampler = soxr.ResampleStream(VOICE_RATE_HZ, self._rate_hz, 1, dtype="int16")
        self._waiting = bytearray()
        self._timestamp: float | None = None
        self.seconds = 0.0

    async def start(self) -> None:
        self._timestamp = 0
        await self._send(AudioStart(rate=self._rate_hz, width=2, channels=1, timestamp=0).event())

    async def add(self, pcm: bytes) -> None:
        if self._timestamp is None:
            await self.start()
        self._waiting += self._resampled(pcm)
        while len(self._waiting) >= _CHUNK_BYTES and not self._rule.one_chunk:
            await self._pass_on(_CHUNK_BYTES)

    async def stop(self, announcement: bool) -> None:
        if self._timestamp is None:
            return
        self._waiting += self._resampled(b"", last=True)
        if self._waiting:
            await self._pass_on(len(self._waiting))
        # the library's types know whole numbers only; old versions of it did not look
        end: Any = None if announcement else self._timestamp
        await self._send(AudioStop(timestamp=end).event())

    def _resampled(self, pcm: bytes, last: bool = False) -> bytes:
        if self._resampler is None:
            return pcm
        resampled: bytes = self._resampler.resample_chunk(np.frombuffer(pcm, "<i2"), last=last).tobytes()
        return resampled

    async def _pass_on(self, size: int) -> None:
        assert self._timestamp is not None
        pcm = bytes(self._waiting[:size])
        del self._waiting[:size]
        time: Any = self._timestamp
        chunk = AudioChunk(rate=self._rate_hz, width=2, channels=1, audio=pcm, timestamp=time)
        await self._send(chunk.event())
        self.seconds += chunk.seconds
        self._timestamp += chunk.seconds if self._rule.counts_seconds else chunk.milliseconds
