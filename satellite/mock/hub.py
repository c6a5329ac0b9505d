"""A mock hub that behaves towards a satellite as Home Assistant does: it connects, pings, runs pipelines, and reconnects."""

import asyncio
from contextlib import suppress
from dataclasses import dataclass, field

from wyoming.audio import AudioChunk
from wyoming.event import Event
from wyoming.info import Describe
from wyoming.ping import Ping, Pong
from wyoming.satellite import PauseSatellite, RunSatellite

from satellite.mock.agent import Agent
from satellite.mock.journal import Journal
from satellite.mock.pipeline import Pipeline, PipelineRule
from satellite.mock.tts import VOICE_RATE_HZ
from satellite.mock.wire import connection, read, write

# in place of an event: we have muted the satellite
_PAUSED = Event(type="paused")


@dataclass(frozen=True, slots=True)
class HubRule:
    """Home Assistant's timings, and which version it is."""

    ping_s: float = 2.0
    # without any event for so long it gives the connection up
    dead_s: float = 5.0
    reconnect_s: float = 3.0
    # after a connection that was refused
    refused_s: float = 10.0
    # since 2026.9 it asks who we are on a connection of its own
    describe_s: float | None = 30.0
    # since 2026.8 it mutes us before it closes the connection for good
    mutes_at_end: bool = True
    # an announcement is over at its `played`, or so long after its end
    unplayed_s: float = 0.5
    pipeline: PipelineRule = field(default_factory=PipelineRule)

    @classmethod
    def like(cls, version: str) -> "HubRule":
        """As a version of Home Assistant behaves towards a satellite, by its year and month: 2025.4."""
        year, month = map(int, version.split(".")[:2])
        at = (year, month)
        pipeline = PipelineRule(
            acks_abort=at >= (2026, 4),
            one_chunk=(2025, 7) <= at < (2025, 12),
            early_speech=at >= (2025, 7),
            counts_seconds=at < (2025, 6),
            speech_rate_hz=16_000 if at < (2025, 2) else VOICE_RATE_HZ,
            ends_anywhere=not (2025, 7) <= at < (2026, 6),
            cancels=at >= (2025, 1),
            starts_by_itself=at >= (2026, 8),
        )
        return cls(describe_s=30.0 if at >= (2026, 9) else None, mutes_at_end=at >= (2026, 8), pipeline=pipeline)


