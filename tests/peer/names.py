"""A name server of a test's own."""

import socket
from collections.abc import Callable, Mapping
from typing import Any

_ask_the_system = socket.getaddrinfo


def known(names: Mapping[str, Callable[[], list[str]]]) -> Callable[..., list[Any]]:
    """In place of `socket.getaddrinfo`: these names, their addresses by a function that may take its time, and no others."""

    def look_up(host: str, port: int | None, **options: Any) -> list[Any]:
        if options.get("flags", 0) & socket.AI_NUMERICHOST:
            return _ask_the_system(host, port, **options)
        if host not in names:
            raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
        return [place for ip in names[host]() for place in _ask_the_system(ip, port, **options)]

    return look_up
