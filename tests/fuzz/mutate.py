"""Changes to a stream that leave most of it well formed: what no flipping of bytes does to lengths that must fit."""

import json
import random
from collections.abc import Callable
from typing import Any

Blind = Callable[[bytes, int], bytes]
"""Changes bytes, as the fuzzer itself does."""

Piece = tuple[dict[str, Any], bytes, bytes]
"""A header, and what it announces: data and payload."""

# what JSON has, and what our fields are about
VALUES: tuple[Any, ...] = (
    *(None, True, False, 0, 1, -1, 2, 3, 16, 22, 23, 100, 101, 22050, 16000, 48000, 1 << 31, 1 << 63, 10**40, 10**4299),
    *(0.0, 0.5, -0.5, 1e308, float("inf"), float("nan"), "", "a", "\ud800", "\x1b[2J\n", "x" * 90, [], [[[]]], {}, {"a": {}}),
    *("validation-error", "stt-no-text-recognized", "okay_nabu", "what is the news", "Do you?"),
)
KEYS = (
    *("type", "version", "data", "data_length", "payload_length", "text", "name", "code", "timestamp", "rate", "width"),
    *("channels", "id", "total_seconds", "is_active", "ms", "n"),
)
TYPES = (
    *("run-satellite", "pause-satellite", "describe", "ping", "pong", "detect", "detection", "transcribe", "voice-started"),
    *("voice-stopped", "transcript", "synthesize", "audio-start", "audio-chunk", "audio-stop", "error", "info", "interrupt"),
    *("timer-started", "timer-updated", "timer-cancelled", "timer-finished", "timer-", "run-pipeline"),
    # what happens here meanwhile: see the target `hub`
    *("!begin", "!wake", "!stop-word", "!word", "!cough", "!silence", "!late", "!say", "!said", "!listen", "!hush", "!stalled"),
    *("!lost", "!end", "!held", "!held", "!ended", "!ended"),
)


def mutated(stream: bytes, most: int, seed: int, blind: Blind) -> bytes:
    """Another stream, like this one."""
    dice = random.Random(seed)
    if dice.random() < 0.3:
        return blind(stream, most)
    pieces, rest = _parsed(stream)
    for _ in range(dice.choice((1, 1, 1, 2, 4))):
        _change(pieces, dice, blind)
    if rest and dice.random() < 0.5:
        rest = b""
    return (b"".join(map(_joined, pieces)) + rest)[:most]


def _parsed(stream: bytes) -> tuple[list[Piece], bytes]:
    """As far as it can be."""
    pieces: list[Piece] = []
    while (end := stream.find(b"\n")) >= 0:
        try:
            header = json.loads(stream[:end])
            data_end = end + 1 + int(header.get("data_length") or 0)
            piece_end = data_end + int(header.get("payload_length") or 0)
        except (ValueError, TypeError, AttributeError, RecursionError, OverflowError):
            break
        if not end < data_end <= piece_end <= len(stream):
            break
        pieces.append((header, stream[end + 1 : data_end], stream[data_end:piece_end]))
        stream = stream[piece_end:]
    return pieces, stream


def _joined(piece: Piece) -> bytes:
    header, data, payload = piece
    return json.dumps(header).encode() + b"\n" + data + payload


def _change(pieces: list[Piece], dice: random.Random, blind: Blind) -> None:
    at = dice.randrange(len(pieces) + 1)
    match dice.randrange(7):
        case 0:
            pieces.insert(at, _fitting({"type": dice.choice(TYPES)}, _made_up(dice), b""))
        case 1 if pieces:
            pieces.insert(at, dice.choice(pieces))
        case 2 if pieces:
            del pieces[min(at, len(pieces) - 1)]
        case 3 if len(pieces) > 1:
            other = dice.randrange(len(pieces))
            at = min(at, len(pieces) - 1)
            pieces[at], pieces[other] = pieces[other], pieces[at]
        case _ if pieces:
            at = min(at, len(pieces) - 1)
            pieces[at] = _changed(pieces[at], dice, blind)
        case _:
            pieces.append(_fitting({"type": dice.choice(TYPES)}, _made_up(dice), b""))


def _changed(piece: Piece, dice: random.Random, blind: Blind) -> Piece:
    header, data, payload = dict(piece[0]), piece[1], piece[2]
    match dice.randrange(6):
        case 0:
            header[dice.choice(KEYS)] = dice.choice(VALUES)
            return header, data, payload
        case 1:
            header["type"] = dice.choice(TYPES)
        case 2:
            data = blind(data, 200)
        case 3:
            payload = blind(payload, 300) if payload else bytes(dice.choice((1, 2, 64, 300)))
        case _:
            data = json.dumps(_loaded(data) | _made_up(dice)).encode()
    return _fitting(header, data, payload)


def _loaded(data: bytes) -> dict[str, Any]:
    try:
        value = json.loads(data)
    except (ValueError, RecursionError):
        return {}
    return value if isinstance(value, dict) else {}


def _made_up(dice: random.Random) -> dict[str, Any]:
    return {dice.choice(KEYS): dice.choice(VALUES) for _ in range(dice.randrange(3))}


def _fitting(header: dict[str, Any], data: bytes | dict[str, Any], payload: bytes) -> Piece:
    data = (json.dumps(data).encode() if data else b"") if isinstance(data, dict) else data
    lengths = {"data_length": len(data) or None, "payload_length": len(payload) or None}
    return header | {key: length for key, length in lengths.items() if length or key in header}, data, payload
