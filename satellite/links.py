"""Who the conversation talks to, by the configuration: a hub that comes to us, or servers that we ask."""

import asyncio
import errno
import logging
import os
import socket
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any, Protocol

from satellite.audio.reply import Reply
from satellite.browse import Browser
from satellite.config import Asking, Config, Hub, Mode
from satellite.config import Servers as ServerAddresses
from satellite.config.kinds import is_secure
from satellite.core import actions as act
from satellite.core import events as ev
from satellite.core.admission import Admission, AdmissionRule
from satellite.core.timers import Timer
from satellite.core.units import Millis
from satellite.discovery import Announcer, announce
from satellite.errors import ConfigError, SatelliteError
from satellite.hub_file import HubFile
from satellite.peer.dialog import DialogRule
from satellite.peer.door import Door
from satellite.peer.hub import HubPeer
from satellite.peer.link import Link
from satellite.peer.pinned_name import PinnedName
from satellite.peer.providers import Providers
from satellite.peer.servers import Servers, ServersRule
from satellite.peer.services import Kind, Voice
from satellite.peer.standalone import StandalonePeer
from satellite.peer.tts import TtsRule
from satellite.systemd import keep_sockets, kept_sockets
from satellite.trust import Trust, trust

_log = logging.getLogger(__name__)

# what held the port is often our own predecessor, which is going
FIRST_LISTEN_RETRY_S = 1.0
# the port is taken, the address is late, or the name service is
_PASSING_ERRORS = (errno.EADDRINUSE, errno.EADDRNOTAVAIL, socket.EAI_AGAIN)
LONGEST_LISTEN_RETRY_S = 30.0


class End(Protocol):
    """The other end of the conversation, and what it takes to reach it or be reached by it."""

    @property
    def link(self) -> Link:
        """What the conversation talks to."""

    async def start(self) -> int:
        """Begins; the port at which we are reached, 0 if nobody comes to us. ConfigError if that cannot be."""

    async def stop(self) -> None:
        """Says goodbye and closes."""

    def status(self) -> Mapping[str, Any]:
        """Who is there, for people."""

    def forget_hub(self) -> str:
        """Another hub may come from now on; whom that concerns, empty if nobody was remembered. SatelliteError without hubs."""


class HubEnd:
    """A hub that comes to us."""

    def __init__(self, hub: HubPeer, config: Config, now: Callable[[], Millis]) -> None:
        self.link = hub
        self._where, self._now = config.hub, now
        self._announcer: Announcer | None = None

    async def start(self) -> int:
        """On the port that systemd held while we were away, or as soon as it is free."""
        name = f"{self._where.port} {self._where.host}".replace(":", ".")
        if kept := kept_sockets(name):
            port = await self.link.start(self._where.host, self._where.port, kept)
        else:
            port = await self._bind()
            # a hub that comes back while we are started again is to wait, not to be refused
            keep_sockets(name, self.link.descriptors)
        _log.info("waiting for a hub on port %d", port)
        if self._where.announce:
            self._announcer = announce(port, self._where.host)
        return port

    async def _bind(self) -> int:
        """Another program may have the port, and an address may be late. Both pass."""
        where, wait_s, began = self._where, FIRST_LISTEN_RETRY_S, self._now()
        level = logging.WARNING
        while True:
            try:
                port = await self.link.start(where.host, where.port)
                break
            except OSError as error:
                problem = f"hub.host and hub.port: cannot listen on {where.host}:{where.port}: {_reason(error)}"
                if error.errno not in _PASSING_ERRORS:
                    raise ConfigError(problem) from error
            _log.log(level, "%s; trying again in %.0f s", problem, wait_s)
            level = logging.DEBUG
            await asyncio.sleep(wait_s)
            wait_s = min(2 * wait_s, LONGEST_LISTEN_RETRY_S)
        if level == logging.DEBUG:
            _log.info("port %d is free after %.0f s", port, (self._now() - began) / 1000)
        return port

    async def stop(self) -> None:
        farewells = [self.link.stop()] if self._announcer is None else [self.link.stop(), self._announcer.stop()]
        await asyncio.gather(*farewells)

    def status(self) -> Mapping[str, Any]:
        here = self.link.presence
        return {"hub": f"{here.hub} for {here.for_s:.0f} s" if here.hub else "", "refused": here.refused}

    def forget_hub(self) -> str:
        return str(self.link.door.forget() or "")


def _reason(error: OSError) -> str:
    # asyncio says which address in a sentence of its own
    return os.strerror(error.errno) if error.errno and error.errno > 0 else str(error.strerror)


