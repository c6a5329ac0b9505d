"""Where the fuzzers begin: `python -m tests.fuzz.seeds FOLDER` writes what a hub says in conversations, and all kinds of garbage.

The mock hub's side of conversations that are played in virtual time, byte for byte but for the speech, of which a few samples do;
and what happens here meanwhile, in words that only the target `hub` knows.
"""

import json
import sys
from collections.abc import Iterator
from pathlib import Path

from wyoming.event import Event

from satellite.core import events as ev
from satellite.mock.hub import HubRule
from satellite.mock.journal import Entry
from satellite.peer.framing import encode
from tests.service.house import LONG_TEXT, MURMUR, House, house, play

_SAMPLES_BYTES = 16
# of a stream, whose chunks are all alike
_MOST_CHUNKS = 3

# what makes the library's own reader fall over, or take whatever it is told to
GARBAGE = {
    "header-without-end": b"{" * 301,
    "not-json": b"hello\n",
    "not-utf-8": b'{"type": "\xff"}\n',
    "surrogate": b'{"type": "\xed\xa0\x80"}\n',
    "half-a-character": rb'{"type": "ping", "data": {"text": "\ud800"}}' + b"\n",
    "utf-16": '{"type": "ping"}'.encode("utf-16-be") + b"\n",
    "list": b"[]\n",
    "no-type": b"{}\n",
    "type-is-a-number": b'{"type": 5}\n',
    "data-is-a-number": b'{"type": "ping", "data": 5}\n',
    "data-is-null": b'{"type": "ping", "data": null, "data_length": 2}\n{}',
    "length-is-text": b'{"type": "ping", "data_length": "5"}\n{}',
    "length-is-a-fraction": b'{"type": "ping", "data_length": 2.5}\n{}',
    "length-is-true": b'{"type": "ping", "data_length": true}\n{}',
    "length-below-zero": b'{"type": "ping", "payload_length": -1}\n',
    "ten-gigabytes": b'{"type": "audio-chunk", "payload_length": 10000000000}\nxxxx',
    "the-most": b'{"type": "audio-chunk", "data_length": 200, "payload_length": 400}\n{"rate": 22050}',
    "length-without-end": b'{"type": "ping", "data_length": ' + b"9" * 200 + b"}\n",
    "nested": b'{"type": "a", "data_length": 200}\n{"a":' + b"[" * 195,
    "nested-header": b"[" * 299 + b"\n",
    "cut-in-the-middle": b'{"type": "audio-chunk", "payload_length": 64}\nxxxx',
    "inline-data": b'{"type": "ping", "data": {"text": "a"}, "data_length": 13}\n{"text": "b"}',
    "not-a-number": b'{"type": "audio-start", "data": {"timestamp": NaN, "rate": Infinity}}\n',
    "seconds": b'{"type": "audio-start", "data": {"timestamp": 1.5, "rate": 22050}}\n',
    "timer-of-ages": b'{"type": "timer-started", "data": {"id": "a", "total_seconds": 1e300}}\n',
    "word-too-long": b'{"type": "timer-started", "data": {"id": "' + b"a" * 150 + b'", "total_seconds": 1}}\n',
}


async def _talk(place: House) -> None:
    """A question and its answer, talked over, talked over a little, an announcement, a timer."""
    await place.answer(into_s=0.3)
    place.say("tts_stop_joe")
    await place.until_over()
    await place.answer(into_s=0.2)
    place.say(MURMUR[:2400])
    await place.until_over(2)
    await place.hub.announce(LONG_TEXT)
    await place.hub.send(Event("timer-started", {"id": "t", "name": "tea", "total_seconds": 1, "start_minutes": 1}))
    await place.hub.send(Event("timer-updated", {"id": "t", "is_active": False, "total_seconds": 1}))
    await place.hub.send(Event("timer-finished", {"id": "t"}))
    place.hub.vanish()
    await place.until_back()


def _recorded(rule: HubRule) -> bytes:
    entries: list[Entry | ev.Event] = []

    async def story() -> None:
        async with house(hub_rule=rule) as place:
            place.journal.listeners.append(entries.append)
            entries.extend(place.journal.entries)
            see = place.seen.on_event

            def seen(event: ev.Event) -> None:
                entries.append(event)
                see(event)

            place.seen.on_event = seen  # type: ignore[method-assign]
            await _talk(place)

    play(story())
    return b"".join(_kept(entries))


def _kept(entries: list[Entry | ev.Event]) -> Iterator[bytes]:
    chunks = 0
    for entry in entries:
        match entry:
            case Entry(direction="sent", type="audio-chunk"):
                chunks += 1
                if chunks <= _MOST_CHUNKS:
                    yield encode(Event(entry.type, entry.data, entry.payload[:_SAMPLES_BYTES]))
            case Entry(direction="sent"):
                chunks = 0 if entry.type == "audio-start" else chunks
                yield encode(Event(entry.type, entry.data))
            case Entry():
                pass
            case ev.Event() if word := _HERE.get(type(entry)):
                yield encode(Event(word, {"ms": 300}))


# what happens here, in the words of the target `hub`
_HERE: dict[type[ev.Event], str] = {
    ev.WakeHeard: "!wake",
    ev.Held: "!held",
    ev.ReplyEnded: "!ended",
    ev.DeadlineReached: "!late",
    ev.StopAsked: "!hush",
    ev.SayAsked: "!say",
}


def main() -> None:
    """Writes them."""
    folder = Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    for name, stream in GARBAGE.items():
        (folder / name).write_bytes(stream)
        (folder / f"{name}-in-session").write_bytes(b'{"type": "run-satellite"}\n' + stream)
    for version in ("2025.4", "2025.11", "2026.11"):
        (folder / f"hub-{version}").write_bytes(_recorded(HubRule.like(version)))
    for word in _HERE.values():
        (folder / word.strip("!")).write_bytes(json.dumps({"type": word}).encode() + b"\n")


if __name__ == "__main__":
    main()
