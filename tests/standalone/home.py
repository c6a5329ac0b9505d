"""The whole daemon without a hub: mock servers that understand, answer and speak on loopback, in virtual time."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import msgspec

from satellite.audio.card import Samples
from satellite.config import Config, Dialog, Mode, Stt, Tts
from satellite.core import actions as act
from satellite.core.say import SayState
from satellite.core.state import State
from satellite.links import ServersEnd
from satellite.mock.agent import Agent, keyword_agent
from satellite.mock.dialog import MockDialog
from satellite.mock.recogniser import TemplateRecogniser
from satellite.mock.recordings import SPOKEN, trimmed
from satellite.mock.stt import MockStt
from satellite.mock.tts import MockTts
from satellite.mock.wire import MockServer
from satellite.peer.servers import Servers
from satellite.peer.standalone import StandalonePeer
from satellite.service import Service
from satellite.session import VoiceSession
from tests.service.house import (
    LONG,
    LONG_TEXT,
    REPLY,
    REPLY_TEXT,
    WARM_FRAMES,
    Place,
    Watcher,
    make_room,
    make_service,
    quiet_config,
)

FIRST, SECOND = REPLY_TEXT, "The first one takes twenty five minutes."
"""The sentences of LONG_TEXT."""

# what speech synthesis makes of the second sentence
SECOND_VOICE = LONG[len(REPLY) :]

_TEXTS: Mapping[str, Samples] = {FIRST: REPLY, SECOND: SECOND_VOICE, LONG_TEXT: LONG}


@dataclass(kw_only=True)
class Home(Place):
    """A satellite that asks servers, and these."""

    stt: MockStt
    dialog: MockDialog
    tts: MockTts
    session: VoiceSession
    """Through which a program has it."""

    @property
    def peer(self) -> StandalonePeer:
        """What asks them."""
        end = self.service.end
        assert isinstance(end, ServersEnd)
        return end.link

    @property
    def asked(self) -> list[Servers]:
        """What it knows of them: for understanding, dialog and speech."""
        return self.peer._providers.all

    def questions(self) -> list[str]:
        """What the dialog server was asked."""
        return [asked.text for asked in self.dialog.requests]

    def interrupts(self) -> list[tuple[str, str]]:
        """The phases that the dialog server was told of, and the words that had been heard."""
        return [(data["phase"], data["text"]) for data in self.dialog.interrupts]

    async def until_known(self) -> None:
        """Waits until all servers have said what they are."""
        await self.until(lambda: all(s.about or s.failures for servers in self.asked for s in servers.known))

    async def until_over(self, times: int = 1, state: SayState = SayState.PLAYED) -> None:
        """Waits until so many utterances have ended so, and nothing is going on."""
        await self.until(lambda: [over.state for over in self.seen.of(act.SayOver)].count(state) >= times)
        await self.until_state(State.IDLE)
        await self.until_recorded()

    async def works(self) -> None:
        """Passes if a turn from the wake word to the sound of its answer works now."""
        plays = len(self.seen.of(act.Play))
        await self.answer(into_s=0.1)
        assert len(self.seen.of(act.Play)) == plays + 1


@asynccontextmanager
async def home(
    agent: Agent | None = None,
    *,
    texts: Mapping[str, Samples] | None = None,
    streams: bool = False,
    config: Config | None = None,
    before: Mapping[str, MockServer | str] | None = None,
    instead: Mapping[str, MockServer | str] | None = None,
    **dialog: Any,
) -> AsyncIterator[Home]:
    """Everything running, the satellite idle and its canceller warm.

    By `stt`, `dialog` and `tts`: `before` are servers that come before the good ones in the operator's list, `instead` are all
    there is of a kind.
    """
    seen, room = Watcher(), make_room()
    known = [(SPOKEN[name], trimmed(name)) for name in ("tts_lights_joe", "tts_lights_heart", "tts_stop_joe")]
    agent = agent or keyword_agent({}, LONG_TEXT)
    async with (
        MockStt(TemplateRecogniser(known).recognise) as stt,
        MockDialog(agent, streams=streams) as talk,
        MockTts({**_TEXTS, **(texts or {})}, streams=streams) as tts,
    ):
        good = {"stt": stt.uri, "dialog": talk.uri, "tts": tts.uri}
        first = {kind: (_uri(server), good[kind]) for kind, server in (before or {}).items()}
        only = {kind: (_uri(server),) for kind, server in (instead or {}).items()}
        uris = {kind: (uri,) for kind, uri in good.items()} | first | only
        asked = msgspec.structs.replace(
            config or quiet_config(),
            mode=Mode.STANDALONE,
            stt=Stt(uri=uris["stt"], language="en"),
            dialog=Dialog(uri=uris["dialog"], **dialog),
            tts=Tts(uri=uris["tts"], voice="recordings"),
        )
        sessions: list[VoiceSession] = []

        def construct(*given: Any, **runtime: Any) -> Service:
            sessions.append(VoiceSession.from_config(*given, **runtime))
            return sessions[0].service

        service, card = make_service(asked, room, seen, construct=construct)
        servers = {"stt": stt, "dialog": talk, "tts": tts}
        place = Home(service=service, room=room, card=card, seen=seen, session=sessions[0], **servers)
        for server in (stt, talk, tts):
            server.journal.listeners.append(lambda _: seen.note())
        await place.session.start()
        try:
            await place.until_state(State.IDLE)
            await place.until_known()
            await place.until_frame(WARM_FRAMES)
            place.begin = room.end_frame
            yield place
        finally:
            await place.session.stop()


def _uri(server: MockServer | str) -> str:
    return server if isinstance(server, str) else server.uri