class MockHub:
    """Used as `async with`. `journal` holds all that was said; `pipeline` is that of the present connection."""

    def __init__(self, host: str, port: int, stt_uri: str, tts_uri: str, agent: Agent, rule: HubRule | None = None) -> None:
        self._host, self._port = host, port
        self._stt_uri, self._tts_uri, self._agent, self._rule = stt_uri, tts_uri, agent, rule or HubRule()
        self.journal = Journal()
        self.pipeline: Pipeline | None = None
        self.connections = 0
        self._writer: asyncio.StreamWriter | None = None
        self._tasks: list[asyncio.Task[None]] = []
        self._paused, self._unpaused = asyncio.Event(), asyncio.Event()

    async def start(self) -> None:
        """Begins to connect."""
        self._tasks = [asyncio.create_task(self._stay_connected()), asyncio.create_task(self._poll())]

    async def stop(self) -> None:
        """Shuts down; everything has ended when this returns."""
        if self._rule.mutes_at_end and not self._paused.is_set():
            with suppress(OSError):
                await self.send(PauseSatellite().event())
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def __aenter__(self) -> "MockHub":
        await self.start()
        return self

    async def __aexit__(self, *exc: object) -> None:
        await self.stop()

    def vanish(self) -> None:
        """The connection breaks without a goodbye; the hub comes back after its delay."""
        if self._writer is not None:
            self._writer.transport.abort()

    async def pause(self) -> None:
        """The mute switch: says so, and then neither reads nor pings."""
        await self.send(PauseSatellite().event())
        self._unpaused.clear()
        self._paused.set()

    def unpause(self) -> None:
        """Connects anew, at once."""
        self._paused.clear()
        self._unpaused.set()

    async def announce(self, text: str) -> None:
        """Says something that nobody asked; returns when it has been played, or must have been."""
        assert self.pipeline is not None
        before = len(self.journal.of("played"))
        seconds = await self.pipeline.announce(text)
        with suppress(TimeoutError):
            await self.journal.wait_for("played", before + 1, seconds + self._rule.unplayed_s)

    async def send(self, event: Event) -> None:
        """Writes to the satellite; OSError if it is not there."""
        if self._writer is None:
            raise ConnectionError("the satellite is not connected")
        self.journal.note("sent", event)
        await write(self._writer, event)

    # ---- connections

    async def _stay_connected(self) -> None:
        while True:
            try:
                async with connection(f"tcp://{self._host}:{self._port}") as (reader, writer):
                    self._writer = writer
                    self.connections += 1
                    is_unmuted = await self._session(reader)
                    self._writer = None
                    # who says goodbye is heard to the end: its connection is closed when another is about to be opened
                    await asyncio.sleep(0.0 if is_unmuted else self._rule.reconnect_s)
            except ConnectionRefusedError:
                await asyncio.sleep(self._rule.refused_s)
            except (OSError, TimeoutError, asyncio.IncompleteReadError):
                await asyncio.sleep(self._rule.reconnect_s)
            finally:
                self._writer = None

    async def _session(self, reader: asyncio.StreamReader) -> bool:
        """One connection, until it ends; True if it ended because the satellite was unmuted."""
        self.pipeline = Pipeline(self._stt_uri, self._tts_uri, self._agent, self.send, self._rule.pipeline)
        pings = asyncio.create_task(self._ping_after())
        try:
            await self.send(RunSatellite().event())
            await self.send(Describe().event())
            while True:
                if (event := await self._next(reader)) is _PAUSED:
                    await self._unpaused.wait()
                    return True
                if event is None:
                    return False
                self.journal.note("received", event)
                if event.type == "pong":
                    pings.cancel()
                    pings = asyncio.create_task(self._ping_after())
                await self._handle(event)
        finally:
            pings.cancel()
            await self.pipeline.stop()

    async def _next(self, reader: asyncio.StreamReader) -> Event | None:
        """None at the end of the connection, _PAUSED once the satellite has been muted, however short that was."""
        reading, pausing = asyncio.create_task(read(reader)), asyncio.create_task(self._paused.wait())
        try:
            await asyncio.wait({reading, pausing}, timeout=self._rule.dead_s, return_when=asyncio.FIRST_COMPLETED)
            if pausing.done():
                return _PAUSED
            if not reading.done():
                raise TimeoutError("the satellite is dead")
            return reading.result()
        finally:
            pausing.cancel()
            reading.cancel()

    async def _ping_after(self) -> None:
        await asyncio.sleep(self._rule.ping_s)
        if not self._paused.is_set():
            with suppress(OSError):
                await self.send(Ping().event())

    async def _handle(self, event: Event) -> None:
        assert self.pipeline is not None
        match event.type:
            case "ping":
                await self.send(Pong(text=event.data.get("text")).event())
            case "run-pipeline":
                self.pipeline.run_pipeline(event.data["start_stage"], event.data["end_stage"])
            case "detection":
                self.pipeline.detection(event.data.get("name") or "")
            case "audio-chunk":
                self.pipeline.audio(AudioChunk.from_event(event).audio)
            case "audio-stop":
                self.pipeline.audio_stop()

    async def _poll(self) -> None:
        while self._rule.describe_s is not None:
            await asyncio.sleep(self._rule.describe_s)
            with suppress(OSError, TimeoutError):
                async with connection(f"tcp://{self._host}:{self._port}") as (reader, writer):
                    await write(writer, Describe().event())
                    async with asyncio.timeout(self._rule.dead_s):
                        await read(reader)
