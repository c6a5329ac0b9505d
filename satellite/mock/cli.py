"""`satellite mock ...`: the mock servers on their own, for whoever develops without Home Assistant."""

import argparse
import asyncio
import contextlib

from satellite.core.units import RATE_HZ
from satellite.mock.agent import keyword_agent
from satellite.mock.dialog import MockDialog
from satellite.mock.hub import MockHub
from satellite.mock.journal import Entry
from satellite.mock.recogniser import TemplateRecogniser
from satellite.mock.recordings import ANSWER, SPOKEN, SPOKEN_S, recording
from satellite.mock.stt import MockStt
from satellite.mock.tts import MockTts
from satellite.mock.wake import MockWake

# in the middle of the pause after the answer's first sentence
_FIRST_FRAMES = int(2.75 * RATE_HZ)
_ANSWERS = {"lights": ANSWER, "alexa": ANSWER}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Its subcommands."""
    kinds = parser.add_subparsers(required=True, dest="kind", metavar="SERVER")
    hub = kinds.add_parser("hub", help="behaves towards a satellite as Home Assistant does")
    hub.add_argument("--satellite", default="127.0.0.1:10700", metavar="HOST:PORT", help="where it is (default: %(default)s)")
    hub.add_argument("--stt", metavar="URI", help="speech-to-text server, tcp://HOST:PORT (default: a mock one)")
    hub.add_argument("--tts", metavar="URI", help="text-to-speech server (default: a mock one)")
    for kind, what, port, streams in (
        ("stt", "speech-to-text by known recordings", 10300, "say what is understood so far, too"),
        ("dialog", "a conversation agent (handle) that looks for keywords", 10500, "answer piece by piece"),
        ("tts", "text-to-speech by recordings", 10200, "take text piece by piece, too"),
        ("wake", "wake words by microWakeWord", 10400, None),
    ):
        server = kinds.add_parser(kind, help=what)
        server.add_argument("--port", type=int, default=port, help="default: %(default)s")
        if streams is not None:
            server.add_argument("--streams", action="store_true", help=streams)


def run(args: argparse.Namespace) -> int:
    """Runs one until it is interrupted."""
    serve = {"hub": _hub, "stt": _stt, "dialog": _dialog, "tts": _tts, "wake": _wake}[args.kind]
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(serve(args))
    return 0


def mock_stt(port: int = 0, streams: bool = False) -> MockStt:
    """One that knows the recordings of the package."""
    known = [(text, recording(name)) for name, text in SPOKEN.items() if name in SPOKEN_S]
    recognise = TemplateRecogniser(known).recognise
    return MockStt(recognise, port=port, words_at=recognise if streams else None)


def mock_tts(port: int = 0, streams: bool = False) -> MockTts:
    """One that has a recording of the answer, and of its two sentences."""
    whole = recording("heart_medium_67966")
    first, second = ANSWER.split(". ")
    texts = {ANSWER: whole, f"{first}.": whole[:_FIRST_FRAMES], second: whole[_FIRST_FRAMES:]}
    return MockTts(texts, port=port, streams=streams)


async def _stt(args: argparse.Namespace) -> None:
    async with mock_stt(args.port, args.streams) as server:
        print(f"speech-to-text at {server.uri}")
        await asyncio.Event().wait()


async def _dialog(args: argparse.Namespace) -> None:
    async with MockDialog(keyword_agent(_ANSWERS), port=args.port, streams=args.streams) as server:
        print(f"dialog at {server.uri}")
        await asyncio.Event().wait()


async def _tts(args: argparse.Namespace) -> None:
    async with mock_tts(args.port, args.streams) as server:
        print(f"text-to-speech at {server.uri}")
        await asyncio.Event().wait()


async def _wake(args: argparse.Namespace) -> None:
    async with MockWake(port=args.port) as server:
        print(f"wake words at {server.uri}")
        await asyncio.Event().wait()


async def _hub(args: argparse.Namespace) -> None:
    host, _, port = args.satellite.rpartition(":")
    async with mock_stt() as stt, mock_tts() as tts:
        hub = MockHub(host, int(port), args.stt or stt.uri, args.tts or tts.uri, keyword_agent(_ANSWERS))
        hub.journal.listeners.append(_print)
        async with hub:
            print(f"connecting to {args.satellite}")
            await asyncio.Event().wait()


def _print(entry: Entry) -> None:
    if entry.type not in ("audio-chunk", "ping", "pong"):
        print(f"{'<' if entry.direction == 'received' else '>'} {entry.type:<16} {entry.data}", flush=True)
