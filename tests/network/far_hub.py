"""A mock hub in a network of its own, which listens to mDNS there; told what to do by lines, it tells what happens in JSON.

    python -m tests.network.far_hub INTERFACE-ADDRESS|INDEX...

`hub HOST PORT` connects to a satellite, and again and again; `quit` ends it; `pause`, `unpause`, `timer`.
"""

import asyncio
import ipaddress
import json
import sys
from contextlib import suppress

from wyoming.timer import TimerFinished
from zeroconf import DNSAddress, RecordUpdateListener, ServiceStateChange, Zeroconf
from zeroconf.asyncio import AsyncServiceBrowser, AsyncZeroconf

from satellite.discovery import SERVICE_TYPE
from satellite.mock.agent import keyword_agent, slow
from satellite.mock.hub import HubRule, MockHub
from satellite.mock.journal import Entry
from satellite.mock.recogniser import TemplateRecogniser
from satellite.mock.recordings import SPOKEN, trimmed
from satellite.mock.stt import MockStt
from satellite.mock.tts import MockTts
from tests.service.house import LONG, LONG_TEXT

# a language model's: long enough to lose the network while it thinks
_THINKS_S = 2.0


def tell(kind: str, **data: object) -> None:
    """To whoever started us."""
    print(json.dumps({"kind": kind, **data}), flush=True)


class _Records(RecordUpdateListener):
    """Tells of every address of a satellite, and for how many seconds it holds."""

    def async_update_records(self, zc, now, records):  # type: ignore[no-untyped-def]
        for record in (update.new for update in records):
            if isinstance(record, DNSAddress) and record.name.startswith("satellite-"):
                tell("address", ip=str(ipaddress.ip_address(record.address)), ttl=int(record.ttl))


def _on_change(zeroconf: Zeroconf, service_type: str, name: str, state_change: ServiceStateChange) -> None:
    tell("name", name=name, change=state_change.name.lower())


def _note(entry: Entry) -> None:
    if entry.type not in ("audio-chunk", "ping", "pong"):
        tell("wire", direction=entry.direction, type=entry.type, data=entry.data)


async def _lines() -> asyncio.StreamReader:
    reader = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    return reader


async def main() -> None:
    """Until it is told to quit."""
    network = AsyncZeroconf(interfaces=[int(a) if a.isdecimal() else a for a in sys.argv[1:]])
    network.zeroconf.async_add_listener(_Records(), None)
    browser = AsyncServiceBrowser(network.zeroconf, SERVICE_TYPE, handlers=[_on_change])
    known = [(SPOKEN[name], trimmed(name)) for name in ("tts_lights_joe", "tts_lights_heart", "tts_stop_joe")]
    agent = slow(keyword_agent({}, LONG_TEXT), _THINKS_S)
    async with MockStt(TemplateRecogniser(known).recognise) as stt, MockTts({LONG_TEXT: LONG}) as tts:
        hub: MockHub | None = None
        lines = await _lines()
        tell("ready")
        while words := (await lines.readline()).decode().split():
            match words:
                case ["hub", host, port]:
                    if hub is not None:
                        await hub.stop()
                    hub = MockHub(host, int(port), stt.uri, tts.uri, agent, HubRule(describe_s=None))
                    hub.journal.listeners.append(_note)
                    await hub.start()
                case ["pause"] if hub is not None:
                    await hub.pause()
                case ["unpause"] if hub is not None:
                    hub.unpause()
                case ["timer"] if hub is not None:
                    await hub.send(TimerFinished("1").event())
                case _:
                    break
        if hub is not None:
            with suppress(OSError):
                await hub.stop()
    await browser.async_cancel()
    await network.async_close()


if __name__ == "__main__":
    asyncio.run(main())
