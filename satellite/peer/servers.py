"""The servers of one kind that are known, and how they are: which one to ask, and which next if that fails.

Each is asked what it can do when it becomes known and then once a minute, so that one that is gone is known to be gone before a
user waits for it; one that failed is looked at again sooner, with a growing pause between.
"""

import asyncio
import logging
from collections.abc import Collection, Iterable
from contextlib import suppress
from dataclasses import dataclass, field, replace

from satellite.errors import CertificateError, PeerError
from satellite.peer import codec
from satellite.peer.outgoing import place_of
from satellite.peer.request import Request, RequestRule
from satellite.peer.services import About, Kind, about
from satellite.trust import Trust

_log = logging.getLogger(__name__)

# a house has fewer
MOST_SERVERS = 32

_NAMES = {Kind.STT: "speech-to-text", Kind.INTENT: "intent", Kind.DIALOG: "dialog", Kind.TTS: "text-to-speech"}


@dataclass(frozen=True, slots=True)
class ServersRule:
    """When servers are looked at."""

    look_s: float = 60.0
    # one that is restarted is back in seconds
    first_retry_s: float = 1.0
    most_retry_s: float = 30.0
    # `describe` costs a server nothing, but Piper answers nobody while it makes a sentence: seconds on a small computer
    answer_s: float = 6.0
    request: RequestRule = field(default_factory=RequestRule)


@dataclass(eq=False, slots=True)
class Server:
    """One of them."""

    uri: str
    host: str
    port: int
    is_discovered: bool = False
    """Whether the network told of it; what it does is not known, then, before it has been asked."""
    about: About | None = None
    """What it says of itself; None until it has been asked."""
    is_other: bool = False
    """Whether it has said that it is a server of another kind."""
    failures: int = 0
    """In a row; 0 while it is well."""
    failed_at_s: float = 0.0
    due_at_s: float = 0.0
    trust: Trust | None = None
    """How its certificate is judged; None: it is spoken to in clear."""

    @property
    def is_candidate(self) -> bool:
        """Whether it may be asked."""
        return not self.is_other and (self.about is not None or not self.is_discovered)

    @property
    def streams(self) -> bool:
        """Whether it is known to stream."""
        return self.about is not None and self.about.streams


def server_at(uri: str, trust: Trust | None = None) -> Server:
    """By its `tcp://HOST:PORT` or `tls://HOST:PORT`; the latter needs `trust`."""
    place = place_of(uri)
    return Server(uri, place.host, place.port, trust=trust if place.is_secure else None)


class Servers:
    """Of one kind, the best first. `start` begins to look after them."""

    def __init__(self, kind: Kind, uris: Iterable[str], rule: ServersRule | None = None, trust: Trust | None = None) -> None:
        self.kind, self.rule = kind, rule or ServersRule()
        self.name = _NAMES[kind]
        self._servers = [server_at(uri, trust) for uri in uris]
        self._task: asyncio.Task[None] | None = None
        self._changed = asyncio.Event()
        self.failovers = 0
        """How often a request was given to another server, or once more to the same."""
        self.failures = 0
        """How often a request failed."""

    def start(self) -> None:
        """Begins to look after them."""
        if self._task is None:
            self._task = asyncio.get_running_loop().create_task(self._look_after(), name=f"{self.name} servers")

    async def stop(self) -> None:
        """Looks no more."""
        if self._task is not None:
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task
            self._task = None

    # ---- who is there

    @property
    def known(self) -> tuple[Server, ...]:
        """All of them, in the order in which they are asked while they are well."""
        return tuple(self._servers)

    @property
    def uris(self) -> list[str]:
        """Where they are."""
        return [server.uri for server in self._servers]

    def found(self, uri: str) -> None:
        """One has been discovered, or is there again."""
        if uri not in self.uris and len(self._servers) < MOST_SERVERS:
            self._servers.append(replace(server_at(uri), is_discovered=True))
        for server in self._servers:
            if server.uri == uri:
                server.due_at_s = 0.0
        self._changed.set()

    def lost(self, uri: str) -> None:
        """One that had been discovered has said goodbye."""
        self._servers = [server for server in self._servers if server.uri != uri or not server.is_discovered]

    def pick(self, tried: Collection[str] = ()) -> Server:
        """Whom to ask: who has not been tried, is well, and comes first in the operator's order. PeerError if nobody is known."""
        known = [server for server in self._servers if server.is_candidate]
        if not known:
            raise PeerError(f"no {self.name} server is known")
        # of those that are not well, the one whose failure is longest ago has had most time to recover
        return min(known, key=lambda server: (server.uri in tried, server.failures > 0, server.failed_at_s))

    # ---- how they are

    def worked(self, server: Server) -> None:
        """It did what it was asked."""
        if server.failures:
            away_s = asyncio.get_running_loop().time() - server.failed_at_s
            _log.info("the %s server %s is well again after %.1f s", self.name, server.uri, away_s)
        server.failures, server.failed_at_s = 0, 0.0
        # whoever works need not be asked whether it does
        server.due_at_s = asyncio.get_running_loop().time() + self.rule.look_s

    def failed(self, server: Server, why: object) -> None:
        """It did not. The first failure in a row is a warning."""
        self.failures += 1
        now_s = asyncio.get_running_loop().time()
        # what was discovered and never answered may be anything
        is_news = server.failures == 0 and (server.about is not None or not server.is_discovered)
        level = logging.WARNING if is_news else logging.DEBUG
        _log.log(level, "the %s server %s has failed: %s", self.name, server.uri, why)
        server.failed_at_s = server.failed_at_s or now_s
        server.failures += 1
        pause_s = min(self.rule.first_retry_s * 2 ** min(server.failures - 1, 16), self.rule.most_retry_s)
        if isinstance(why, CertificateError):
            # the operator mends it, and needs more than seconds
            pause_s = self.rule.look_s
        server.due_at_s = now_s + pause_s
        self._changed.set()

    async def _look_after(self) -> None:
        while True:
            self._changed.clear()
            now_s = asyncio.get_running_loop().time()
            await asyncio.gather(*(self._look_at(server) for server in self._servers if server.due_at_s <= now_s))
            soonest_s = min((server.due_at_s for server in self._servers), default=None)
            rest_s = None if soonest_s is None else max(soonest_s - asyncio.get_running_loop().time(), 0.0)
            with suppress(TimeoutError):
                async with asyncio.timeout(rest_s):
                    await self._changed.wait()

    async def _look_at(self, server: Server) -> None:
        try:
            learnt = await describe(server, self.kind, self.rule)
        except PeerError as error:
            self.failed(server, error)
            return
        self.worked(server)
        if learnt is None and not server.is_other and not server.is_discovered:
            _log.warning("%s is no %s server", server.uri, self.name)
        elif learnt is not None and learnt != server.about:
            what = ", streaming" if learnt.streams else ""
            _log.info("the %s server %s is here: %s%s", self.name, server.uri, learnt.name or "without a name", what)
        server.about, server.is_other = learnt, learnt is None


async def describe(server: Server, kind: Kind, rule: ServersRule) -> About | None:
    """What a server says of its service of this kind; None if it has none. PeerError if it does not answer."""
    request = await Request.open(server.host, server.port, rule.request, server.trust)
    try:
        request.send(codec.describe())
        deadline_s = asyncio.get_running_loop().time() + rule.answer_s
        while (event := await request.next(deadline_s - asyncio.get_running_loop().time())).type != "info":
            pass
        return about(event, kind)
    finally:
        request.abandon()
