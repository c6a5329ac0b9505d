"""A house with a broker: the real mosquitto on loopback, a wire to it that can be cut, and Home Assistant, who hears all."""

import asyncio
import json
import socket
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiomqtt
import pytest

from satellite.config.peers import Mqtt
from satellite.mqtt.bridge import MqttBridge
from satellite.mqtt.messages import MqttRule
from tests.mqtt.fake_controls import FakeControls

MOSQUITTO = Path("/usr/sbin/mosquitto")

NEEDS_MOSQUITTO = [
    pytest.mark.mqtt,
    pytest.mark.skipif(not MOSQUITTO.exists(), reason=f"{MOSQUITTO} is missing: apt install mosquitto"),
]

# nothing on loopback takes longer, on a busy machine either
SOON_S = 20.0

# where it does not stop by itself a test shall fail
RULE = MqttRule(first_retry_s=0.02, most_retry_s=0.05, goodbye_s=2 * SOON_S)

IDENTITY = "satellite-0123abcd"
BASE = f"satellite/{IDENTITY}"
DISCOVERY = f"homeassistant/device/{IDENTITY}/config"
AVAILABILITY = f"{BASE}/availability"


def soon(story: Coroutine[Any, Any, None]) -> None:
    """Runs it, and not for ever."""

    async def bounded() -> None:
        async with asyncio.timeout(SOON_S):
            await story

    asyncio.run(bounded())


@dataclass
class Broker:
    """Mosquitto; `lines` of its configuration beside the listener's first."""

    folder: Path
    lines: tuple[str, ...] = ("allow_anonymous true",)
    port: int = 0
    _process: asyncio.subprocess.Process | None = None

    async def start(self) -> None:
        if not self.port:
            with socket.create_server(("127.0.0.1", 0)) as free:
                self.port = free.getsockname()[1]
        # of who runs the tests: as root it would become somebody who cannot read our folder
        config = (f"listener {self.port} 127.0.0.1", f"user {self.folder.owner()}", "log_dest stderr", *self.lines, "")
        (self.folder / "mosquitto.conf").write_text("\n".join(config))
        self._process = await asyncio.create_subprocess_exec(
            MOSQUITTO, "-c", self.folder / "mosquitto.conf", stderr=asyncio.subprocess.PIPE
        )
        assert self._process.stderr is not None
        said = b""
        while b" running" not in (line := await self._process.stderr.readline()):
            said += line
            assert line, f"mosquitto did not start: {said.decode()}"

    async def stop(self) -> None:
        if self._process is not None:
            # it forgets a SIGTERM that comes between its saying that it runs and its running
            self._process.kill()
            # reads the rest too: nobody waits for a process that waits for us
            await self._process.communicate()
            self._process = None

    async def __aenter__(self) -> "Broker":
        await self.start()
        return self

    async def __aexit__(self, *exc: object) -> None:
        await self.stop()


@dataclass
class Wire:
    """A TCP proxy to a broker: what goes through it can be cut without a word."""

    broker: Broker
    port: int = 0
    _server: asyncio.Server | None = None
    _writers: list[asyncio.StreamWriter] = field(default_factory=list)

    async def __aenter__(self) -> "Wire":
        self._server = await asyncio.start_server(self._carry, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *exc: object) -> None:
        assert self._server is not None
        self._server.close()
        self.cut()

    def cut(self) -> None:
        """Both ends are on their own."""
        for writer in self._writers:
            writer.transport.abort()
        self._writers.clear()

    async def _carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there, to_there = await asyncio.open_connection("127.0.0.1", self.broker.port)
        self._writers += [writer, to_there]
        with suppress(OSError):
            await asyncio.gather(_copy(reader, to_there), _copy(there, writer))


