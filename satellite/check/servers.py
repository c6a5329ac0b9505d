"""The servers of a conversation without a hub: are they there, and are they what they are taken for?"""

import asyncio
from collections.abc import Callable

from satellite.check.findings import Finding
from satellite.config import Config, Mode
from satellite.errors import PeerError
from satellite.links import browser, providers
from satellite.logs import printable
from satellite.peer.servers import Server, Servers, ServersRule, describe
from satellite.peer.services import Kind

# mDNS answers in one, and hardly ever needs a second question
_DISCOVERY_S = 3.0

_KEYS = {Kind.STT: "stt.uri", Kind.INTENT: "dialog.intent", Kind.DIALOG: "dialog.uri", Kind.TTS: "tts.uri"}


def check_servers(config: Config, told: Callable[[str], None]) -> list[Finding]:
    """Asks each who it is, and tells a line of each; nobody is asked where a hub runs the conversation."""
    return asyncio.run(_check(config, told)) if config.mode is Mode.STANDALONE else []


async def _check(config: Config, told: Callable[[str], None]) -> list[Finding]:
    asked = providers(config)
    looking = browser(config, asked)
    if looking is not None:
        looking.start()
        await asyncio.sleep(_DISCOVERY_S)
        await looking.stop()
    found = [await _check_kind(servers, told) for servers in asked.all]
    return [finding for findings in found for finding in findings]


async def _check_kind(servers: Servers, told: Callable[[str], None]) -> list[Finding]:
    """One that does not answer is worth a word, and if none does there is no conversation."""
    answers = await asyncio.gather(*(_ask(server, servers.kind) for server in servers.known))
    # what was discovered and is of another kind says nothing
    lines = [(server, printable(line), is_well) for server, (line, is_well) in zip(servers.known, answers, strict=True) if line]
    for server, line, _ in lines:
        told(f"{servers.name.capitalize()}: {server.uri}: {line}.")
    is_served = any(is_well for _, _, is_well in lines)
    bad = [Finding(False, f"The {servers.name} server {server.uri}: {line}.", "") for server, line, well in lines if not well]
    if is_served:
        return bad
    advice = f"Start one, or mend {_KEYS[servers.kind]}."
    return [*bad, Finding(True, f"No {servers.name} server answers.", advice)]


async def _ask(server: Server, kind: Kind) -> tuple[str, bool]:
    """What there is to say of it, and whether it can be used."""
    try:
        about = await describe(server, kind, ServersRule())
    except PeerError as error:
        return str(error), False
    if about is None:
        return ("", False) if server.is_discovered else ("it is a server of another kind", False)
    return f"{about.name or 'it'} is here{', streaming' if about.streams else ''}", True
