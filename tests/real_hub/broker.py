"""What the hub sees of the satellite through a real broker: scenes for its MQTT integration."""

import asyncio
import shutil
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from satellite.config import Mqtt
from satellite.core import actions as act
from satellite.core import events as ev
from satellite.core.sensitivity import Sensitivity
from satellite.core.state import State
from satellite.mqtt.bridge import MqttBridge
from tests.real_hub.stage import REMINDER, SOON_S, Stage

_PORT = 1884
_MOSQUITTO = shutil.which("mosquitto", path="/usr/sbin:/usr/bin") or ""


@asynccontextmanager
async def _broker() -> AsyncIterator[None]:
    with tempfile.TemporaryDirectory() as folder:
        settings = Path(folder) / "mosquitto.conf"
        settings.write_text(f"listener {_PORT} 127.0.0.1\nallow_anonymous true\n")
        process = await asyncio.create_subprocess_exec(_MOSQUITTO, "-c", settings, stderr=asyncio.subprocess.DEVNULL)
        try:
            yield
        finally:
            process.terminate()
            await process.wait()


async def _add_integration(place: Stage) -> str:
    """As a person does; its config entry."""
    step = await place.hub("hub.rest", "POST", "/api/config/config_entries/flow", {"handler": "mqtt"})
    broker = {"broker": "127.0.0.1", "port": _PORT, "other_settings": {"set_client_cert": False, "set_ca_cert": "off"}}
    for _ in range(20):
        done = await place.hub("hub.rest", "POST", f"/api/config/config_entries/flow/{step['flow_id']}", broker)
        if done["type"] == "create_entry":
            entry: str = done["result"]["entry_id"]
            return entry
        # the broker may not be up yet
        await asyncio.sleep(0.5)
    raise RuntimeError(f"the integration cannot be added: {done}")


async def entities_over_mqtt(place: Stage) -> list[str]:
    """Everything that the Wyoming integration cannot show is found, shows what is, and does what it says."""
    if not _MOSQUITTO:
        return ["no mosquitto here"]
    async with _broker():
        entry = await _add_integration(place)
        bridge = MqttBridge(Mqtt(host="127.0.0.1", port=_PORT), place.service.config.name, None, "satellite-real", place.desk)
        place.audience.join(bridge)
        await bridge.start()
        try:
            return await _use(place, entry)
        finally:
            await bridge.stop()
            await place.hub("hub.remove", entry)


async def _use(place: Stage, entry: str) -> list[str]:
    async def one(domain: str, part: str) -> str:
        async with asyncio.timeout(SOON_S):
            while not (found := [e for e in await place.hub("hub.entities", entry, domain) if part in e]):
                await asyncio.sleep(0.2)
            # the hub does not call what it takes for away
            while (await place.hub("hub.state", found[0]))["state"] == "unavailable":
                await asyncio.sleep(0.1)
        return str(found[0])

    async def shows(entity: str, wanted: str) -> None:
        await place.hub("hub.wait_state", entity, wanted)

    volume = await one("number", "volume")
    await place.hub("hub.call", "number", "set_value", entity_id=volume, value=40)
    await place.until("volume", lambda: place.desk.volume == 40)
    place.desk.set_volume(100)
    async with asyncio.timeout(SOON_S):
        while float((await place.hub("hub.state", volume))["state"]) != 100:
            await asyncio.sleep(0.1)
    mute = await one("switch", "mute")
    for service, is_muted in (("turn_on", True), ("turn_off", False)):
        await place.hub("hub.call", "switch", service, entity_id=mute)
        await place.until(service, lambda is_muted=is_muted: place.desk.is_muted is is_muted)
    await shows(mute, "off")
    await place.hub("hub.call", "select", "select_option", entity_id=await one("select", "sensitivity"), option="noisy")
    await place.until("sensitivity", lambda: place.desk.sensitivity is Sensitivity.NOISY)
    place.desk.set_sensitivity(Sensitivity.NORMAL)
    return [await _talk(place, await one("text", "start_conversation")), await _count(place, entry)]


async def _talk(place: Stage, text: str) -> str:
    await place.hub("stt.say", "yes please")
    await place.hub("handle.reply", "I will remind you then.")
    began = place.card.time_of(place.room.end_frame)
    await place.hub("hub.call", "text", "set_value", entity_id=text, value=REMINDER)
    listening = await place.until_state(State.LISTENING, began)
    place.say("tts_lights_heart", after_s=0.2)
    await place.first(ev.Transcript, listening)
    await place.first(act.SendPlayed, listening)
    return "volume, mute and sensitivity both ways; a conversation begun by `text.set_value`, answered without a wake word"


async def _count(place: Stage, entry: str) -> str:
    entities = await place.hub("hub.entities", entry)
    return f"{len(entities)} entities: {', '.join(sorted(e.split('.')[0] for e in entities))}"