@asynccontextmanager
async def strict_broker() -> AsyncIterator[int]:
    """One that lets nobody hear anything, which mosquitto only does with a plug-in; its port."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(asyncio.IncompleteReadError, OSError):
            while True:
                kind, body = await _packet(reader)
                if kind == 1:
                    writer.write(b"\x20\x02\x00\x00")
                elif kind == 8:
                    at, codes = 2, b""
                    while at < len(body):
                        at, codes = at + 3 + int.from_bytes(body[at : at + 2]), codes + b"\x80"
                    writer.write(b"\x90" + bytes([2 + len(codes)]) + body[:2] + codes)
        writer.close()

    async with await asyncio.start_server(serve, "127.0.0.1", 0) as server:
        yield server.sockets[0].getsockname()[1]


async def _packet(reader: asyncio.StreamReader) -> tuple[int, bytes]:
    """Of MQTT: its kind, and the rest."""
    kind, length, shift = (await reader.readexactly(1))[0] >> 4, 0, 0
    while True:
        byte = (await reader.readexactly(1))[0]
        length |= (byte & 0x7F) << shift
        shift += 7
        if byte < 0x80:
            return kind, await reader.readexactly(length)


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while chunk := await reader.read(65536):
        writer.write(chunk)
    writer.close()


@dataclass
class HomeAssistant:
    """Hears all topics, and says what it is told to."""

    client: aiomqtt.Client
    heard: list[tuple[str, str, bool]] = field(default_factory=list)
    """Topic, payload, whether it was retained."""
    _changed: asyncio.Event = field(default_factory=asyncio.Event)

    async def listen(self) -> None:
        async for message in self.client.messages:
            self.heard.append((message.topic.value, bytes(message.payload).decode("utf-8", "replace"), message.retain))
            self._changed.set()

    async def ask(self, entity: str, payload: str | bytes, *, retain: bool = False) -> None:
        """Of an entity, by its key."""
        await self.client.publish(f"{BASE}/{entity}/set", payload, retain=retain)

    async def until(self, topic: str, payload: str | None = None, *, times: int = 1) -> str:
        """Until this was heard so often; the last payload of it."""
        while len(found := [said for at, said, _ in self.heard if at == topic and payload in (None, said)]) < times:
            self._changed.clear()
            await self._changed.wait()
        return found[-1]

    async def until_ready(self) -> None:
        """The satellite has said all that it says at a connection."""
        await self.until(f"{BASE}/state")

    def all_of(self, topic: str) -> list[str]:
        """What was heard of it, in order."""
        return [said for at, said, _ in self.heard if at == topic]

    def retained(self) -> dict[str, str]:
        """What was there before it came, by topic."""
        return {at: said for at, said, was_kept in self.heard if was_kept}


@asynccontextmanager
async def home_assistant(port: int, **access: Any) -> AsyncIterator[HomeAssistant]:
    """Connected to this broker; all that is retained has been heard."""
    async with aiomqtt.Client("127.0.0.1", port, **access) as client:
        hass = HomeAssistant(client)
        listening = asyncio.create_task(hass.listen())
        await client.subscribe("#")
        # comes after what is retained
        await client.publish("test/first")
        await hass.until("test/first")
        try:
            yield hass
        finally:
            listening.cancel()
            await asyncio.gather(listening, return_exceptions=True)


@asynccontextmanager
async def bridge(port: int, controls: FakeControls, rule: MqttRule = RULE, **config: Any) -> AsyncIterator[MqttBridge]:
    """Started; told by the controls what they set."""
    mqtt = Mqtt(**({"host": "127.0.0.1", "port": port} | config))
    made = MqttBridge(mqtt, "Kitchen", "Ground floor", IDENTITY, controls, rule=rule)
    controls.watcher = made
    await made.start()
    try:
        yield made
    finally:
        await made.stop()


async def until_logged(caplog: pytest.LogCaptureFixture, words: str, condition: Callable[[], bool] = lambda: True) -> None:
    """Until the log has it. The loop goes round meanwhile, and a record is all that tells."""
    while not (words in caplog.text and condition()):
        await asyncio.to_thread(lambda: None)


def payload(text: str) -> dict[str, Any]:
    """Of a JSON object."""
    made = json.loads(text)
    assert isinstance(made, dict)
    return made


@asynccontextmanager
async def known_bridge(port: int, controls: FakeControls) -> AsyncIterator[MqttBridge]:
    """One that was heard of."""
    async with bridge(port, controls) as made:
        async with home_assistant(port) as hass:
            await hass.until(AVAILABILITY, "online")
        yield made
