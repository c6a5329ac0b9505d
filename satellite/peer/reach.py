"""How a server is reached: at whichever of its addresses answers, and without waiting long for a name server or a dead address.

A look-up cannot be broken off, and a name server that is silent takes half a minute to be given up. So there is one for each name
at a time, however often it is asked for, in threads that nobody else waits for.
"""

import asyncio
import os
import socket
import ssl
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, TypeAlias

# the names of a configuration: servers of four kinds, a wake word service, an event service, and some to spare
_MOST_LOOK_UPS = 8

# RFC 8305: an address that has not answered by then is not waited for alone
_NEXT_ADDRESS_S = 0.25

# a family, a type, a protocol, a name that is not asked for, and an address of that family
_Place: TypeAlias = tuple[Any, ...]


async def reached(host: str, port: int) -> socket.socket:
    """Connected to it. OSError as sockets raise it, UnicodeError for what cannot be a name."""
    return await _first(await _places(host, port))


def reason(error: OSError | UnicodeError) -> str:
    """What went wrong, without the address, which asyncio tells in a sentence of its own."""
    if isinstance(error, ssl.SSLError):
        return error.reason or str(error)
    # a name server's numbers are below zero
    number = getattr(error, "errno", None)
    return os.strerror(number) if number and number > 0 else getattr(error, "strerror", None) or str(error)


# ---- names


async def looked_up(name: str) -> list[str]:
    """The addresses of a host, as texts. OSError if there are none; it may take as long as a name server is silent."""
    return [str(place[-1][0]) for place in await _names.look_up(name)]


class _Names:
    """Looks names up."""

    def __init__(self) -> None:
        self._threads = ThreadPoolExecutor(_MOST_LOOK_UPS, thread_name_prefix="name")
        self._running: dict[str, Future[list[_Place]]] = {}

    async def look_up(self, name: str) -> list[_Place]:
        """Its addresses."""
        if (running := self._running.get(name)) is None:
            running = self._threads.submit(socket.getaddrinfo, name, None, type=socket.SOCK_STREAM)
            self._running[name] = running
            running.add_done_callback(lambda _: self._running.pop(name, None))
        # whoever gives up does not take the answer away from others
        return await asyncio.shield(asyncio.wrap_future(running))


_names = _Names()


async def _places(host: str, port: int) -> list[_Place]:
    try:
        found: Sequence[_Place] = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM, flags=socket.AI_NUMERICHOST)
    except socket.gaierror:
        found = await _names.look_up(host)
    return [(*rest, (ip, port, *scope)) for *rest, (ip, _, *scope) in found]


# ---- addresses


async def _first(places: Sequence[_Place]) -> socket.socket:
    """Connected to the first that answers; the next is tried when one fails, or has said nothing for a moment."""
    waiting, trying = list(places), set[asyncio.Task[socket.socket]]()
    failed: BaseException = OSError("the name has no address")
    try:
        while waiting or trying:
            if waiting:
                trying.add(asyncio.create_task(_try(waiting.pop(0))))
            patience_s = _NEXT_ADDRESS_S if waiting else None
            done, _ = await asyncio.wait(trying, timeout=patience_s, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                trying.remove(task)
                if (error := task.exception()) is None:
                    return task.result()
                failed = error
        raise failed
    finally:
        for task in trying:
            task.cancel()
        for late in await asyncio.gather(*trying, return_exceptions=True):
            if isinstance(late, socket.socket):
                late.close()


async def _try(place: _Place) -> socket.socket:
    family, kind, protocol, _, address = place
    sock = socket.socket(family, kind, protocol)
    try:
        sock.setblocking(False)
        await asyncio.get_running_loop().sock_connect(sock, address)
    except BaseException:
        sock.close()
        raise
    return sock
