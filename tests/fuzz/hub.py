"""All that a hub can do to the satellite behind the reader: `python -m tests.fuzz.hub --runs 1000000`.

Bytes as they come, from one connection after the other, among them words for what happens here meanwhile: `!wake` and others,
with the milliseconds before it.
"""

from satellite.audio import reply
from satellite.core import conversation, guards, interruptions, linking, replies, says, table, turns, waking
from satellite.peer import codec, connection, door, framing, gate, hub, server
from tests.fuzz.engine import fuzz
from tests.fuzz.world import Living, Loop, running

# parts two connections; not a word of any event
GONE = b"!gone\n"

_MODULES = (reply, codec, connection, door, framing, gate, hub, server)
_CORE = (conversation, guards, interruptions, linking, replies, says, table, turns, waking)

# a turn or two
LONGEST_INPUT = 3072


def check(stream: bytes) -> None:
    """Nothing but a PeerError comes of it, which closes the connection; the rules of a conversation hold, it comes to rest."""
    with running(loop := Loop()):
        living = Living(loop)
        for number, part in enumerate(stream.split(GONE)):
            if number:
                living.wire.reconnect()
            living.wire.receive(part)
        living.wire.reconnect()
        living.over()


if __name__ == "__main__":
    fuzz("hub", check, [*_MODULES, *_CORE], LONGEST_INPUT)
