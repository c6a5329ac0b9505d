"""Words to servers whose connection has been closed: an interruption may come long after the answer."""

import asyncio
import logging
from collections import deque

from wyoming.event import Event as WireEvent

from satellite.errors import PeerError
from satellite.peer.request import Request, RequestRule
from satellite.peer.servers import Server

_log = logging.getLogger(__name__)

# the phases of a few interruptions
_MOST_NOTES = 8


class Notes:
    """Each goes out on a connection of its own, one after the other, so that their order is kept."""

    def __init__(self, rule: RequestRule) -> None:
        self._rule = rule
        self._notes: deque[tuple[Server, WireEvent]] = deque(maxlen=_MOST_NOTES)
        self._task: asyncio.Task[None] | None = None

    def send(self, server: Server, event: WireEvent) -> None:
        """Tries to, once."""
        self._notes.append((server, event))
        if self._task is None or self._task.done():
            self._task = asyncio.get_running_loop().create_task(self._send_all(), name="notes")

    async def stop(self) -> None:
        """What has not been sent will not be."""
        self._notes.clear()
        if self._task is not None:
            await asyncio.wait({self._task}, timeout=self._rule.connect_s)

    async def _send_all(self) -> None:
        while self._notes:
            server, event = self._notes.popleft()
            try:
                request = await Request.open(server.host, server.port, self._rule, server.trust)
            except PeerError as error:
                _log.debug("%s was not told: %s", server.uri, error)
                continue
            request.abandon(event)