class ServersEnd:
    """Servers that we ask."""

    def __init__(self, peer: StandalonePeer, browser: Browser | None) -> None:
        self.link, self._browser = peer, browser

    async def start(self) -> int:
        # of a time with a hub, which nobody would be answered at now
        for sock in kept_sockets(""):
            sock.close()
        if self._browser is not None:
            self._browser.start()
        await self.link.start()
        _log.info("standalone: the conversation is ours, with servers that understand, answer and speak")
        return 0

    async def stop(self) -> None:
        if self._browser is not None:
            await self._browser.stop()
        await self.link.stop()

    def status(self) -> Mapping[str, Any]:
        return {}

    def forget_hub(self) -> str:
        raise SatelliteError("it runs standalone: no hub comes to it")


def end_of(
    config: Config,
    asked: Providers,
    browser: Browser | None,
    emit: Callable[[ev.Event], None],
    open_reply: Callable[[int], Reply],
    played: Callable[[object], Millis],
    now: Callable[[], Millis],
    on_timer: Callable[[Timer], None],
    state: Path | None,
) -> End:
    """Whichever the configuration says, with the service's own functions. `state`: a directory to keep things in."""
    if config.mode is Mode.STANDALONE:
        return ServersEnd(StandalonePeer(asked, emit, open_reply, played, now), browser)
    words = config.wake.each
    pipelines = {word.name: word.pipeline for word in words if word.pipeline}
    who = config.name, config.area, [word.name for word in words]
    return HubEnd(HubPeer(*who, emit, open_reply, now, pipelines, on_timer, door_of(config.hub, state)), config, now)


def door_of(hub: Hub, state: Path | None) -> Door:
    """Who may come in, and be the hub."""
    file = HubFile(state) if hub.remember else None
    rule = AdmissionRule(hub.allowed, hub.only, hub.remember)
    admission = Admission(rule, hub.pinned or (), file.read() if file else None)
    name = PinnedName(hub.only) if hub.only is not None and hub.pinned is None else None
    return Door(admission, name, file.keep) if file else Door(admission, name)


def tell_link(link: Link, action: act.Action) -> None:
    """Carries out what the conversation wants of the other end."""
    match action:
        case act.SendRun():
            link.run()
        case act.TellPause(is_paused):
            link.pause(is_paused)
        case act.SendWakeRun():
            link.wake_run()
        case act.SendAbort():
            link.abort()
        case act.SendDetection(name):
            link.detection(name)
        case act.SendInterrupt(interrupt):
            link.interrupt(interrupt)
        case act.SendPlayed():
            link.played()
        case act.ExpectAnswer():
            link.expect_answer()
        case act.AcceptAnswer():
            link.accept_answer()
        case act.KeepAnnouncement(id):
            link.keep_announcement(id)
        case act.ContinueReply():
            link.continue_reply()


def providers(config: Config) -> Providers:
    """The servers of a conversation without a hub, and how they are asked."""
    stt, dialog, attempts = config.stt, config.dialog, 1 + config.servers.retries
    rule = ServersRule(look_s=config.servers.keep_alive_s)
    judged = trust_for(config.servers, *stt.uris, *dialog.uris, *config.tts.uris, dialog.intent)
    return Providers(
        stt=Servers(Kind.STT, stt.uris, rule, judged),
        dialog=Servers(Kind.DIALOG, dialog.uris, rule, judged),
        tts=Servers(Kind.TTS, config.tts.uris, rule, judged),
        intent=Servers(Kind.INTENT, [dialog.intent], rule, judged) if dialog.intent else None,
        dialog_rule=DialogRule(attempts=attempts),
        tts_rule=TtsRule(attempts=attempts),
        language=stt.language,
        model=stt.model,
        voice=own_voice(config),
        preemptive=dialog.preemptive,
        conversation_s=dialog.forget_after_s,
    )


def trust_for(asking: Asking, *uris: str | None) -> Trust | None:
    """How certificates are judged; None if none of these is spoken to over TLS. ConfigError if the file cannot be used."""
    return trust("servers", asking.ca_file, asking.pins) if any(uri and is_secure(uri) for uri in uris) else None


def own_voice(config: Config) -> Voice:
    """The one that is configured."""
    tts = config.tts
    return Voice(tts.voice, tts.speaker, tts.language or config.stt.language)


def browser(config: Config, asked: Providers) -> Browser | None:
    """Looks for the servers that are to be discovered; None if the addresses of all that are needed are known."""
    sections: tuple[tuple[ServerAddresses, Servers], ...] = (
        (config.stt, asked.stt),
        (config.dialog, asked.dialog),
        (config.tts, asked.tts),
    )
    # beside a hub we only speak
    needed = sections if config.mode is Mode.STANDALONE else sections[-1:]
    wanted = [servers for section, servers in needed if section.is_discovered]
    return Browser(partial(_tell_all, wanted, Servers.found), partial(_tell_all, wanted, Servers.lost)) if wanted else None


def _tell_all(every: list[Servers], tell: Callable[[Servers, str], None], uri: str) -> None:
    for servers in every:
        tell(servers, uri)
