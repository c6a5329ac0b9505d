"""What the daemon costs: `python -m tests.rig.cost` runs it as a process of its own on the virtual card and reads /proc.

Prints processor time in per cent of one core, and resident memory, while it waits for the wake word and while it speaks.
"""

import asyncio
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from satellite.mock.agent import keyword_agent
from satellite.mock.cli import mock_stt, mock_tts
from satellite.mock.hub import MockHub
from tests.rig.barge_ins import room_config, user_wavs
from tests.rig.room import Room

PORT = 10788
MEASURED_S = 15.0
# the mock hums what it has no recording of, 60 ms a character: 36 s
LONG_ANSWER = "hum " * 150

CONFIG = f"""
hub: {{host: 127.0.0.1, port: {PORT}}}
audio: {{microphone: mic, speaker: speaker}}
wake: {{words: [alexa]}}
barge_in: {{allow: none}}
"""


def cpu_s(pid: int) -> float:
    """Processor time a process has used."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def rss_mb(pid: int) -> float:
    """Its resident memory."""
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 1e6


async def measure(name: str, pid: int) -> None:
    """Prints both for a stretch of time."""
    before = cpu_s(pid)
    await asyncio.sleep(MEASURED_S)
    print(f"{name:<10} {(cpu_s(pid) - before) / MEASURED_S * 100:5.2f} % of a core   {rss_mb(pid):6.1f} MB", flush=True)


async def run(directory: Path) -> None:
    """One room, one daemon, one hub."""
    wavs = user_wavs(directory, ser_db=0.0)
    config = directory / "config.yaml"
    config.write_text(CONFIG)
    with Room(directory / "room", room_config("16k")) as room:
        command = [sys.executable, "-m", "satellite", "run", "--config", str(config)]
        daemon = subprocess.Popen(command, env={**os.environ, **room.env}, stderr=subprocess.DEVNULL)
        try:
            async with mock_stt() as stt, mock_tts() as tts:
                agent = keyword_agent({"lights": LONG_ANSWER})
                async with MockHub("127.0.0.1", PORT, stt.uri, tts.uri, agent) as hub:
                    await hub.journal.wait_for("info", timeout_s=20)
                    await asyncio.sleep(2.0)
                    await measure("idle", daemon.pid)
                    await asyncio.to_thread(room.say, wavs["tts_alexa_joe"], after_ms=100)
                    await asyncio.to_thread(room.say, wavs["tts_lights_joe"], after_ms=1500)
                    await hub.journal.wait_for("audio-stop", direction="sent", timeout_s=20)
                    await asyncio.sleep(1.0)
                    await measure("speaking", daemon.pid)
        finally:
            daemon.terminate()
            daemon.wait(5)


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        asyncio.run(run(Path(folder)))
